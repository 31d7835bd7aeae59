"""What a registry wants to see before it answers (RFC 9110, section 11.6.1)."""

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = re.compile(rf"\s*({_WORD})\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|({_WORD}))\s*")
_SCHEME: Final = re.compile(rf"\s*({_WORD})(?:\s+|\s*(?=,|\Z))")
_ESCAPED: Final = re.compile(r"\\(.)")
#: No header that we look at is near to this.
_LIMIT: Final = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to be let in.

    Attributes:
        scheme: `basic` or `bearer`, or one that we don't know; in small letters.
        realm: For `bearer`, the URL at which tokens are given.
        service: What the token is for.
        scope: What it is to allow; empty where the registry doesn't say.
    """

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def challenges(header: str) -> tuple[Challenge, ...]:
    """Reads a `WWW-Authenticate` header; what can't be read of it is left out."""
    header = header[:_LIMIT]
    found: list[Challenge] = []
    at = 0
    while at < len(header):
        scheme = _SCHEME.match(header, at)
        if scheme is None:
            break
        at = scheme.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, at):
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
            parameters[name.lower()] = value
            at = parameter.end()
            if not header.startswith(",", at):
                break
            at += 1
        known = {name: parameters.get(name, "") for name in ("realm", "service", "scope")}
        found.append(Challenge(scheme[1].lower(), **known))
        at += header.startswith(",", at)
    return tuple(found)
