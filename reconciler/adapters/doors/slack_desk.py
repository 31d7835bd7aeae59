"""Takes what people press in Slack: acknowledged at once, heard once, answered to them alone."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from slack_sdk.webhook import WebhookClient

from reconciler.adapters.doors.slack_people import SlackPeople
from reconciler.adapters.doors.slack_presses import Press, press_of
from reconciler.adapters.slack_web import asked, quiet_logger, web_client
from reconciler.bugs import place_of
from reconciler.core.errors import NotifierError, PlumblineError
from reconciler.core.words import Hearing, Speaker, Word, WordType
from reconciler.render.slack import SlackMessage
from reconciler.render.slack_choices import Choice
from reconciler.render.slack_thread import answer_of

#: So many presses are heard at the same time; further ones are turned away.
_ROOM: Final = 32
#: So many presses are known again: many more than people make while a signature is good.
_KNOWN: Final = 4096
#: Seconds for which what is under way may go on in the end.
_CLOSE_SECONDS: Final = 5.0
#: Seconds that Slack may take with an answer.
_TIMEOUT: Final = 15

#: Slack's own hosts, to which answers go.
_HOSTS: Final = (".slack.com", ".slack-gov.com")


class DoorResult(StrEnum):
    """What became of something that came through a door."""

    HEEDED = "heeded"  # taken down
    DECLINED = "declined"  # heard, and not taken down: the person was told why
    IGNORED = "ignored"  # genuine, and not for us
    REPEATED = "repeated"  # was heard before
    REFUSED = "refused"  # not from Slack: a wrong signature, or an old one
    STRANGER = "stranger"  # by nobody of our workspace
    FAILED = "failed"  # could not be heard
    BUSY = "busy"  # too much at a time
    UNANSWERED = "unanswered"  # heard, but the person couldn't be told


Told = Callable[[DoorResult, str], None]


class SlackDesk:
    """Hears what people press.

    Args:
        token: The app's bot token.
        hear: Takes a word down; may take its time, and is called in a thread of its own.
        told: Is told what became of each press, and why. Must not raise.
        clock: Tells the time, with its zone.
        base_url: Where Slack's methods are.
    """

    def __init__(
        self,
        token: str,
        hear: Callable[[Word], Hearing],
        told: Told,
        clock: Callable[[], datetime],
        base_url: str,
    ) -> None:
        self._hear = hear
        self._told = told
        self._clock = clock
        self._people = SlackPeople(token, base_url)
        self._client = web_client(token, base_url, patient=True)
        self._own_host = urlsplit(base_url).netloc
        self._lock = threading.Lock()
        self._known: dict[str, None] = {}
        self._being_heard: set[tuple[str, Choice]] = set()
        self._threads: set[threading.Thread] = set()

    def refuse(self, why: str) -> None:
        """Tells of something that isn't from Slack."""
        self._told(DoorResult.REFUSED, why)

    def take(self, payload: object, mark: str = "") -> None:
        """Takes a payload that is from Slack; returns at once.

        Args:
            payload: As it was sent, decoded.
            mark: What the door knows it by, if it comes again.
        """
        press = press_of(payload)
        if press is None:
            self._told(DoorResult.IGNORED, "")
            return
        if mark:
            press = replace(press, marks=press.marks | {mark})
        thread = threading.Thread(target=self._heard, args=(press,), name="slack", daemon=True)
        turned_away = self._admitted(press, thread)
        if turned_away is not None:
            self._told(turned_away, "")

    def close(self) -> None:
        """Lets what is under way finish, within seconds."""
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in tuple(self._threads):
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _admitted(self, press: Press, thread: threading.Thread) -> DoorResult | None:
        """Has a press heard, and remembers it; says why it isn't heard, if it isn't."""
        place = (press.user, press.choice)
        with self._lock:
            # A second click while the first one is being heard says nothing new.
            if press.marks & self._known.keys() or place in self._being_heard:
                return DoorResult.REPEATED
            if len(self._threads) >= _ROOM:
                return DoorResult.BUSY
            self._known |= dict.fromkeys(press.marks)
            while len(self._known) > _KNOWN:
                del self._known[next(iter(self._known))]
            self._being_heard.add(place)
            self._threads.add(thread)
            thread.start()
        return None

    def _heard(self, press: Press) -> None:
        try:
            try:
                result, why, hearing = self._hearing(press)
            finally:
                with self._lock:
                    self._being_heard.discard((press.user, press.choice))
            self._told(result, why)
            self._answer(press, answer_of(hearing))
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _hearing(self, press: Press) -> tuple[DoorResult, str, Hearing]:
        try:
            speaker = self._people.speaker(press)
            if speaker is None:
                words = "Only people of this workspace can say that."
                return DoorResult.STRANGER, press.user, Hearing(False, words)
            hearing = self._hear(self._word(press, speaker))
        except PlumblineError as error:
            words = f"This could not be taken down; press again later. {error.message}"
            return DoorResult.FAILED, error.message, Hearing(False, words)
        except Exception as error:  # a bug in what is behind the door doesn't close it
            words = "This could not be taken down: that is a bug, and in the log."
            return DoorResult.FAILED, place_of(error), Hearing(False, words)
        return DoorResult.HEEDED if hearing.heeded else DoorResult.DECLINED, "", hearing

    def _word(self, press: Press, speaker: Speaker) -> Word:
        choice = press.choice
        is_ignoring = choice.type is WordType.IGNORE
        until = self._clock() + timedelta(hours=choice.hours) if is_ignoring else None
        return Word(choice.type, speaker, choice.target, choice.drift, choice.plan, until)

    def _answer(self, press: Press, answer: SlackMessage) -> None:
        """Tells the person, where they pressed; nobody else sees it."""
        if self._is_slacks(press.answer_to) and self._sent(press.answer_to, answer):
            return
        try:
            asked(
                "chat.postEphemeral",
                lambda: self._client.chat_postEphemeral(
                    channel=press.channel,
                    user=press.user,
                    text=answer.text,
                    blocks=list(answer.blocks),
                ),
            )
        except NotifierError as error:
            self._told(DoorResult.UNANSWERED, error.message)

    def _is_slacks(self, url: str) -> bool:
        """Whether an answer may be sent there: it came with a payload, like all else."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return False
        is_there = parts.scheme == "https" and host.endswith(_HOSTS)
        return is_there or (bool(url) and parts.netloc == self._own_host)

    def _sent(self, url: str, answer: SlackMessage) -> bool:
        client = WebhookClient(url, timeout=_TIMEOUT, logger=quiet_logger())
        try:
            response = client.send(
                text=answer.text,
                blocks=list(answer.blocks),
                response_type="ephemeral",
                replace_original=False,
            )
        except Exception:  # whatever it is, there is another way to tell
            return False
        return response.status_code == 200
