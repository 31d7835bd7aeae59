"""Values as JSON and back, by their types alone: what is written comes back as it was.

For what this program says to itself. What others read is written by hand, in `render`.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")
#: Names the class where a field may hold one of several.
_KIND: Final = "is"
_LARGEST: Final = 2**63


def record_of(value: Any) -> Any:
    """Writes a value: dataclasses as objects, without the fields that are as by default.

    Args:
        value: Of frozen dataclasses, tuples, texts, numbers, `StrEnum`s and None.
    """
    if is_dataclass(value):
        held = {
            each.name: record_of(content)
            for each in fields(value)
            if (content := getattr(value, each.name)) != each.default
        }
        return {_KIND: type(value).__name__, **held}
    if isinstance(value, tuple):
        return [record_of(each) for each in value]
    return value.value if isinstance(value, StrEnum) else value


def value_of(kind: type[_T], record: Any, where: str) -> _T:
    """Reads a value back. Fields that its class doesn't have are left out.

    Args:
        kind: The class that it is to be of.
        record: What JSON held.
        where: What the record is, for messages.

    Raises:
        ValueError: A field is missing, or isn't what it must be; says which.
    """
    return cast("_T", _read(kind, record, where))


def _read(kind: Any, record: Any, where: str) -> Any:
    if get_origin(kind) is tuple:
        if not isinstance(record, list):
            raise _wrong(where, "a list")
        item = get_args(kind)[0]
        return tuple(_read(item, each, f"{where}[{at}]") for at, each in enumerate(record))
    if isinstance(kind, UnionType) or get_origin(kind) is Union:
        return _one_of(get_args(kind), record, where)
    if is_dataclass(kind):
        return _dataclass(kind, record, where)
    if issubclass(kind, StrEnum):
        return _word(kind, record, where)
    # True is an int to Python, and no number to anybody else.
    if type(record) is not kind:
        raise _wrong(where, _NAMES[kind])
    if kind is int and not -_LARGEST <= record < _LARGEST:
        raise _wrong(where, "a number of at most 64 bits")
    return record


_NAMES: Final = {str: "a text", int: "a whole number", bool: "true or false"}


def _one_of(kinds: tuple[Any, ...], record: Any, where: str) -> Any:
    if record is None and type(None) in kinds:
        return None
    classes = {each.__name__: each for each in kinds if each is not type(None)}
    named = record.get(_KIND) if isinstance(record, Mapping) else None
    if not isinstance(named, str) or named not in classes:
        raise _wrong(where, " or ".join(classes))
    return _read(classes[named], record, where)


def _dataclass(kind: Any, record: Any, where: str) -> Any:
    if not isinstance(record, Mapping):
        raise _wrong(where, "an object")
    values = {}
    for name, (hint, is_needed) in _fields(kind).items():
        path = f"{where}.{name}" if where else name
        if name in record:
            values[name] = _read(hint, record[name], path)
        elif is_needed:
            raise ValueError(f"{path}: it is missing")
    return kind(**values)


@cache
def _fields(kind: Any) -> Mapping[str, tuple[Any, bool]]:
    """Gives the type of each field, and whether it has no default."""
    hints = get_type_hints(kind)
    return {each.name: (hints[each.name], each.default is MISSING) for each in fields(kind)}


def _word(kind: type[StrEnum], record: Any, where: str) -> StrEnum:
    try:
        return kind(record)
    except ValueError:
        raise _wrong(where, f"one of {', '.join(kind)}") from None


def _wrong(where: str, wanted: str) -> ValueError:
    return ValueError(f"{where or 'the document'}: {wanted} is wanted")
