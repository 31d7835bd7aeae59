"""Notices as Slack shows them, and what Slack takes of a message."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from slack_sdk.models.blocks import Block

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import DIGESTS, Event, EventType
from reconciler.core.notices import Episode, Notice, Standing, notice_of
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.render.slack import SlackMessage
from tests.unit.render.cases import HOSTILE_TEXT, NEW_CONF, OLD_CONF

SEEN_AT = "2026-11-24T03:12:00Z"
WEB = ResourceKey("apps", "Deployment", "shop", "web")
PLAN = "p-35cdb6e3ef8aee1a"

SEEN = Event(
    SEEN_AT,
    "shop",
    EventType.SEEN,
    "d-3f9a0c11b2de",
    WEB,
    "jane with kubectl-edit",
    reason="Modified (high)",
)
DECIDED = replace(
    SEEN, type=EventType.DECIDED, actor="plumbline", reason="approve, by the rule default: ask"
)
CHANGED = replace(
    SEEN,
    time="2026-11-24T03:20:00Z",
    type=EventType.CHANGED,
    before={"spec.replicas": 5},
    after={"spec.replicas": 7},
)
APPROVED = replace(
    SEEN,
    time="2026-11-24T03:31:00Z",
    type=EventType.APPROVED,
    actor="Jo (slack:U0JO)",
    plan=PLAN,
    reason="not ours",
)
RESTORED = replace(APPROVED, time="2026-11-24T03:31:09Z", type=EventType.RESTORED, reason="replace")

ASKED = Episode(
    target="shop",
    drift="d-3f9a0c11b2de",
    first_seen=SEEN_AT,
    key=WEB,
    type=DriftType.MODIFIED,
    severity=Severity.HIGH,
    actor="jane with kubectl-edit",
    revision="4f0c12a9d1b7e6c05f3a8d2b9c4e7f1a2b3c4d5e",
    before={
        "spec.replicas": 3,
        "spec.template.spec.containers[name=web].image": "shop/web:1.4",
        "spec.template.spec.containers[name=debug]": None,
        "spec.template.spec.containers[name=web].env[name=TOKEN].value": "***",
        DIGESTS: {"spec.template.spec.containers[name=web].env[name=TOKEN].value": "a1b29f"},
    },
    after={
        "spec.replicas": 5,
        "spec.template.spec.containers[name=web].image": "shop/web:1.5-hotfix",
        "spec.template.spec.containers[name=debug]": {"image": "busybox", "args": ["sleep", "1d"]},
        "spec.template.spec.containers[name=web].env[name=TOKEN].value": "***",
        DIGESTS: {"spec.template.spec.containers[name=web].env[name=TOKEN].value": "c3d4e8"},
    },
    standing=Standing.ASKED,
    action="approve",
    reason="production is restored by hand",
    plan=PLAN,
    life=(SEEN, DECIDED),
)
CONF = replace(
    ASKED,
    drift="d-77aa0c11b2de",
    key=ResourceKey("", "ConfigMap", "shop", "conf"),
    severity=Severity.MEDIUM,
    before={"data.conf": OLD_CONF},
    after={"data.conf": NEW_CONF},
    plan="p-0c11b2de35cdb6e3",
)
STRAY = replace(
    ASKED,
    drift="d-99aa0c11b2de",
    key=ResourceKey("", "Pod", "shop", "debug"),
    type=DriftType.UNMANAGED,
    severity=Severity.LOW,
    actor="",
    before=None,
    after=None,
    standing=Standing.FOUND,
    action="observe",
    reason="policy only reports this",
    plan="",
)
OVER = replace(
    ASKED,
    standing=Standing.RESTORED,
    reason="restored by Jo (slack:U0JO)",
    plan="",
    life=(SEEN, DECIDED, CHANGED, APPROVED, RESTORED),
)
#: What Slack would make something of, if it stood in mrkdwn.
CALLING = "<!channel> <@U0JO> <#C1|x> <https://evil.example|Restore> *b* _i_ ~s~ `c` ```d``` :bomb:"
HOSTILE = replace(
    ASKED,
    key=ResourceKey("", "ConfigMap", "shop", "<!channel>"),
    note=CALLING,
    actor=CALLING,
    reason=CALLING,
    before={"data.conf": f"a\n```\n{CALLING}\n", CALLING: HOSTILE_TEXT},
    after={"data.conf": f"b\n```\n{CALLING}\n", CALLING: "x" * 100_000},
)

NOTICES: dict[str, Notice] = {
    "asked": notice_of([ASKED]),
    "restored": notice_of([OVER]),
    "group": notice_of([ASKED, CONF, STRAY]),
    "hostile": notice_of([HOSTILE]),
}

#: What Slack documents, or refuses by.
_LIMITS = {"header": 150, "blocks": 50, "text": 3000, "total": 13_000}


def message_text(message: SlackMessage) -> str:
    """Gives a message as a golden file has it."""
    shown = {"text": message.text, "blocks": list(message.blocks)}
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


def walked(value: Any) -> Iterator[JsonObject]:
    """Gives all objects in a value, itself first."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from walked(child)


def size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def refusal(text: str, blocks: Sequence[JsonObject]) -> str:
    """Says why Slack would refuse a message; empty where it wouldn't."""
    if not text or not 0 < len(blocks) <= _LIMITS["blocks"]:
        return "no text, or too many blocks"
    if sum(size(str(each.get("text", ""))) for each in texts(blocks)) > _LIMITS["total"]:
        return "msg_blocks_too_long"
    for block in blocks:
        if block["type"] == "header" and size(block["text"]["text"]) > _LIMITS["header"]:
            return "the header is too long"
        if block["type"] == "actions":
            names = [element["action_id"] for element in block["elements"]]
            if len(names) != len(set(names)) or not 0 < len(names) <= 25:
                return "the controls have no names of their own"
    for each in texts(blocks):
        if not 0 < size(each["text"]) <= _LIMITS["text"]:
            return f"a text is empty or too long: {each['text'][:40]!r}"
    try:
        for made in Block.parse_all(list(blocks)):
            made.validate_json()
    except Exception as error:  # any: what the SDK's own models find wrong
        return str(error)
    return ""


def texts(blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """Gives all objects that have a text of their own."""
    return [each for each in walked(list(blocks)) if isinstance(each.get("text"), str)]
