"""Notices in a Slack channel: one message each, brought up to date, its history in its thread."""

import re
import threading
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from reconciler.adapters.notifiers.slack_channel import SlackChannel
from reconciler.adapters.notifiers.slack_shown import Shown, digest, read_shown
from reconciler.adapters.slack_web import BASE_URL
from reconciler.core.errors import ConfigError
from reconciler.core.history import Event
from reconciler.core.moments import moment_of
from reconciler.core.notices import Notice
from reconciler.render.slack import SlackMessage, message_of
from reconciler.render.slack_thread import earlier_of, reminder_of, replies_of, reply_of

_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{1,20}")

#: How far Slack's clock may be behind ours where a message of ours is looked for.
_SKEW: Final = timedelta(minutes=10)

#: In the metadata of a reply that tells of many events, in place of one event's digest.
_PAST: Final = "past"

#: Of so many notices it is remembered how far a call came that didn't end well.
_BEGUN: Final = 1000


class SlackNotifier:
    """Shows notices in one channel; implements `ports.Notifier`."""

    def __init__(
        self, name: str, token: str, channel: str, *, base_url: str = BASE_URL, link: str = ""
    ) -> None:
        """Asks Slack nothing yet.

        Args:
            name: What the user calls it, for messages.
            token: The app's bot token, with `chat:write` and `files:write`; with
                `channels:history` (`groups:history` for a private channel) nothing is posted
                twice even where an answer was lost.
            channel: The channel's ID, such as `C0123ABCD`.
            base_url: Where Slack's methods are.
            link: Where all of a drift can be read, with `{target}` and `{drift}` in it; empty to
                put what is too long for a message into a file in its thread.

        Raises:
            ConfigError: The channel isn't an ID, or there is no token.
        """
        if not _CHANNEL.fullmatch(channel):
            raise ConfigError(
                f"the notifier {name!r} names no channel by its ID",
                fix="copy the ID, such as C0123ABCD, from the end of the channel's details",
            )
        if not token.strip():
            raise ConfigError(
                f"the notifier {name!r} has no token",
                fix="give it the bot token (xoxb-…) of the installed app",
            )
        self._channel = SlackChannel(token, channel, base_url)
        self._link = link
        self._lock = threading.Lock()
        self._begun: dict[str, Shown] = {}

    def show(self, notice: Notice, shown: str) -> str:
        """Shows a notice, or brings it up to date; see `ports.Notifier`."""
        with self._lock:
            known = self._begun.get(notice.subject) or read_shown(shown)
            now = self._shown(notice, known)
            self._begun.pop(notice.subject, None)
        return str(now)

    def _shown(self, notice: Notice, known: Shown | None) -> Shown:
        message = message_of(notice, self._address(notice))
        look = digest(message.text, message.blocks)
        is_new = known is None
        known = known or self._found(notice)
        if known is not None and known.look != look:
            is_there = self._channel.update(known.channel, known.ts, message)
            known = self._noted(notice, replace(known, look=look)) if is_there else None
            is_new = is_new or not is_there
        if known is None:
            answer = self._channel.post(message, {"subject": digest(notice.subject)})
            known = self._noted(notice, Shown(str(answer["channel"]), str(answer["ts"]), look))
        if is_new:
            known = self._noted(notice, self._with_past(notice, known))
        known = self._with_reminder(notice, self._with_replies(notice, known))
        return self._with_file(notice, known, message.whole)

    def _address(self, notice: Notice) -> str:
        """Gives where all of it can be read; the first object's page, where there are many."""
        target, drift = (quote(text, safe="") for text in (notice.target, notice.episodes[0].drift))
        return self._link.replace("{target}", target).replace("{drift}", drift)

    def _noted(self, notice: Notice, known: Shown) -> Shown:
        """Remembers how far this call has come: the next one does nothing of it again."""
        self._begun[notice.subject] = known
        while len(self._begun) > _BEGUN:
            del self._begun[next(iter(self._begun))]
        return known

    def _found(self, notice: Notice) -> Shown | None:
        """Looks for the message: a call whose answer was lost may have posted it."""
        moments = (moment_of(episode.first_seen) for episode in notice.episodes)
        began = min((moment for moment in moments if moment is not None), default=None)
        oldest = (began - _SKEW).timestamp() if began is not None else 0.0
        subject = digest(notice.subject)
        for ts, payload in self._channel.messages(oldest):
            if payload.get("subject") == subject:
                return Shown(self._channel.name, ts)
        return None

    def _with_past(self, notice: Notice, known: Shown) -> Shown:
        """Tells in one reply what had happened before the message was there.

        What the message itself tells, the sighting and what was decided at once, needs no reply.
        """
        known = replace(known, reminder=notice.reminder)
        events = replies_of(notice)
        ids = [digest(asdict(event)) for event in events]
        if all(event.time == events[0].time for event in events):
            return replace(known, told=tuple(ids))
        for _, payload in self._channel.replies(known.channel, known.ts):
            if payload.get("told") == _PAST and payload.get("last") in ids:
                # It was told by a call whose answer was lost; what came since is news.
                return replace(known, told=tuple(ids[: ids.index(str(payload["last"])) + 1]))
        earlier = earlier_of(events, named=len(notice.episodes) > 1)
        self._reply(known, earlier, {"told": _PAST, "last": ids[-1]})
        return replace(known, told=tuple(ids))

    def _with_replies(self, notice: Notice, known: Shown) -> Shown:
        """Tells in the thread what happened since, each event once."""
        events = {digest(asdict(event)): event for event in replies_of(notice)}
        # What the history let go of can't come again.
        known = replace(known, told=tuple(each for each in known.told if each in events))
        fresh = [each for each in events if each not in known.told]
        there = self._told(known) if fresh else frozenset[str]()
        for told in fresh:
            if told not in there:
                self._reply(known, self._saying(notice, events[told]), {"told": told})
            known = self._noted(notice, replace(known, told=(*known.told, told)))
        return known

    def _with_reminder(self, notice: Notice, known: Shown) -> Shown:
        """Says in the channel, too, that nothing has happened for long."""
        if notice.reminder <= known.reminder:
            return known
        told = f"reminder {notice.reminder}"
        if told not in self._told(known):
            self._reply(known, reminder_of(notice), {"told": told}, reply_broadcast=True)
        return self._noted(notice, replace(known, reminder=notice.reminder))

    def _saying(self, notice: Notice, event: Event) -> SlackMessage:
        return reply_of(event, named=len(notice.episodes) > 1)

    def _told(self, known: Shown) -> frozenset[str]:
        """Gives what the thread tells already, by Slack's word, as far as we may read it."""
        replies = self._channel.replies(known.channel, known.ts)
        return frozenset(str(payload.get("told", "")) for _, payload in replies)

    def _reply(
        self, known: Shown, reply: SlackMessage, payload: dict[str, str], **more: bool
    ) -> None:
        self._channel.post(reply, payload, channel=known.channel, thread_ts=known.ts, **more)

    def _with_file(self, notice: Notice, known: Shown, whole: str) -> Shown:
        """Puts into the thread what is too long for the message."""
        file = digest(whole) if whole else ""
        if not whole or file == known.file:
            return known
        name = f"{notice.episodes[0].drift}.diff"
        self._channel.upload(known.channel, known.ts, name, whole)
        return self._noted(notice, replace(known, file=file))
