"""One Slack channel: messages of ours are posted there, changed, and found again.

Slack has no way to say "post this, unless it is there": `client_msg_id` isn't meant for apps
(github.com/slackapi/java-slack-sdk/issues/852). So every message carries what it is about as its
metadata, and whatever could have been posted already is looked for before it is posted.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.adapters.slack_web import Answer, SlackRefusal, asked, web_client
from reconciler.render.slack import SlackMessage

#: What a message's metadata says that it is.
_EVENT_TYPE: Final = "plumbline_notice"

#: How many pages of how many messages are looked through.
_PAGES: Final = 5
_PAGE: Final = 200

#: With these answers the message is gone, or can't be changed any more.
_LOST: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})

#: With these there is nothing for us to read; the first lasts until the app is installed again.
_NO_SCOPE: Final = "missing_scope"
_UNREADABLE: Final = frozenset({_NO_SCOPE, "not_in_channel", "thread_not_found"})

#: Links are no cards, names no mentions, signs no formatting.
_UNADORNED: Final[Mapping[str, Any]] = {
    "unfurl_links": False,
    "unfurl_media": False,
    "link_names": False,
    "mrkdwn": False,
    "parse": "none",
}


class SlackChannel:
    """Messages in a channel. All methods raise `NotifierError` where Slack doesn't do it.

    Args:
        token: The app's bot token.
        channel: The channel's ID.
        base_url: Where Slack's methods are.
    """

    def __init__(self, token: str, channel: str, base_url: str) -> None:
        self.name = channel
        self._client = web_client(token, base_url)
        self._may_read = True

    def post(self, message: SlackMessage, payload: Mapping[str, str], **more: Any) -> Answer:
        """Posts a message, which can be found again by its payload.

        Returns:
            Slack's answer: the message's `channel` and `ts`.
        """
        metadata = {"event_type": _EVENT_TYPE, "event_payload": dict(payload)}
        return asked(
            "chat.postMessage",
            lambda: self._client.chat_postMessage(
                **{"channel": self.name, **_content(message), **_UNADORNED, **more},
                metadata=metadata,
            ),
        )

    def update(self, channel: str, ts: str, message: SlackMessage) -> bool:
        """Changes a message; False where it is gone, or can't be changed any more."""
        try:
            asked(
                "chat.update",
                lambda: self._client.chat_update(
                    channel=channel, ts=ts, parse="none", link_names=False, **_content(message)
                ),
            )
        except SlackRefusal as refusal:
            if refusal.word in _LOST:
                return False
            raise
        return True

    def upload(self, channel: str, ts: str, filename: str, text: str) -> None:
        """Puts a file into a message's thread."""
        asked(
            "files.completeUploadExternal",
            lambda: self._client.files_upload_v2(
                content=text.encode("utf-8", "backslashreplace"),
                filename=filename,
                title="All that differs",
                channel=channel,
                thread_ts=ts,
            ),
        )

    def messages(self, oldest: float) -> Iterator[tuple[str, Answer]]:
        """Gives the `ts` and payload of each message of ours since a time, in any order.

        None where we may not read the channel.
        """
        place = {"channel": self.name, "oldest": f"{oldest:.6f}"}
        return self._ours("conversations.history", place)

    def replies(self, channel: str, ts: str) -> Iterator[tuple[str, Answer]]:
        """Gives the same of a message's thread, which begins with the message itself."""
        return self._ours("conversations.replies", {"channel": channel, "ts": ts})

    def _ours(self, method: str, place: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
        for message in self._all(method, place):
            metadata = message.get("metadata") or {}
            if metadata.get("event_type") == _EVENT_TYPE:
                yield str(message["ts"]), metadata.get("event_payload") or {}

    def _all(self, method: str, place: Mapping[str, str]) -> Iterable[Answer]:
        asking: dict[str, Any] = {**place, "limit": _PAGE, "include_all_metadata": True}
        for _ in range(_PAGES if self._may_read else 0):
            try:
                answer = asked(method, lambda: self._client.api_call(method, params=asking))
            except SlackRefusal as refusal:
                if refusal.word not in _UNREADABLE:
                    raise
                self._may_read = refusal.word != _NO_SCOPE
                return
            yield from answer.get("messages") or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            asking["cursor"] = cursor


def _content(message: SlackMessage) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}
