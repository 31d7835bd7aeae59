"""Which fields a request touched: names, never values."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from reconciler.core.resource import metadata_of

#: Subresources of a pod by which somebody comes into it.
SESSIONS = frozenset({"attach", "exec", "portforward"})

#: Of a request that touched more, it isn't kept which.
MOST = 64

#: So deep fields are told apart; a body may be of any depth.
_DEEPEST = 24

#: What every write changes.
_SERVER_SET = frozenset({"generation", "managedFields", "resourceVersion"})

_Names = tuple[str, ...]


def texts(value: object) -> tuple[str, ...]:
    """Gives a list's texts; empty where it isn't a list."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def patched(body: object) -> frozenset[_Names] | None:
    """Says which fields a patch touches, down to the first list; None where that can't be told.

    The audit doesn't say of which type a patch is. A server-side apply, and nothing else, is a
    whole object: what it doesn't name it may remove, so of it nothing can be told.
    """
    if isinstance(body, list):
        steps = (each for each in body if isinstance(each, Mapping))
        places = (each.get(name) for each in steps for name in ("path", "from"))
        return _bounded(_steps(place) for place in places if isinstance(place, str))
    if not isinstance(body, Mapping) or "kind" in body or "apiVersion" in body:
        return None
    return _bounded(_leaves(body, ()))


def differing(old: object, new: object) -> frozenset[_Names] | None:
    """Says in which fields two states of an object differ, down to the first list.

    Returns:
        The fields' names; None where there are too many to keep.
    """
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return None
    return _bounded(_differences(_declared(old), _declared(new), ()))


def _declared(body: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {name: value for name, value in body.items() if name != "status"}
    kept["metadata"] = {k: v for k, v in metadata_of(body).items() if k not in _SERVER_SET}
    return kept


def _bounded(found: Iterator[_Names]) -> frozenset[_Names] | None:
    names = frozenset(islice(found, MOST + 1))
    return names if len(names) <= MOST else None


def _differences(old: Any, new: Any, path: _Names) -> Iterator[_Names]:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and len(path) < _DEEPEST:
        for name in old.keys() | new.keys():
            if old.get(name) != new.get(name) or (name in old) != (name in new):
                yield from _differences(old.get(name), new.get(name), (*path, str(name)))
    else:
        yield path


def _leaves(body: Mapping[str, Any], path: _Names) -> Iterator[_Names]:
    for name, value in body.items():
        # A directive of a strategic merge patch, such as `$retainKeys`, is about what is around it.
        if name.startswith("$"):
            yield path
        elif isinstance(value, Mapping) and value and len(path) < _DEEPEST:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name)


def _steps(pointer: str) -> _Names:
    """Reads a JSON pointer down to the first index."""
    names: list[str] = []
    for step in pointer.split("/")[1:]:
        if step.isdecimal() or step == "-":
            break
        names.append(step.replace("~1", "/").replace("~0", "~"))
    return tuple(names)
