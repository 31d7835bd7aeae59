"""Paths into objects, written as Kubernetes people write them.

`spec.template.spec.containers[name=web].image`, `metadata.labels["app.kubernetes.io/name"]`,
`spec.ports[containerPort=80,protocol=TCP]`, `args[2]`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, TypeAlias, assert_never


@dataclass(frozen=True, slots=True)
class Item:
    """A step into a list by merge keys.

    Attributes:
        keys: The merge keys with their values, such as `(("name", "web"),)`.
    """

    keys: tuple[tuple[str, Any], ...]

    def matches(self, value: object) -> bool:
        """Whether a list item carries these keys."""
        return isinstance(value, Mapping) and all(value.get(k) == v for k, v in self.keys)

    def __str__(self) -> str:
        return "[" + ",".join(f"{k}={_key_text(v)}" for k, v in self.keys) + "]"


def _key_text(value: Any) -> str:
    if isinstance(value, str) and not _NEEDS_QUOTES.search(value):
        return value
    return json.dumps(value, ensure_ascii=False)


#: A field's name, an index into an atomic list, or a list item by its merge keys.
Step: TypeAlias = str | int | Item
Path: TypeAlias = tuple[Step, ...]

#: What would end a merge key's value, or the line.
_NEEDS_QUOTES = re.compile(r'[\],"\x00-\x1f]')
_PLAIN = re.compile(r"[A-Za-z0-9_$-]+\Z")


def format_path(path: Path) -> str:
    """Writes a path as people read it."""
    text = ""
    for step in path:
        match step:
            case int():
                text += f"[{step}]"
            case Item():
                text += str(step)
            case str() if _PLAIN.match(step):
                text += f".{step}" if text else step
            case str():
                text += f"[{json.dumps(step, ensure_ascii=False)}]"
            case _:
                assert_never(step)
    return text


def named_step(step: Step, item: object) -> Step:
    """Gives the step to a list's item by the item's own name, as far as it has one."""
    if not isinstance(item, Mapping) or isinstance(step, str):
        return step
    names = tuple((key, item[key]) for key in ("name", "key") if isinstance(item.get(key), str))
    return Item(names) if names else step


def value_at(body: object, path: Path) -> Any:
    """Gives the value at a path, or None where there is none."""
    value: Any = body
    for step in path:
        match step:
            case Item():
                found = value if isinstance(value, list) else []
                value = next((item for item in found if step.matches(item)), None)
            case int():
                inside = isinstance(value, list) and step < len(value)
                value = value[step] if inside else None
            case str():
                value = value.get(step) if isinstance(value, Mapping) else None
            case _:
                assert_never(step)
        if value is None:
            return None
    return value


def with_value(body: Any, path: Path, value: Any) -> Any:
    """Gives a copy of a body with the value at a path set; None takes it away.

    Maps and list items that are missing on the way to a value are made, an index beyond a list's
    end appends to it; what isn't on the way is shared with the original.
    """
    if value is None and value_at(body, path) is None and not _holds_null(body, path):
        return body
    return _with_value(body, path, value)


def _holds_null(body: Any, path: Path) -> bool:
    parent = value_at(body, path[:-1])
    return bool(path) and isinstance(parent, Mapping) and path[-1] in parent


def _with_value(body: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    match step:
        case str():
            fields = dict(body) if isinstance(body, Mapping) else {}
            child = _with_value(fields.get(step), rest, value)
            if child is None:
                fields.pop(step, None)
            else:
                fields[step] = child
            return fields
        case int() | Item():
            return _with_item(list(body) if isinstance(body, list) else [], step, rest, value)
        case _:
            assert_never(step)


def _with_item(items: list[Any], step: int | Item, rest: Path, value: Any) -> list[Any]:
    match step:
        case int():
            at = step if step < len(items) else None
        case Item():
            at = next((i for i, item in enumerate(items) if step.matches(item)), None)
        case _:
            assert_never(step)
    old = dict(step.keys) if at is None and isinstance(step, Item) else None
    child = _with_value(items[at] if at is not None else old, rest, value)
    if at is None:
        return [*items, child]
    return [*items[:at], *([] if child is None else [child]), *items[at + 1 :]]


#: A pattern for one step: a field's name with wildcards, or `*`, or merge keys with wildcards.
StepPattern: TypeAlias = str | tuple[tuple[str, str], ...]


@lru_cache(maxsize=4096)
def parse_pattern(text: str) -> tuple[StepPattern, ...]:
    """Reads a rule's path.

    Raises:
        ValueError: It isn't a path: the message says where.
    """
    steps: list[StepPattern] = []
    rest = text
    while rest:
        if rest[0] == "[":
            step, rest = _bracket(rest, text)
            steps.append(step)
        else:
            name = rest.lstrip(".") if not steps else rest.removeprefix(".")
            end = min((i for i in (name.find("."), name.find("[")) if i >= 0), default=len(name))
            if not name[:end]:
                raise ValueError(f"a field's name is missing at {rest!r}")
            steps.append(name[:end])
            rest = name[end:]
    return tuple(steps)


def _bracket(rest: str, text: str) -> tuple[StepPattern, str]:
    if rest.startswith('["'):
        quoted = _QUOTED.match(rest, 1)
        if quoted is None or not rest.startswith("]", quoted.end()):
            raise ValueError(f"a '[\"' in {text!r} is never closed by '\"]'")
        return _unquoted(quoted.group(), text), rest[quoted.end() + 1 :]
    keyed = _KEYED.match(rest)
    if keyed is not None:
        pairs = (pair.groups() for pair in _PAIR.finditer(keyed.group(1)))
        return tuple((k, _unquoted(v, text) if v[:1] == '"' else v) for k, v in pairs), (
            rest[keyed.end() :]
        )
    end = rest.find("]")
    if end < 0:
        raise ValueError(f"a '[' in {text!r} is never closed by ']'")
    return rest[1:end], rest[end + 1 :]


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PAIR = re.compile(r'([^=\[\]",]+)=("(?:[^"\\]|\\.)*"|[^\],]*)')
_KEYED = re.compile(rf"\[((?:{_PAIR.pattern},?)+)\]")


def _unquoted(quoted: str, text: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        raise ValueError(f"{quoted} in {text!r} isn't quoted as JSON is") from None


def path_matches(pattern: str, path: Path) -> bool:
    """Whether a path is the field that a pattern names, or below it."""
    return is_prefix(parse_pattern(pattern), path)


def is_prefix(pattern: Sequence[StepPattern], path: Path) -> bool:
    """Whether a path's first steps are those that a pattern names."""
    return len(pattern) <= len(path) and all(
        _step_matches(wanted, step) for wanted, step in zip(pattern, path, strict=False)
    )


def _step_matches(wanted: StepPattern, step: Step) -> bool:
    match step:
        case Item():
            if isinstance(wanted, str):
                return wanted == "*"
            have = {k: v if isinstance(v, str) else json.dumps(v) for k, v in step.keys}
            return all(_matches(have.get(key, ""), value) for key, value in wanted)
        case int():
            return isinstance(wanted, str) and wanted in ("*", str(step))
        case str():
            return isinstance(wanted, str) and _matches(step, wanted)
        case _:
            assert_never(step)


def _matches(name: str, wanted: str) -> bool:
    # A name that holds a `[` is no pattern, if a report has shown it.
    return name == wanted or fnmatchcase(name, wanted)
