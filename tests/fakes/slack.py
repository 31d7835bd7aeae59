"""A Slack of the tests' own: its Web API and Socket Mode, as slack_sdk's own clients see them.

It keeps messages, threads and files; refuses what Slack refuses: wrong tokens, channels that
aren't there, messages beyond its limits; and fails when it is told to.
"""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.slack_server import SlackServer
from tests.unit.render.slack import refusal

BOT, APP, SECRET = "xoxb-b0t-secret", "xapp-app-secret", "s1gning-secret"
TEAM, CHANNEL = "T0TEAM", "C0OPS"


@dataclass(frozen=True)
class Failure:
    """How a call fails: an HTTP status, or Slack's word; after it was done, or instead."""

    status: int = 200
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    done: bool = False


class FakeSlack:
    """A context manager; `url` is the SDK's `base_url`.

    Attributes:
        calls: Each call's method and arguments, in order.
        messages: All messages and replies, in order.
        files: Each file's text, with its thread.
        answers: What people were told, alone: by which way, and the message.
        failures: By method, how its next calls fail.
        scopes: What the bot may do beside posting.
        users: By ID, as `users.info` gives them.
        usergroups: By ID, the members.

    Args:
        began: What its clock shows, in seconds since the epoch.
    """

    def __init__(self, began: int = 1_795_489_930) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.messages: list[dict[str, Any]] = []
        self.files: list[dict[str, str]] = []
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.failures: dict[str, deque[Failure]] = {}
        self.scopes = {"channels:history", "usergroups:read"}
        self.users: dict[str, dict[str, Any]] = {
            "U0JO": {"id": "U0JO", "name": "jo", "real_name": "Jo Doe"},
            "U0OTHER": {"id": "U0OTHER", "name": "other"},
        }
        self.usergroups = {"S0ADMIN": ["U0JO"], "S0DEV": []}
        self._uploads: dict[str, str] = {}
        self._lock = threading.Lock()
        self._ts = began
        self.server = SlackServer(self)
        self.url = f"http://127.0.0.1:{self.server.port}/api/"

    def __enter__(self) -> "FakeSlack":
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def fail(self, method: str, *failures: Failure) -> None:
        self.failures.setdefault(method, deque()).extend(failures)

    def made(self, method: str) -> list[dict[str, Any]]:
        """Gives the arguments of all calls of a method."""
        return [arguments for name, arguments in self.calls if name == method]

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The messages that aren't replies."""
        return [each for each in self.messages if "thread_ts" not in each]

    @property
    def replies(self) -> list[dict[str, Any]]:
        return [each for each in self.messages if "thread_ts" in each]

    # --- what the server asks

    def api(self, method: str, token: str, kind: str, body: bytes) -> Failure:
        """Answers a call of the Web API."""
        arguments = json.loads(body) if kind == "application/json" else _form(body)
        with self._lock:
            self.calls.append((method, arguments))
            waiting = self.failures.get(method)
            failure = waiting.popleft() if waiting else None
            if failure is not None and not failure.done:
                return failure
            given = token.removeprefix("Bearer ") or arguments.get("token", "")
            if given != (APP if method == "apps.connections.open" else BOT):
                return _refused("invalid_auth")
            answer = getattr(self, "_" + method.replace(".", "_"))(arguments)
        return failure if failure is not None else answer

    def respond(self, way: str, body: bytes) -> Failure:
        """Takes an answer to a `response_url`."""
        self.answers.append((way, json.loads(body)))
        return Failure(body="ok")

    def upload(self, number: str, body: bytes) -> Failure:
        self._uploads[number] = body.decode()
        return Failure(body="OK")

    # --- methods, each as docs.slack.dev/reference/methods has it

    def _auth_test(self, _: Mapping[str, Any]) -> Failure:
        scopes = ",".join(sorted({"chat:write", "files:write", "users:read"} | self.scopes))
        answer = _ok(team_id=TEAM, team="Example", user_id="U0BOT", enterprise_id=None)
        return replace(answer, headers={"X-OAuth-Scopes": scopes})

    def _apps_connections_open(self, _: Mapping[str, Any]) -> Failure:
        return _ok(url=f"ws://127.0.0.1:{self.server.port}/link?ticket=1")

    def _chat_postMessage(self, sent: dict[str, Any]) -> Failure:  # noqa: N802
        problem = self._problem(sent)
        if problem:
            return _refused(problem)
        self._ts += 1
        message = {**sent, "ts": f"{self._ts}.000100"}
        self.messages.append(message)
        return _ok(channel=sent["channel"], ts=message["ts"])

    def _chat_update(self, sent: dict[str, Any]) -> Failure:
        found = next((each for each in self.messages if each["ts"] == sent["ts"]), None)
        if found is None:
            return _refused("message_not_found")
        problem = self._problem(sent)
        if problem:
            return _refused(problem)
        found |= {"text": sent["text"], "blocks": sent["blocks"]}
        return _ok(channel=sent["channel"], ts=sent["ts"])

    def _chat_postEphemeral(self, sent: dict[str, Any]) -> Failure:  # noqa: N802
        problem = self._problem(sent)
        if problem:
            return _refused(problem)
        self.answers.append(("ephemeral", sent))
        return _ok(message_ts="1.0")

    def _problem(self, sent: Mapping[str, Any]) -> str:
        if sent.get("channel") != CHANNEL:
            return "channel_not_found"
        return "invalid_blocks" if refusal(sent["text"], sent["blocks"]) else ""

    def _conversations_history(self, asked: Mapping[str, Any]) -> Failure:
        since = float(asked["oldest"])
        return self._read([each for each in self.posts if float(each["ts"]) >= since], asked)

    def _conversations_replies(self, asked: Mapping[str, Any]) -> Failure:
        root = asked["ts"]
        found = [e for e in self.messages if root in (e["ts"], e.get("thread_ts"))]
        return self._read(found, asked) if found else _refused("thread_not_found")

    def _read(self, messages: list[dict[str, Any]], asked: Mapping[str, Any]) -> Failure:
        if "channels:history" not in self.scopes:
            return Failure(body=json.dumps(
                {"ok": False, "error": "missing_scope", "needed": "channels:history"}
            ))  # fmt: skip
        start = int(asked.get("cursor") or 0)
        end = start + int(asked["limit"])
        more = str(end) if end < len(messages) else ""
        return _ok(messages=messages[start:end], response_metadata={"next_cursor": more})

    def _users_info(self, asked: Mapping[str, Any]) -> Failure:
        user = self.users.get(asked["user"])
        return _ok(user=user) if user else _refused("user_not_found")

    def _usergroups_list(self, _: Mapping[str, Any]) -> Failure:
        if "usergroups:read" not in self.scopes:
            return _refused("missing_scope")
        return _ok(usergroups=[{"id": k, "users": v} for k, v in self.usergroups.items()])

    def _files_getUploadURLExternal(self, asked: Mapping[str, Any]) -> Failure:  # noqa: N802
        number = f"F{len(self._uploads)}"
        self._uploads[number] = ""
        url = f"http://127.0.0.1:{self.server.port}/upload/{number}"
        return _ok(upload_url=url, file_id=number)

    def _files_completeUploadExternal(self, asked: Mapping[str, Any]) -> Failure:  # noqa: N802
        number = json.loads(asked["files"])[0]["id"]
        self.files.append({"text": self._uploads[number], "thread_ts": asked["thread_ts"]})
        return _ok(files=[{"id": number}])


def _form(body: bytes) -> dict[str, Any]:
    return dict(parse_qsl(body.decode()))


def _ok(**values: Any) -> Failure:
    return Failure(body=json.dumps({"ok": True, **values}))


def _refused(error: str) -> Failure:
    return Failure(error=error)
