"""Values of kustomizations and charts that decide about a field, found by what they are."""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

from reconciler.adopting.image_values import image_parts
from reconciler.adopting.workbench import Bench, Files, Wish
from reconciler.core.adoption import located
from reconciler.core.diff import same
from reconciler.core.drift import Change, ChangeType
from reconciler.core.path import Path, Step, value_at, with_value
from reconciler.core.resource import JsonObject
from reconciler.ports import Making


def by_value(bench: Bench, wish: Wish) -> Iterator[Files]:
    """Looks for the value that decides by what it is, and by what it is called."""
    (change,) = wish.changes
    path = located(change.path, wish.manifest.body)
    old, new = value_at(wish.manifest.body, path), value_at(wish.wanted, path)
    names = [step for step in path if isinstance(step, str)]
    tries: list[tuple[int, str, JsonObject, Path, Any]] = []
    for file in bench.draft.own:
        for written in bench.documents(file)[:1]:
            if isinstance(written.value, dict):
                found = [
                    (place, put)
                    for place, value in leaves(written.value, ())
                    for put in _puts(value, old, new)
                ]
                if bench.draft.making is Making.HELM:
                    found += _named(written.value, change, path, new)
                tries += [(_rank(at, names), file, written.value, at, put) for at, put in found]
    for _, file, document, place, put in sorted(tries, key=lambda each: each[0]):
        wanted = with_value(document, place, put)
        for text in bench.edited(file, 0, document, wanted):
            yield {file: text}


def leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Gives everything in a value that is neither a list nor a map, with its place."""
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from leaves(child, (*path, str(name)))
    elif isinstance(value, list):
        for at, child in enumerate(value):
            yield from leaves(child, (*path, at))
    else:
        yield path, value


def _puts(value: Any, old: Any, new: Any) -> Iterator[Any]:
    """Gives what to put in place of a value, if it is what decides about another one."""
    if old is None or new is None or isinstance(old, dict | list) or isinstance(new, dict | list):
        return
    if same(value, old):
        yield new
    elif isinstance(value, str) and not isinstance(old, str) and value == str(old).lower():
        yield str(new).lower()
    elif isinstance(value, str) and isinstance(old, str) and isinstance(new, str):
        if old and value.endswith(f"={old}"):
            yield value.removesuffix(old) + new
        for was, now in zip(image_parts(old), image_parts(new), strict=True):
            if was and now and was != now and value == was:
                yield now
    elif isinstance(old, str) and isinstance(new, str) and str(value) == old:
        yield new


def _named(
    document: JsonObject, change: Change, path: Path, new: Any
) -> Iterator[tuple[Path, Any]]:
    """Gives places in a chart's values that are called as the field is, or as what holds it."""
    names = list(takewhile(lambda step: isinstance(step, str), reversed(path)))[::-1]
    if not names:
        return
    for place, value in _maps(document, ()):
        for name, child in value.items():
            if not _is_called(name, names[-1]):
                continue
            if change.change is ChangeType.REMOVED:
                yield (*place, str(name)), None
            elif not isinstance(child, bool) or isinstance(new, bool):
                yield (*place, str(name)), new
        if place and change.change is ChangeType.ADDED:
            for at, holder in enumerate(names[:-1], 1):
                if _is_called(place[-1], holder) and value_at(value, tuple(names[at:])) is None:
                    yield (*place, *names[at:]), new


def _is_called(name: object, field: Step) -> bool:
    """Whether a value is called as a field, with something before it: `podLabels`, `labels`."""
    return str(name).lower().endswith(str(field).lower())


def _maps(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        yield path, value
        for name, child in value.items():
            yield from _maps(child, (*path, str(name)))


def _rank(place: Path, names: list[str]) -> int:
    """Says how little a place is called like a field: the fewer, the likelier it decides."""
    words = {str(step).lower() for step in place}
    hits = sum(name.lower() in words for name in names)
    last = str(place[-1]).lower() if place else ""
    return -(hits + (2 if names and last and last in names[-1].lower() else 0))
