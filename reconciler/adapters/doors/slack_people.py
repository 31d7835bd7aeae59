"""Who a person in Slack is, by Slack's word: a member of our workspace, with their groups."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.adapters.doors.slack_presses import Press
from reconciler.adapters.slack_web import Answer, SlackRefusal, asked, web_client
from reconciler.core.words import Speaker

#: Seconds for which Slack's word is believed: who left a group may say yes no longer.
_FRESH: Final = 60.0
#: So many persons are remembered at most.
_MOST: Final = 1000

#: With these answers the workspace has no user groups, or we may not see them.
_NO_GROUPS: Final = frozenset({"missing_scope", "paid_teams_only", "plan_upgrade_required"})

#: How much of a name is kept.
_NAME: Final = 80


class SlackPeople:
    """Tells who pressed a button.

    Args:
        token: The app's bot token, with `users:read` and `usergroups:read`.
        base_url: Where Slack's methods are.
        monotonic: Tells seconds that pass.
    """

    def __init__(
        self, token: str, base_url: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = web_client(token, base_url, patient=True)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._ours: frozenset[str] = frozenset()
        self._users: dict[str, tuple[float, Answer]] = {}
        self._groups: tuple[float, Mapping[str, frozenset[str]]] | None = None

    def speaker(self, press: Press) -> Speaker | None:
        """Gives who pressed; None where it is nobody of our workspace.

        Raises:
            NotifierError: Slack can't be asked.
        """
        with self._lock:
            if not press.teams <= self._teams():
                return None
            user = self._user(press.user)
            if any(user.get(flag) for flag in ("deleted", "is_bot", "is_stranger")):
                return None
            groups = {
                f"slack:{group}" for group, members in self._members() if press.user in members
            }
        if press.channel:
            groups.add(f"slack:{press.channel}")
        return Speaker(f"slack:{press.user}", _name(user), frozenset(groups))

    def _teams(self) -> frozenset[str]:
        """Gives the workspace that the token is for, and its organization."""
        if not self._ours:
            answer = asked("auth.test", self._client.auth_test)
            ids = (answer.get("team_id"), answer.get("enterprise_id"))
            self._ours = frozenset(str(each) for each in ids if each)
        return self._ours

    def _user(self, name: str) -> Answer:
        at, user = self._users.get(name, (0.0, {}))
        if not user or self._monotonic() - at > _FRESH:
            answer = asked("users.info", lambda: self._client.users_info(user=name))
            user = answer.get("user") or {}
            self._users.pop(name, None)
            self._users[name] = self._monotonic(), user
            while len(self._users) > _MOST:
                del self._users[next(iter(self._users))]
        return user

    def _members(self) -> Any:
        """Gives each user group with its members: all in one request."""
        if self._groups is None or self._monotonic() - self._groups[0] > _FRESH:
            self._groups = self._monotonic(), self._asked_members()
        return self._groups[1].items()

    def _asked_members(self) -> Mapping[str, frozenset[str]]:
        try:
            answer = asked(
                "usergroups.list", lambda: self._client.usergroups_list(include_users=True)
            )
        except SlackRefusal as refusal:
            if refusal.word in _NO_GROUPS:
                return {}
            raise
        groups = answer.get("usergroups") or ()
        return {str(group["id"]): frozenset(group.get("users") or ()) for group in groups}


def _name(user: Answer) -> str:
    """Gives a name for people to read: on one line, without what a reader can't see."""
    text = str(user.get("real_name") or user.get("name") or "")
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:_NAME]
