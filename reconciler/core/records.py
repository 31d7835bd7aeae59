"""Values as JSON and back, by their types alone: what is written comes back as it was.

For what this program says to itself. What others read is written by hand, in `render`.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from types import UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")
_Reader = Callable[[Any], Any]
#: Names the class, as a field may hold one of several.
_KIND: Final = "is"
_LARGEST: Final = 2**63
_NAMES: Final = {str: "a text", int: "a whole number", bool: "true or false"}


class _MisreadError(Exception):
    """Something isn't what it must be.

    Attributes:
        steps: Where, from within outwards.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.steps: list[str] = []


def record_of(value: Any) -> Any:
    """Writes a value: dataclasses as objects, without the fields that are as by default.

    Args:
        value: Of frozen dataclasses, tuples, texts, numbers, `StrEnum`s and None.
    """
    kind: Any = type(value)
    if kind is tuple:
        return [record_of(each) for each in value]
    if kind in (str, int, bool) or value is None:
        return value
    if isinstance(value, StrEnum):
        return value.value
    record = {_KIND: kind.__name__}
    for name, default in _defaults(kind):
        content = getattr(value, name)
        if content != default:
            record[name] = record_of(content)
    return record


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((each.name, each.default) for each in fields(kind))


def value_of(kind: type[_T], record: Any, where: str) -> _T:
    """Reads a value back. Fields that its class doesn't have are left out.

    Args:
        kind: The class that it is to be of.
        record: What JSON held.
        where: What the record is, for messages; empty for the whole document.

    Raises:
        ValueError: A field is missing, or isn't what it must be; says which.
    """
    try:
        return cast("_T", _reader(cast("Any", kind))(record))
    except _MisreadError as error:
        place = f"{where}{''.join(reversed(error.steps))}".removeprefix(".")
        raise ValueError(f"{place or 'the document'}: {error}") from None


@cache
def _reader(kind: Any) -> _Reader:
    """Gives what reads values of a type: found out once, as there are many values."""
    if get_origin(kind) is tuple:
        return partial(_tuple, get_args(kind)[0])
    if isinstance(kind, UnionType) or get_origin(kind) is Union:
        kinds = {each.__name__: each for each in get_args(kind) if each is not type(None)}
        return partial(_one_of, kinds, type(None) in get_args(kind))
    if is_dataclass(kind):
        return partial(_object, kind)
    return partial(_word if issubclass(kind, StrEnum) else _plain, kind)


def _tuple(kind: Any, record: Any) -> tuple[Any, ...]:
    if not isinstance(record, list):
        raise _wanted("a list")
    read, values = _reader(kind), list[Any]()
    try:
        for each in record:
            values.append(read(each))
    except _MisreadError as error:
        error.steps.append(f"[{len(values)}]")
        raise
    return tuple(values)


def _one_of(kinds: Mapping[str, Any], may_be_none: bool, record: Any) -> Any:
    if record is None and may_be_none:
        return None
    named = record.get(_KIND) if isinstance(record, dict) else None
    if not isinstance(named, str) or named not in kinds:
        raise _wanted(" or ".join(kinds))
    return _reader(kinds[named])(record)


def _object(kind: Any, record: Any) -> Any:
    if not isinstance(record, dict):
        raise _wanted("an object")
    values, at = dict[str, Any](), ""
    try:
        for at, read, is_needed in _fields(kind):
            if at in record:
                values[at] = read(record[at])
            elif is_needed:
                raise _MisreadError("it is missing")
    except _MisreadError as error:
        error.steps.append(f".{at}")
        raise
    return kind(**values)


@cache
def _fields(kind: Any) -> tuple[tuple[str, _Reader, bool], ...]:
    """Gives each field's name, what reads it, and whether it has no default."""
    hints = get_type_hints(kind)
    return tuple(
        (each.name, _reader(hints[each.name]), each.default is MISSING) for each in fields(kind)
    )


def _word(kind: type[StrEnum], record: Any) -> StrEnum:
    try:
        return kind(record)
    except ValueError:
        raise _wanted(f"one of {', '.join(kind)}") from None


def _plain(kind: type[Any], record: Any) -> Any:
    # True is an int to Python, and no number to anybody else.
    if type(record) is not kind:
        raise _wanted(_NAMES[kind])
    if kind is int and not -_LARGEST <= record < _LARGEST:
        raise _wanted("a number of at most 64 bits")
    return record


def _wanted(what: str) -> _MisreadError:
    return _MisreadError(f"{what} is wanted")
