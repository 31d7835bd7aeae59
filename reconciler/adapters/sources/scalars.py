"""Kubernetes' own reading of YAML's plain values, which is neither YAML 1.1 nor 1.2.

kubectl, kustomize and helm all read through sigs.k8s.io/yaml, that is go.yaml.in/yaml/v2: this is
its `resolve.go`, and what encoding/json then makes of numbers. The real kubectl decides: see
`tests/integration/sources/test_yaml_as_kubectl.py`.
"""

import base64
import binascii
import math
import re
import struct

#: One value that isn't a list or a map.
Scalar = str | int | float | bool | None

_TAG_PREFIX = "tag:yaml.org,2002:"

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE"), True),
    **dict.fromkeys(("on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE"), False),
    **dict.fromkeys(("off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_FINITE = frozenset(
    f"{sign}.{word}" for word in ("inf", "Inf", "INF") for sign in ("", "+", "-")
) | {".nan", ".NaN", ".NAN"}

#: With these a plain value begins that may be something else than a string.
_SPECIAL_STARTS = frozenset("yYnNtTfFoO~+-.0123456789")
_NUMBER_STARTS = frozenset("+-.0123456789")

_INTEGER = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]*)|([1-9][0-9]*))\Z"
)
_INTEGER_BASES = (16, 2, 8, 8, 10)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_POINT_FIRST = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?\Z")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ][0-9:.]+(?:Z|[-+][0-9:]+)?)?\Z")

#: No longer text is an integer of 64 bits, were it in base 2 with leading zeros; and Python refuses
#: to convert thousands of digits.
_LONGEST_INTEGER = 400

#: From here on encoding/json writes a float with an exponent.
_EXPONENT_FROM = 1e21


class ScalarError(ValueError):
    """A value that Kubernetes couldn't take either; the message quotes nothing of it."""


def plain(value: str) -> Scalar:
    """Reads a plain (unquoted, untagged) value.

    Raises:
        ScalarError: It isn't a finite number.
    """
    if not value:
        return None
    first = value[0]
    if first not in _SPECIAL_STARTS:
        return value
    if first in _NUMBER_STARTS:
        return _number(value)
    return _WORDS.get(value, value)


def tagged(tag: str, value: str) -> Scalar:
    """Reads a value with an explicit tag; tags that YAML doesn't define are passed over.

    Raises:
        ScalarError: The value doesn't fit its tag.
    """
    name = tag.removeprefix(_TAG_PREFIX)
    if name == "binary":
        try:
            return base64.b64decode("".join(value.split()), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ScalarError("a !!binary value isn't base64 of text") from error
    if name == tag or name not in {"bool", "int", "float", "null", "timestamp"}:
        return value
    read = plain(value)
    fits = {
        "bool": isinstance(read, bool),
        "int": isinstance(read, int) and not isinstance(read, bool),
        "float": isinstance(read, int | float) and not isinstance(read, bool),
        "null": read is None,
        "timestamp": isinstance(read, str) and _TIMESTAMP.match(value) is not None,
    }
    if not fits[name]:
        raise ScalarError(f"a value can't be read as its tag !!{name} says")
    return read


def key_text(key: Scalar) -> str:
    """Gives a map's key as JSON has it: a string.

    Raises:
        ScalarError: Kubernetes takes no such key.
    """
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int) and -(2**63) <= key < 2**63:
        return str(key)
    if isinstance(key, float):
        return _float_key(key)
    raise ScalarError("a key is null or a number too large to be one")


def json_value(value: Scalar) -> Scalar:
    """Gives a value as encoding/json passes it on: a whole number below 1e21 loses its point."""
    if isinstance(value, float):
        return _json_number(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        # It is written whole, and Kubernetes' reader makes a float of it.
        return _json_number(float(value))
    return value


def _json_number(value: float) -> int | float:
    if not value.is_integer() or abs(value) >= _EXPONENT_FROM:
        return value
    # Go writes the shortest digits that tell the float, then zeros.
    digits, _, exponent = f"{value!r}".partition("e")
    whole = digits.removesuffix(".0")
    if exponent:
        mantissa, _, fraction = whole.partition(".")
        number = int(mantissa + fraction) * 10 ** (int(exponent) - len(fraction))
    else:
        number = int(whole)
    # Beyond 64 bits JSON's readers make a float of it again.
    return number if -(2**63) <= number < 2**64 else value


def _number(value: str) -> Scalar:
    if value in _NOT_FINITE:
        raise ScalarError("a number isn't finite: JSON has no infinity and no NaN")
    if value[0] == ".":
        # Unlike after a digit or a sign, underscores stand between digits alone.
        return _float(value, value.replace("_", "") if _POINT_FIRST.match(value) else "")
    digits = value.replace("_", "")
    matched = _INTEGER.match(digits) if len(digits) <= _LONGEST_INTEGER else None
    if matched:
        sign, *groups = matched.groups()
        number = next(
            int(group or "0", base)
            for group, base in zip(groups, _INTEGER_BASES, strict=True)
            if group is not None
        )
        if number < 2**63 or (sign == "-" and number == 2**63):
            return -number if sign == "-" else number
        if not sign and number < 2**64:
            return number
    return _float(value, digits)


def _float(value: str, digits: str) -> Scalar:
    if not _FLOAT.match(digits):
        return value
    number = float(digits)
    return value if math.isinf(number) else number


def _float_key(key: float) -> str:
    """Writes a float as Go's 'g' with the fewest digits that tell the 32-bit float."""
    try:
        single = struct.unpack("f", struct.pack("f", key))[0]
    except OverflowError as error:
        raise ScalarError("a key is a number too large to be one") from error
    for precision in range(9):
        text = f"{single:.{precision}e}"
        if struct.pack("f", float(text)) == struct.pack("f", single):
            break
    mantissa, _, exponent = text.partition("e")
    if -4 <= int(exponent) < 6:
        return f"{float(text):.{max(precision - int(exponent), 0)}f}"
    return f"{mantissa}e{int(exponent):+03d}"
