from dataclasses import replace

from reconciler.core.plan import Evict, Quarantine
from reconciler.core.resource import ResourceKey
from reconciler.render.plans import plan_text
from reconciler.render.terminal import Style
from tests.unit.render.cases import NO_PLAN, NOW, PLAN

STYLE = Style(False, 120)


def test_actions_are_numbered_in_their_order() -> None:
    lines = plan_text(PLAN, STYLE, NOW).splitlines()
    starts = [line for line in lines if line[:1].isdigit()]
    assert [line.split()[1] for line in starts] == [
        "create",
        "replace",
        "replace",
        "recreate",
        "delete",
    ]
    assert starts[3].endswith("deletes it first, with what it owns")


def test_changes_are_seen_as_they_will_be_written() -> None:
    text = plan_text(PLAN, STYLE, NOW)
    replicas = next(line for line in text.splitlines() if "spec.replicas" in line)
    assert replicas.split("  ")[-1] == "undoes kubectl through scale, 2 hours ago"
    assert "5 → 2" in replicas
    assert "+ metadata.labels.team" in text
    assert "- spec.template.spec.containers[name=evil]" in text
    assert "undoes a removal, last written by kubectl-edit, 4 minutes ago" in text


def test_the_command_carries_out_exactly_this_plan() -> None:
    last = plan_text(PLAN, STYLE, NOW).splitlines()[-1]
    assert last.endswith("plumbline restore --plan p-0123456789abcdef")


def test_a_plan_without_actions_offers_no_command() -> None:
    assert plan_text(NO_PLAN, STYLE, NOW).splitlines() == [
        "Nothing to restore in shop @ 4f0c12a",
        "",
        "Left alone",
        "  - Pod shop/debug: it was never declared here",
    ]


def test_a_plan_that_leaves_nothing_alone_does_not_speak_of_it() -> None:
    assert "Left alone" not in plan_text(replace(PLAN, held=()), STYLE, NOW)


def test_pods_are_replaced_with_a_word_on_what_that_does() -> None:
    pod = ResourceKey("", "Pod", "shop", "web-1")
    owner = ResourceKey("apps", "Deployment", "shop", "web")
    actions = (Evict(pod, "v1", "u1", owner), Quarantine(pod, "v1", "u1", owner))
    lines = plan_text(replace(PLAN, actions=actions, held=()), STYLE, NOW).splitlines()
    assert "1. evict    Pod shop/web-1  its controller makes a new one" in lines
    kept = "takes its labels and the network from it, and keeps it; a new one is made"
    assert f"2. quarantine Pod shop/web-1  {kept}" in lines
