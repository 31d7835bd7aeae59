"""Quantities as the server prints them.

A port of k8s.io/apimachinery/pkg/api/resource: `ParseQuantity`, `CanonicalizeBytes` and, for
resource lists, `RoundUp(Milli)` (pkg/apis/core/v1/defaults.go, SetDefaults_ResourceList). The
original keeps the string as written where it takes it for canonical; so does this.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_FORM = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)\Z")

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()}

_MAX_INT64 = 2**63 - 1
#: resource.maxInt64Factors: with no more digits than this a number is sure to fit.
_MAX_DIGITS = 18
_NANO, _MILLI = -9, -3


@dataclass(frozen=True, slots=True)
class _Quantity:
    """`value` times ten to the power of `scale`.

    Attributes:
        format: `SI`, `binary` or `exponent`.
        written: The string to print, where it was taken for canonical.
        wide: Whether the original holds it as a big decimal.
    """

    value: int
    scale: int
    format: str
    written: str = ""
    wide: bool = False


@lru_cache(maxsize=4096)
def canonical(text: str, rounded: bool = False) -> str:
    """Gives a quantity as the server prints it.

    Args:
        text: As written; of a number, its JSON form.
        rounded: Whether it stands in a resource list, and so is rounded up to thousandths.

    Returns:
        The text itself where it isn't a quantity: the server refuses that.
    """
    quantity = _parse(text.strip())
    if quantity is None:
        return text
    if rounded:
        quantity = _rounded(quantity)
    return quantity.written or _printed(quantity)


def of_json(value: object, rounded: bool = False) -> object:
    """Gives a decoded JSON value as the server prints it; numbers count by their JSON form."""
    if isinstance(value, str):
        return canonical(value, rounded)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return canonical(_number(value), rounded)


def _number(value: float) -> str:
    """Writes a number as Go writes it into JSON (encoding/json, floatEncoder)."""
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    if "e" in text and 1e-6 <= abs(value) < 1e21:
        from decimal import Decimal  # hardly anybody writes such a number

        return f"{Decimal(text):f}"
    return text.removesuffix(".0")


def _parse(text: str) -> _Quantity | None:
    if text == "0":
        return _Quantity(0, 0, "SI", "0")
    found = _FORM.match(text)
    if found is None or not text:
        return None
    sign, whole, fraction, suffix = found.groups()
    whole, fraction = whole.lstrip("0"), fraction or ""
    # The original's scanner ends early on zeros alone, whatever the sign.
    if not whole and not fraction and not suffix and text.lstrip("+-").strip("0") == "":
        return _Quantity(0, 0, "SI")
    kind = _suffix(suffix)
    if kind is None:
        return None
    form, exponent = kind
    if form == "binary":
        return _binary(text, sign == "-", whole or "0", fraction, exponent)
    return _decimal(text, sign == "-", whole or "0", fraction, exponent, form)


def _suffix(suffix: str) -> tuple[str, int] | None:
    if suffix in _DECIMAL:
        return "SI", _DECIMAL[suffix]
    if suffix in _BINARY:
        return "binary", _BINARY[suffix]
    if suffix[0] in "eE" and re.fullmatch(r"[+-]?\d+", suffix[1:]):
        return "exponent", int(suffix[1:])
    return None


def _decimal(
    text: str, negative: bool, whole: str, fraction: str, exponent: int, form: str
) -> _Quantity:
    shifted = whole + fraction
    scale = exponent - len(fraction)
    value = int(shifted)
    if len(shifted) <= _MAX_DIGITS and scale >= _NANO:
        is_canonical = scale % 3 == 0 and not shifted.endswith("000") and shifted[0] != "0"
        return _Quantity(-value if negative else value, scale, form, text if is_canonical else "")
    value, scale = _round_up(value, scale, _NANO)
    return _Quantity(-value if negative else value, scale, form, wide=True)


def _binary(text: str, negative: bool, whole: str, fraction: str, exponent: int) -> _Quantity:
    precision = 15 - len(whole) - int(exponent * 3 / 10) - 1
    if not fraction and precision >= 0:
        # Fourteen decimal digits at most: sure to fit into 64 bits.
        value = int(whole) << exponent
        is_canonical = int(whole) & 7 != 0
        return _Quantity(-value if negative else value, 0, "binary", text if is_canonical else "")
    value, scale = _round_up(int(whole + fraction) << exponent, -len(fraction), _NANO)
    form = "binary"
    if value > _MAX_INT64 * 10**-scale:
        value, scale = _MAX_INT64, 0
    if 0 < value < 10**-scale:
        form = "SI"
    return _Quantity(-value if negative else value, scale, form, wide=True)


def _round_up(value: int, scale: int, least: int) -> tuple[int, int]:
    """Rounds away from zero to a scale, as both of the original's representations do."""
    if scale >= least:
        return value, scale
    size, rest = divmod(abs(value), 10 ** (least - scale))
    size += 1 if rest else 0
    return (-size if value < 0 else size), least


def _rounded(quantity: _Quantity) -> _Quantity:
    if quantity.scale >= _MILLI and not quantity.wide:
        return quantity
    value, scale = _round_up(quantity.value, quantity.scale, _MILLI)
    return _Quantity(value, scale, quantity.format, "", quantity.wide)


def _printed(quantity: _Quantity) -> str:
    value, scale = quantity.value, quantity.scale
    if value == 0:
        return "0"
    form = quantity.format
    if form == "binary":
        whole = value * 10**scale if scale >= 0 else None
        if whole is None and value % 10**-scale == 0:
            whole = value // 10**-scale
        if whole is not None and abs(whole) >= 1024:
            exponent = 0
            while whole % 1024 == 0 and exponent < 60:
                whole, exponent = whole // 1024, exponent + 10
            return f"{whole}{_BINARY_SUFFIX.get(exponent, '')}"
        form = "SI"
    while value % 10 == 0:
        value, scale = value // 10, scale + 1
    while scale % 3:
        value, scale = value * 10, scale - 1
    if form == "exponent":
        return f"{value}e{scale}" if scale else str(value)
    return f"{value}{_DECIMAL_SUFFIX.get(scale, '')}"
