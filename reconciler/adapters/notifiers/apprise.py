"""Notices to all that Apprise speaks to: mail, Teams, Discord, PagerDuty and a hundred more.

What such a service has shown can't be changed any more, so a notice becomes a new message only
where its reader must know: it is new, it stands otherwise, other fields differ, it matters more
or less, it is over, or it is to be told again. A field that moves from value to value, or a plan
that is made anew, makes none.
"""

import hashlib
import json
import logging
import re
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from reconciler.adapters.notifiers.answers import PASSING
from reconciler.core.drift import Severity
from reconciler.core.errors import ConfigError, NotifierError
from reconciler.core.notices import Episode, Notice, Standing
from reconciler.core.telling import name_of
from reconciler.render.notices import (
    TEXT,
    TITLE,
    changes_of,
    notice_markdown,
    notice_text,
    notice_title,
)

if TYPE_CHECKING:
    from apprise import Apprise, AppriseAsset, NotifyBase, NotifyResult, NotifyType

#: Seconds that one service may take with one message.
_TIMEOUT: Final = 30.0

#: How Apprise's services log what they were answered: `…error=404.`
_STATUS: Final = re.compile(r"\berror=(\d{3})\b")

_CLIENT_FAULTS: Final = range(400, 500)

#: Signs by which chat services call people or channels, or make links, wherever they stand. A
#: zero-width space behind one takes that from it, and a reader sees what was there.
_CALLING: Final = re.compile(r"@|<(?=[@!#:a-zA-Z/])|://")
_BREAK: Final = "\u200b"

#: For readers nothing happens between these two.
_LIKE: Final = {Standing.WAITS: Standing.FOUND}


class AppriseNotifier:
    """Sends notices to addresses that Apprise knows; implements `ports.Notifier`."""

    def __init__(self, name: str, urls: Sequence[str]) -> None:
        """Sends nothing yet.

        Args:
            name: What the user calls it, for messages.
            urls: Addresses as github.com/caronc/apprise describes them. They hold secrets, so
                nothing of them is ever shown but which one in order it is.

        Raises:
            ConfigError: There is none, or Apprise doesn't know one of them.
        """
        from apprise import Apprise  # takes its time

        # Its log lines hold addresses and what was answered: none is passed on, and those that
        # tell of answers are read, whatever level others log at.
        log = logging.getLogger("apprise")
        log.propagate = False
        log.setLevel(logging.WARNING)
        self._name = name
        self._services: list[Apprise] = []
        for at, url in enumerate(urls, start=1):
            service = Apprise(asset=_asset())
            if not service.add(url) or len(service) != 1:
                raise ConfigError(
                    f"the notifier {name!r}: Apprise doesn't know its address number {at}",
                    fix="write it as github.com/caronc/apprise/wiki says for the service",
                )
            self._services.append(service)
        if not self._services:
            raise ConfigError(
                f"the notifier {name!r} has no address", fix="give it one, such as mailtos://…"
            )
        self._lock = threading.Lock()
        # By subject, the state that is being told, and the services that have had it already.
        self._begun: dict[str, tuple[str, set[int]]] = {}

    def show(self, notice: Notice, shown: str) -> str:
        """Sends a notice where its reader must know of it; see `ports.Notifier`.

        Where some services took it and others didn't, the next call leaves the first ones out,
        as long as this process lives.
        """
        state = _state(notice)
        if state == shown:
            return shown
        with self._lock:
            told, had = self._begun.get(notice.subject, (state, set()))
            had = had if told == state else set()
            self._begun[notice.subject] = (state, had)
            failures = []
            for at, service in enumerate(self._services, start=1):
                if at not in had:
                    failure = self._sent(at, service, notice)
                    failures += [failure] if failure else []
                    had |= set() if failure else {at}
            if failures:
                # What may pass is tried again, and what won't is then met again.
                raise min(failures, key=lambda each: each.lasting)
            del self._begun[notice.subject]
        return state

    def _sent(self, at: int, service: "Apprise", notice: Notice) -> NotifierError | None:
        from apprise import NotifyFormat

        title, body, is_markdown = _message(service[0], notice)
        result = service.notify(
            body,
            title,
            notify_type=_kind(notice),
            body_format=NotifyFormat.MARKDOWN if is_markdown else NotifyFormat.TEXT,
            timeout=_TIMEOUT,
        )
        try:
            return None if result else self._failure(at, result.results)
        finally:
            result.close()

    def _failure(self, at: int, results: "Iterable[NotifyResult]") -> NotifierError:
        service = ""
        statuses: list[int] = []
        for result in results:
            service = f" ({result.name})"
            found = (_STATUS.search(entry.message) for entry in result.logs())
            statuses += [int(each[1]) for each in found if each]
        status = statuses[-1] if statuses else 0
        answer = f"answered {status}" if status else "couldn't be reached, or refused"
        lasting = status in _CLIENT_FAULTS and status not in PASSING
        return NotifierError(
            f"the notifier {self._name!r}: its address number {at}{service} {answer}",
            fix="correct the address and what it holds"
            if lasting
            else "see that the service is up and that this machine may connect to it",
            lasting=lasting,
        )


def _asset() -> "AppriseAsset":
    from apprise import AppriseAsset, PersistentStoreMode

    asset = AppriseAsset(
        storage_mode=PersistentStoreMode.MEMORY, secure_logging=True, allow_templates=False
    )
    asset.app_id = "Plumbline"
    asset.app_desc = "Drift between Git and a cluster"
    asset.async_mode = False
    return asset


def _message(service: "NotifyBase", notice: Notice) -> tuple[str, str, bool]:
    """Writes a notice as a service takes it: its title, its text, and whether that is Markdown."""
    from apprise import NotifyFormat

    # Some services name several formats, though the type says one.
    formats: Any = service.notify_format
    known = (formats,) if isinstance(formats, str) else tuple(formats)
    is_markdown = NotifyFormat.MARKDOWN in known
    write = notice_markdown if is_markdown else notice_text
    title = _harmless(notice_title(notice, min(TITLE, service.title_maxlen or TITLE)))
    # Services without titles get it as the text's first line.
    room = service.body_maxlen - (0 if service.title_maxlen else len(title) + 2)
    limit = min(TEXT, max(room, 1))
    body = _harmless(write(notice, limit))
    while len(body) > room and limit > 1:
        limit //= 2
        body = _harmless(write(notice, limit))
    return title, body, is_markdown


def _harmless(text: str) -> str:
    return _CALLING.sub(lambda match: match[0] + _BREAK, text)


def _kind(notice: Notice) -> "NotifyType":
    from apprise import NotifyType

    if notice.is_over:
        return NotifyType.SUCCESS
    if any(episode.standing is Standing.FAILED for episode in notice.episodes):
        return NotifyType.FAILURE
    return NotifyType.INFO if notice.severity is Severity.LOW else NotifyType.WARNING


def _state(notice: Notice) -> str:
    """Gives a digest of what makes a new message worth it."""
    parts = sorted(map(_news, notice.episodes))
    text = json.dumps([parts, 0 if notice.is_over else notice.reminder])
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def _news(episode: Episode) -> list[str]:
    about = [name_of(episode), _LIKE.get(episode.standing, episode.standing).value]
    if episode.is_over:
        return about
    return [*about, episode.severity.value, *sorted(path for path, _ in changes_of(episode))]
