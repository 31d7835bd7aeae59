"""What is stale, by which rule, and what can't be told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.core.drift import Severity
from reconciler.core.images.facts import Answers, Ask, Gone, ImageFacts, Signature, Unknown
from reconciler.core.images.judging import judge
from reconciler.core.images.known import Known
from reconciler.core.images.naming import RunningId, image_name
from reconciler.core.images.policy import ImagePolicy, policy_for
from reconciler.core.images.questions import (
    asked_first,
    asked_of_running,
    asked_then,
    repository_ask,
)
from reconciler.core.images.report import ImageEntry, ImageRule
from reconciler.core.images.rules import days
from reconciler.core.images.running import Container, ContainerKind, Use
from reconciler.core.images.summing import summed
from reconciler.core.images.versions import Step
from reconciler.core.images.vulnerabilities import Grade, Scan, Vulnerability
from reconciler.core.live import Unread
from reconciler.core.moments import rfc3339
from reconciler.core.resource import ResourceKey

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WEB = ResourceKey("apps", "Deployment", "shop", "web")
REPOSITORY = "registry.example/web"
A, B, C, D = (f"sha256:{letter * 64}" for letter in "abcd")
DOWN = Unknown("registry registry.example can't be reached")


def facts(digest: str = A, days_old: int = 5, **more: Any) -> ImageFacts:
    return ImageFacts(digest, created=rfc3339(NOW - timedelta(days=days_old)), **more)


def container(
    digest: str = A, image: str = f"{REPOSITORY}:1.2.0", pod: str = "web-1", **more: Any
) -> Container:
    running = RunningId(digest, REPOSITORY) if digest else RunningId()
    return Container(pod, f"uid-{pod}", "n1", image, **{"running": running, **more})


def use(*containers: Container, declared: str = f"{REPOSITORY}:1.2.0") -> Use:
    return Use(
        WEB, "apps/v1", "u", ContainerKind.CONTAINER, "app", declared, None, tuple(containers)
    )


def asked(reference: str) -> Ask:
    joint = "@" if reference.startswith("sha") else ":"
    name = image_name(f"{REPOSITORY}{joint}{reference}")
    assert name is not None
    return Ask(name, "shop")


def answers(
    known: dict[str, ImageFacts | Gone | Unknown],
    tags: tuple[str, ...] | Unknown = (),
    signatures: dict[str, Signature | Unknown] | None = None,
) -> Answers:
    name = image_name(f"{REPOSITORY}:1")
    assert name is not None
    return Answers(
        {asked(reference): told for reference, told in known.items()},
        {repository_ask(name, "shop"): tags},
        {asked(digest): told for digest, told in (signatures or {}).items()},
    )


def entry(
    looked_at: Use,
    told: Answers,
    scans: Sequence[Scan] = (),
    **policy: Any,
) -> ImageEntry:
    policies = [ImagePolicy("p", **policy)] if policy else []
    (found,) = judge("shop", [looked_at], told, policies, scans, NOW)
    return found


def rules(found: ImageEntry) -> dict[str, str]:
    return {drift.rule.value: drift.text for drift in found.drifts}


def test_what_runs_as_declared() -> None:
    found = entry(
        use(container(started_at="2026-11-20T10:00:00Z"), container(pod="web-2")),
        answers({"1.2.0": facts()}, ("1.2.0", "1.2.1"), {A: Signature.COSIGN}),
    )
    assert found.drifts == ()
    assert found.digests == ((A, 2),)
    assert (found.since, found.resolved) == ("2026-11-20T10:00:00Z", A)
    assert found.age == timedelta(days=5)
    assert [each.tag for each in found.newer] == ["1.2.1"]
    assert found.signature is Signature.COSIGN
    assert found.policy == "default"


def test_a_tag_that_moved() -> None:
    told = answers({"1.2.0": facts(B, 1), A: facts(A, 9)})
    found = entry(use(container()), told)
    (drift,) = found.drifts
    assert drift.rule is ImageRule.MOVED
    assert drift.text == "tag 1.2.0 is sha256:bbbbbbbbbbbb by now, 1 pod runs sha256:aaaaaaaaaaaa"
    assert (drift.running, drift.latest) == ((A,), f"{REPOSITORY}:1.2.0@{B}")
    # Its age is that of what runs.
    assert drift.age == found.age == timedelta(days=9)


def test_an_image_for_several_platforms_is_the_one_of_each() -> None:
    index = facts(D, manifests=(A, B), config=C)
    told = answers({"1.2.0": index})
    alike = use(container(A), container(B, pod="web-2"), container(D, pod="web-3"))
    assert entry(alike, told).drifts == ()
    assert entry(use(container(running=RunningId(C))), told).drifts == ()


def test_siblings_that_run_different_images() -> None:
    told = answers({"1.2.0": facts(A), B: facts(B)})
    pods = [container(A), container(B, pod="web-2"), container(A, pod="web-3")]
    found = entry(use(*pods), told)
    assert rules(found) == {
        "moved": "tag 1.2.0 is sha256:aaaaaaaaaaaa by now, 1 pod runs sha256:bbbbbbbbbbbb",
        "diverged": "its pods run 2 images under one name: sha256:aaaaaaaaaaaa (2), "
        "sha256:bbbbbbbbbbbb (1)",
    }
    # It needs no registry to tell that.
    assert set(rules(entry(use(*pods), answers({"1.2.0": DOWN})))) == {"diverged", "unreadable"}


def test_pods_that_name_another_image_than_git() -> None:
    other = f"{REPOSITORY}:1.1.0"
    pods = [container(B, image=other), container(C, image="", pod="web-2")]
    found = entry(use(*pods), answers({"1.2.0": facts(), "1.1.0": facts(B), B: facts(B)}))
    assert rules(found) == {
        "differs": f"Git declares {REPOSITORY}:1.2.0, 2 pods run {other} (1),  (1)"
    }
    assert found.drifts[0].latest == f"{REPOSITORY}:1.2.0"


def test_pods_of_what_git_does_not_declare_are_compared_with_each_other() -> None:
    pods = [container(), container(B, image=f"{REPOSITORY}:2.0.0", pod="web-2")]
    found = entry(use(*pods, declared=""), answers({"1.2.0": facts(), B: facts(B)}))
    assert rules(found)["differs"].startswith(f"another pod has {REPOSITORY}:1.2.0, 1 pod runs ")


def test_a_digest_that_was_added_on_the_way_is_no_other_name() -> None:
    told = answers({"1.2.0": facts()})
    for image in (f"{REPOSITORY}:1.2.0@{A}", f"{REPOSITORY}@{A}"):
        assert entry(use(container(image=image)), told).drifts == ()
    other = container(image=f"registry.example/other:1.2.0@{A}")
    assert set(rules(entry(use(other), told))) == {"differs"}


def test_what_is_declared_by_digest() -> None:
    pinned = f"{REPOSITORY}:1.2.0@{A}"
    told = answers({A: facts(A), B: facts(B)})
    assert entry(use(container(image=pinned), declared=pinned), told).drifts == ()
    found = entry(use(container(B, image=pinned), declared=pinned), told)
    assert rules(found) == {
        "differs": "declared by digest, and 1 pod runs sha256:bbbbbbbbbbbb all the same"
    }
    assert found.drifts[0].severity is Severity.HIGH
    without = container(image=f"{REPOSITORY}:1.2.0")
    assert set(rules(entry(use(without, declared=pinned), told))) == {"differs"}


def test_what_the_registry_has_no_more() -> None:
    found = entry(use(container()), answers({"1.2.0": Gone(), A: Gone()}))
    assert rules(found) == {
        "gone": f"the registry has no {REPOSITORY}:1.2.0: a pod that has to pull it can't start"
    }


def test_what_could_not_be_told_is_not_up_to_date() -> None:
    found = entry(use(container()), answers({"1.2.0": DOWN, A: DOWN}, DOWN))
    assert rules(found) == {"unreadable": f"unknown what its name means now: {DOWN.reason}"}
    assert (found.age, found.unlisted, found.newer) == (None, DOWN.reason, ())
    wanted: dict[str, Any] = {
        "max_age": timedelta(days=1),
        "newer": Step.MAJOR,
        "signature": True,
        "base": True,
    }
    found = entry(use(container()), answers({"1.2.0": DOWN, A: DOWN}, DOWN), **wanted)
    assert rules(found) == {
        "unreadable": "unknown what its name means now, how old it is, which tags are newer, "
        f"whether it is signed: {DOWN.reason}"
    }
    # Nothing was asked: that is no answer either.
    found = entry(use(container()), Answers(), **wanted)
    assert "it was not asked for" in rules(found)["unreadable"]


def test_a_runtime_that_tells_an_image_s_own_id() -> None:
    loaded = container(running=RunningId(C))
    assert entry(use(loaded), answers({"1.2.0": facts(A, config=C)})).drifts == ()
    assert rules(entry(use(loaded), answers({"1.2.0": facts(A, config=D)}))) == {
        "moved": "tag 1.2.0 is sha256:dddddddddddd by now, 1 pod runs sha256:cccccccccccc"
    }
    found = entry(use(loaded), answers({"1.2.0": facts(A, config=D, manifests=(B,))}))
    assert rules(found)["unreadable"].startswith("unknown whether it runs as declared: the runtime")


def test_age() -> None:
    told = answers({"1.2.0": facts(A, 100)}, ("1.2.0", "2.0.0"))
    found = entry(use(container()), told, max_age=timedelta(days=90))
    assert rules(found) == {"old": "built 100 days ago, 90 days are allowed"}
    assert found.drifts[0].latest == f"{REPOSITORY}:2.0.0"
    assert found.drifts[0].policy == "p"
    assert entry(use(container()), told, max_age=timedelta(days=100)).drifts == ()
    # The oldest of those that run counts, and one of unknown age proves nothing.
    pods = use(container(), container(B, pod="web-2"))
    mixed = entry(pods, answers({"1.2.0": facts(A, 1), B: facts(B, 99)}), max_age=timedelta(days=9))
    assert rules(mixed)["old"] == "built 99 days ago, 9 days are allowed"
    half = entry(pods, answers({"1.2.0": facts(A, 1), B: DOWN}), max_age=timedelta(days=9))
    assert rules(half)["unreadable"] == f"unknown how old it is: {DOWN.reason}"
    unlisted = answers({"1.2.0": facts(A, 100)}, DOWN)
    assert entry(use(container()), unlisted, max_age=timedelta(days=9)).drifts[0].latest == ""


@pytest.mark.parametrize("created", ["", "1970-01-01T00:00:00Z", "yesterday"])
def test_an_image_that_tells_no_age(created: str) -> None:
    told = answers({"1.2.0": ImageFacts(A, created=created)})
    assert entry(use(container()), told).drifts == ()
    found = entry(use(container()), told, max_age=timedelta(days=1))
    assert rules(found) == {
        "unreadable": "unknown how old it is: the image doesn't say when it was built"
    }
    gone = entry(use(), answers({"1.2.0": Gone()}), max_age=timedelta(days=1))
    assert rules(gone)["unreadable"] == "unknown how old it is: the registry has it no more"


def test_ages_in_words() -> None:
    assert days(timedelta(days=90)) == "90 days"
    assert days(timedelta(hours=25)) == "25 hours"
    assert days(timedelta(hours=1)) == "1 hour"


def test_newer_tags_within_what_the_policy_asks_for() -> None:
    told = answers({"1.2.0": facts()}, ("1.2.0", "1.3.0", "2.0.0"))
    assert entry(use(container()), told, newer=Step.PATCH).drifts == ()
    found = entry(use(container()), told, newer=Step.MINOR)
    assert rules(found) == {"newer": "1.3.0 is newer (minor)"}
    assert found.drifts[0].latest == f"{REPOSITORY}:1.3.0"


def test_a_pinned_tag_that_was_built_anew() -> None:
    pinned = f"{REPOSITORY}:1.2.0@{A}"
    running = use(container(image=pinned), declared=pinned)
    found = entry(running, answers({A: facts(), "1.2.0": facts(B)}), newer=Step.PATCH)
    assert rules(found) == {"newer": "tag 1.2.0 has been built anew: sha256:bbbbbbbbbbbb"}
    assert found.drifts[0].latest == f"{REPOSITORY}:1.2.0@{B}"
    same = answers({A: facts(), "1.2.0": facts(A)})
    assert entry(running, same, newer=Step.PATCH).drifts == ()
    bare = f"{REPOSITORY}@{A}"
    assert entry(use(container(image=bare), declared=bare), same, newer=Step.PATCH).drifts == ()


def test_a_tag_alone_where_a_digest_is_wanted() -> None:
    found = entry(use(container()), answers({"1.2.0": facts()}), digest=True)
    assert set(rules(found)) == {"mutable"}
    assert found.drifts[0].latest == f"{REPOSITORY}:1.2.0@{A}"
    down = entry(use(container()), answers({"1.2.0": DOWN}), digest=True)
    assert {drift.rule: drift.latest for drift in down.drifts}[ImageRule.MUTABLE] == ""
    pinned = f"{REPOSITORY}@{A}"
    told = answers({A: facts()})
    assert entry(use(container(image=pinned), declared=pinned), told, digest=True).drifts == ()


def test_signatures() -> None:
    running = use(container(A), container(B, pod="web-2"))
    known: dict[str, ImageFacts | Gone | Unknown] = {"1.2.0": facts(), B: facts(B)}

    def signed(**told: Signature | Unknown) -> dict[str, str]:
        signatures = {A: told["a"], B: told["b"]}
        found = entry(running, answers(known, (), signatures), signature=True)
        return {
            rule: text for rule, text in rules(found).items() if rule in ("unsigned", "unreadable")
        }

    assert signed(a=Signature.COSIGN, b=Signature.NOTATION) == {}
    assert set(signed(a=Signature.COSIGN, b=Signature.NONE)) == {"unsigned"}
    assert set(signed(a=DOWN, b=Signature.NONE)) == {"unsigned"}
    assert signed(a=Signature.COSIGN, b=DOWN) == {
        "unreadable": f"unknown whether it is signed: {DOWN.reason}"
    }
    # One that couldn't be looked at isn't taken for signed because another one is.
    half = answers({"1.2.0": facts(), B: Gone()}, (), {A: Signature.COSIGN})
    assert "has it no more" in rules(entry(running, half, signature=True))["unreadable"]
    # What runs in no pod is judged by what would.
    idle = entry(use(), answers({"1.2.0": facts()}, (), {A: Signature.NONE}), signature=True)
    assert set(rules(idle)) == {"unsigned"}


def test_a_base_image_that_was_built_anew() -> None:
    base = image_name("docker.io/library/debian:12")
    assert base is not None
    told = answers({"1.2.0": facts(base=base, base_digest=C)})
    for now, found in ((facts(D), {"base"}), (facts(D, manifests=(C,)), set()), (Gone(), set())):
        known = replace(told, facts={**told.facts, Ask(base, "shop"): now})
        assert set(rules(entry(use(container()), known, base=True))) == found
        assert entry(use(container()), known).drifts == ()
        assert entry(use(container()), known).base == "debian:12"
    assert set(rules(entry(use(container()), told, base=True))) == {"unreadable"}
    assert entry(use(container()), answers({"1.2.0": facts()}), base=True).drifts == ()


CVE = Vulnerability("CVE-1", Grade.CRITICAL, "openssl", "1", "2")
MINOR = Vulnerability("CVE-2", Grade.LOW)


def scan(*digests: str, name: str = "", found: tuple[Vulnerability, ...] = (CVE, MINOR)) -> Scan:
    parsed = image_name(name)
    return Scan(name or "a scan", frozenset(digests), (parsed,) if parsed else (), found)


def test_a_scan_of_what_runs() -> None:
    told = answers({"1.2.0": facts(A, config=C)})
    for each in (scan(A), scan(C), scan(A, name="elsewhere:1")):
        found = entry(use(container()), told, [each])
        assert rules(found) == {"vulnerable": "2 known vulnerabilities (1 critical, 1 low)"}
        assert found.drifts[0].severity is Severity.HIGH
        assert found.drifts[0].vulnerabilities == (CVE, MINOR)
        assert found.scanned == (each,)


def test_a_scan_is_of_what_runs_by_name_where_it_has_no_digest() -> None:
    named = scan(name=f"{REPOSITORY}:1.2.0", found=(CVE,))
    found = entry(use(container()), answers({"1.2.0": facts()}), [named])
    assert rules(found)["vulnerable"].startswith("1 known vulnerability (1 critical), by name: ")
    for other in (
        scan(B, name=f"{REPOSITORY}:1.2.0"),
        scan(name=f"{REPOSITORY}:1.2.1"),
        scan(B),
    ):
        assert entry(use(container()), answers({"1.2.0": facts()}), [other]).drifts == ()


def test_a_scan_of_what_runs_nowhere_concerns_nothing() -> None:
    assert entry(use(), answers({"1.2.0": facts()}), [scan(A)]).drifts == ()


def test_vulnerabilities_count_from_a_grade_on() -> None:
    told = answers({"1.2.0": Unknown("x")})
    few = entry(use(container()), told, [scan(A)], vulnerabilities=Grade.HIGH)
    assert rules(few)["vulnerable"] == "1 known vulnerability (1 critical)"
    clean = entry(use(container()), told, [scan(A, found=(MINOR,))], vulnerabilities=Grade.HIGH)
    assert "vulnerable" not in rules(clean)


def test_what_is_no_name_of_an_image() -> None:
    found = entry(use(declared="NO NAME"), Answers())
    assert rules(found) == {"unreadable": "containers[name=app].image is no name of an image"}
    assert asked_first([use(declared="NO NAME")], []) == (frozenset(), frozenset())
    assert asked_then([use(declared="NO NAME")], [], Answers()) == (frozenset(), frozenset())


def test_ids_last_and_differ() -> None:
    told = answers({"1.2.0": facts(B), A: facts()})
    one, again = (entry(use(container()), told).drifts[0].id for _ in range(2))
    assert one == again
    assert one.startswith("d-")
    gone = entry(use(container()), answers({"1.2.0": Gone()})).drifts[0].id
    (elsewhere,) = judge("other", [use(container())], told, [], [], NOW)
    assert len({one, gone, elsewhere.drifts[0].id}) == 3


def test_what_is_asked() -> None:
    base = image_name("debian:12")
    assert base is not None
    pinned = f"{REPOSITORY}:1.2.0@{A}"
    running = use(
        container(B),
        container(running=RunningId(C), pod="web-2"),
        container("", image="NO NAME", pod="web-3"),
    )
    first, tags = asked_first([running], [])
    assert first == {asked("1.2.0")}
    # What is the image that should run isn't asked for twice.
    known = answers({"1.2.0": facts(A)})
    alike = use(container(A), container(B, pod="web-2"))
    assert asked_of_running([alike, use(declared="NO NAME")], known) == {asked(B)}
    assert asked_of_running([alike], answers({"1.2.0": DOWN})) == {asked(A), asked(B)}
    assert asked_of_running([running], known) == {asked(B)}
    assert [each.image.path for each in tags] == ["web"]
    assert asked_first([use(declared=f"{REPOSITORY}:latest")], [])[1] == frozenset()
    assert asked_first([use(declared=pinned)], [])[0] == {asked(A)}
    policies = [ImagePolicy(newer=Step.MINOR, base=True)]
    assert asked_first([use(declared=pinned)], policies)[0] == {asked(A), asked("1.2.0")}
    told = answers({"1.2.0": facts(A, base=base, base_digest=C), B: Gone()})
    bases, signed = asked_then([running], policies, told)
    assert (set(bases), set(signed)) == ({Ask(base, "shop")}, {asked(A)})
    bases, signed = asked_then([running], [], told)
    assert (set(bases), set(signed)) == (set(), {asked(A)})
    odd = container(B, image="NO NAME")
    assert asked_of_running([use(odd)], known) == {asked(B)}


def test_the_first_policy_that_fits_counts() -> None:
    policies = [ImagePolicy("a", "nginx"), ImagePolicy("b", "registry.example/*")]
    for image, name in (
        ("nginx:1", "a"),
        ("docker.io/library/nginx", "a"),
        (f"{REPOSITORY}:1", "b"),
        ("busybox", "default"),
    ):
        parsed = image_name(image)
        assert parsed is not None
        assert policy_for(parsed, policies).name == name


def test_known_asks_nothing_that_was_not_asked() -> None:
    name = image_name(f"{REPOSITORY}:1.2.0")
    assert name is not None
    known = Known("shop", use(), name, ImagePolicy(), Gone(), Answers(), NOW)
    assert isinstance(known.newer, Unknown)
    assert isinstance(known.signature(), Unknown)


def test_what_can_be_done_is_told_once() -> None:
    locked = Unknown("registry r wants credentials (401)", "`docker login r`")
    told = answers({"1": locked, "2": DOWN, "3": facts()}, locked, {A: locked})
    assert told.fixes == ("registry r wants credentials (401): `docker login r`",)


def test_the_sum() -> None:
    told = answers({"1.2.0": facts(B), A: facts()})
    made = replace(use(), owner=WEB._replace(kind="ReplicaSet"))
    entries = [entry(use(container()), told, [scan(A)]), entry(made, answers({"1.2.0": DOWN}))]
    unread = [
        Unread("", "Pod", "shop", "forbidden"),
        Unread("", "", "", "gone"),
        Unread("apps", "ReplicaSet", "", "forbidden"),
        Unread("batch", "Job", "", "forbidden"),
    ]
    scans = [
        scan(A),
        replace(scan(B, name=f"{REPOSITORY}:1.2.0"), image="other build"),
        replace(scan(C), image="stranger"),
        replace(scan(D), image=""),
    ]
    report = summed(
        target="shop",
        revision="4f0c",
        checked_at="2026-11-24T12:00:00Z",
        entries=entries,
        unread=unread,
        scans=scans,
        notes=["uncommitted changes"],
    )
    summary = report.summary
    assert (summary.images, summary.containers, summary.stale, summary.unreadable) == (1, 2, 1, 3)
    assert report.unread == ("pods in shop: forbidden", "pods: gone")
    assert report.notes == (
        "uncommitted changes",
        "the vulnerability report of other build is of another build than the one that runs",
        "the vulnerability report of stranger concerns nothing that runs here",
        "the vulnerability report concerns nothing that runs here",
        "ReplicaSet objects couldn't be read: forbidden",
    )
    empty = summed(
        target="shop", revision="", checked_at="", entries=[], unread=[], scans=[], notes=[]
    )
    assert empty.notes[0].startswith("no workload is declared or runs here")
