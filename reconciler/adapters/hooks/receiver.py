"""Takes hooks from forges. What they tell is believed only so far as to have somebody look."""

from collections.abc import Callable, Mapping, Sequence
from email.message import Message
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from reconciler.adapters.hooks.pushes import Push, push_of
from reconciler.adapters.hooks.signatures import has_proof, is_genuine
from reconciler.adapters.receiving import Bounds, JsonServer, Reply
from reconciler.adapters.serving_tls import Tls
from reconciler.core.errors import ConfigError

PATH: Final = "/hooks"

#: GitHub caps a hook at 25 MB, but one of hundreds of commits has less than this; what is larger
#: is refused unread, and the push is found at the next interval. Times the connections, it is what
#: somebody without a secret can have this process hold.
LIMIT: Final = 4 << 20
_CONNECTIONS = 16


class HookResult(StrEnum):
    """What became of a hook."""

    WOKE = "woke"  # a target is looked at
    IGNORED = "ignored"  # genuine, but no push, or to nothing that a target reads
    REFUSED = "refused"  # nobody who knows a secret made it
    BROKEN = "broken"  # genuine, but no JSON


class HookReceiver(JsonServer):
    """Takes pushes that forges tell of.

    Args:
        address: Host and port to listen at; port 0 for any free one.
        tls: The certificate; None for plain HTTP, as behind a proxy.
        secrets: What the forges sign with; one of them must hold.
        wake: Is told of a push, and says which targets it has looked at; must return at once.
        told: Is told what became of each hook, and which targets it woke.

    Raises:
        ConfigError: Anybody could send hooks, since there is no secret. Or it can't listen there.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        tls: Tls | None,
        secrets: Sequence[bytes],
        wake: Callable[[Push], Sequence[str]],
        told: Callable[[HookResult, Sequence[str]], None],
    ) -> None:
        if not secrets or not all(secrets):
            raise ConfigError(
                "the hook receiver would believe anybody",
                fix="name a file with the forge's secret in hooks.secret_files",
            )
        super().__init__(address, PATH, Bounds(body=LIMIT, connections=_CONNECTIONS), tls)
        self._secrets = tuple(secrets)
        self._wake = wake
        self._told = told

    def lets_in(self, headers: Message, certificate: Mapping[str, Any]) -> bool:
        """Whether it is worth reading: without any proof it isn't."""
        if has_proof(headers):
            return True
        self._told(HookResult.REFUSED, ())
        return False

    def answer(self, body: bytes, headers: Message) -> Reply:
        """Takes a hook; a forge shows its people any status but a good one as a failure."""
        result, woken = self._taken(body, headers)
        self._told(result, woken)
        match result:
            case HookResult.REFUSED:
                return Reply(HTTPStatus.UNAUTHORIZED)
            case HookResult.BROKEN:
                return Reply(HTTPStatus.BAD_REQUEST)
            case _:
                return Reply(HTTPStatus.ACCEPTED)

    def _taken(self, body: bytes, headers: Message) -> tuple[HookResult, Sequence[str]]:
        if not is_genuine(body, headers, self._secrets):
            return HookResult.REFUSED, ()
        try:
            push = push_of(body, headers.get("Content-Type", ""))
        except ValueError:
            return HookResult.BROKEN, ()
        woken = self._wake(push) if push is not None else ()
        return (HookResult.WOKE if woken else HookResult.IGNORED), woken

    def after(self, body: bytes) -> None:
        """Does nothing: who is woken looks in another thread."""
