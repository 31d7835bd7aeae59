"""How a forge failed, in our words: what was tried, why not, and what helps."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from requests import exceptions

from reconciler.core.errors import ForgeError

#: Seconds until the next try, where the forge doesn't say.
_TROUBLE_SECONDS: Final = 60.0
#: More than this nobody waits for a forge, whatever it says: GitHub's limits are by the hour.
_LONGEST_WAIT: Final = 3600.0

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_USERINFO: Final = re.compile(r"://[^\s/@]*@")
_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that a forge was asked for.

    Attributes:
        forge: Its name, for people.
        doing: What was tried, to follow "can't".
        rights: What a token needs for it, as the forge names it.
        secrets: What must not be in any error.
    """

    forge: str
    doing: str
    rights: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def refused(self, status: int, headers: Mapping[str, str], words: str) -> ForgeError:
        """Makes an error of an answer that isn't a success.

        Args:
            status: HTTP's.
            headers: Of the answer, by names in any case.
            words: What the forge says about it.
        """
        known = {name.lower(): str(value) for name, value in headers.items()}
        what = f"{self.forge} can't {self.doing}"
        if status == 429 or (status == 403 and _is_limit(known, words)):
            return ForgeError(
                f"{what}: it was asked too often",
                fix="wait: it is tried again by itself",
                after=_wait(known),
            )
        if status >= 500:
            return ForgeError(
                f"{what}: it has trouble of its own ({status})",
                fix="wait: it is tried again by itself; look at the forge if it lasts",
                after=_wait(known),
            )
        if status in (401, 403, 404):
            reason, fix = self._denied(status)
            return ForgeError(f"{what}: {reason} ({status})", fix=fix, lasting=True)
        said = self.harmless(words)
        return ForgeError(f"{what} ({status})" + (f": {said}" if said else ""))

    def _denied(self, status: int) -> tuple[str, str]:
        match status:
            case 401:
                return "it doesn't know us", f"give a token that hasn't expired, with {self.rights}"
            case 403:
                return "the token has no right to it", f"give a token with {self.rights}"
            case _:
                return (
                    "there is no such thing, or the token may not see it",
                    f"check the repository's name and the branch; the token needs {self.rights}",
                )

    def unreachable(self, error: exceptions.RequestException) -> ForgeError:
        """Makes an error of a request that got no answer; the error's own words aren't quoted."""
        what = f"{self.forge} can't {self.doing}"
        match error:
            case exceptions.SSLError():
                return ForgeError(
                    f"{what}: its certificate isn't trusted",
                    fix="name the file of the authority that signed it",
                    lasting=True,
                )
            case exceptions.ProxyError():
                reason, fix = "the proxy lets nobody through", "check HTTPS_PROXY and NO_PROXY"
            case exceptions.Timeout():
                reason, fix = "it didn't answer in time", "check the forge's address and health"
            case exceptions.ConnectionError():
                reason, fix = "it can't be reached", "check the forge's address and the network"
            case _:
                reason, fix = "its answer broke off or can't be read", "check the forge's address"
        return ForgeError(f"{what}: {reason}", fix=fix, after=_TROUBLE_SECONDS)

    def strange(self) -> ForgeError:
        """Makes an error of an answer that doesn't read as the forge's own."""
        return ForgeError(
            f"{self.forge} can't {self.doing}: what answers there doesn't speak its API",
            fix="check the forge's address and kind, and what stands before it",
            after=_TROUBLE_SECONDS,
        )

    def harmless(self, words: str) -> str:
        """Gives a forge's words as one short line without anything secret."""
        line = _USERINFO.sub("://***@", _CONTROL.sub(" ", words)).strip()
        for secret in self.secrets:
            if secret:
                line = line.replace(secret, "***")
        return line if len(line) <= _WORDS else f"{line[:_WORDS]}…"


def _is_limit(headers: Mapping[str, str], words: str) -> bool:
    # https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api: a limit may
    # come as 403, with these headers or only in words.
    if "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0":
        return True
    return "rate limit" in words.lower()


def _wait(headers: Mapping[str, str]) -> float:
    seconds = _number(headers.get("retry-after"))
    if seconds is None:
        names = ("x-ratelimit-reset", "ratelimit-reset")
        reset = next((n for name in names if (n := _number(headers.get(name))) is not None), None)
        seconds = _TROUBLE_SECONDS if reset is None else reset - time.time()
    return min(max(seconds, 1.0), _LONGEST_WAIT)


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
