"""Looking at images: what is read and asked, on a cluster and registries in memory."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.core.errors import SourceError
from reconciler.core.images.policy import ImagePolicy
from reconciler.core.images.report import ImageReport
from reconciler.core.images.versions import Step
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.images.freshness import Watchman, look_at_images
from reconciler.ports import Registry
from tests.fakes.registry import FakeRegistry
from tests.unit.test_controller import NAMESPACE, Repository, World

BUILT = "2026-11-01T12:00:00Z"
WEB = "registry.example/web:1.0.0"


def deployment(image: str = WEB) -> JsonObject:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


def pod(digest: str, image: str = WEB, **spec: Any) -> JsonObject:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d"}
    status = {"name": "web", "imageID": f"registry.example/web@{digest}"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1",
            "namespace": "shop",
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {"containers": [{"name": "web", "image": image}], **spec},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


class Looked:
    """A shop with a Deployment, its registry, and how it is looked at."""

    def __init__(self) -> None:
        self.world = World(Repository(NAMESPACE, deployment()))
        self.world.cluster.add(NAMESPACE)
        self.registry = FakeRegistry()
        self.secrets: list[ResourceKey] = []
        self.given: Mapping[ResourceKey, JsonObject] = {}

    def open(self, secrets: Mapping[ResourceKey, JsonObject]) -> Registry:
        self.given = secrets
        return self.registry

    def read(self, key: ResourceKey) -> JsonObject | None:
        self.secrets.append(key)
        return {"kind": "Secret"} if key.name == "pull" else None

    def look(self, *policies: ImagePolicy, reading: bool = True) -> ImageReport:
        watchman = Watchman(self.open, policies, read_secret=self.read if reading else None)
        return look_at_images(self.world.target(), watchman)


@pytest.fixture
def looked() -> Looked:
    return Looked()


def test_what_runs_as_declared_is_not_stale(looked: Looked) -> None:
    digest = looked.registry.push(WEB, "one", created=BUILT).digest
    looked.world.cluster.add(pod(digest))
    report = looked.look()
    assert (report.target, report.revision) == ("shop", "4f0c")
    assert report.checked_at == "2026-11-24T12:00:00Z"
    assert report.notes == ("a note",)
    (entry,) = report.entries
    assert entry.drifts == ()
    assert entry.age == datetime(2026, 11, 24, 12, tzinfo=UTC) - datetime(
        2026, 11, 1, 12, tzinfo=UTC
    )
    # Each thing is asked once, and only of what there is.
    questions = [question for question, _ in looked.registry.asked]
    assert sorted(questions) == ["facts", "signature", "tags"]


def test_one_registry_s_trouble_is_not_the_others(looked: Looked) -> None:
    digest = looked.registry.push(WEB, "one", created=BUILT).digest
    other = "other.example/web:1"
    extra = deployment(other)
    extra["metadata"] = {"name": "other", "namespace": "shop"}
    looked.world.repository.bodies.append(extra)
    looked.world.cluster.add(pod(digest))
    looked.registry.down.add("other.example")
    report = looked.look()
    found = {entry.use.owner.name: [str(d.rule) for d in entry.drifts] for entry in report.entries}
    assert found == {"web": [], "other": ["unreadable"]}
    assert report.summary.unreadable == 1


def test_base_images_are_asked_for_where_a_policy_wants_it(looked: Looked) -> None:
    told = {
        "org.opencontainers.image.base.name": "base.example/debian:12",
        "org.opencontainers.image.base.digest": f"sha256:{'a' * 64}",
    }
    digest = looked.registry.push(WEB, "one", created=BUILT, annotations=told).digest
    looked.registry.push("base.example/debian:12", "new")
    looked.world.cluster.add(pod(digest))
    assert looked.look().entries[0].drifts == ()
    assert "base.example" not in {ask.image.host for _, ask in looked.registry.asked}
    (drift,) = looked.look(ImagePolicy(base=True)).entries[0].drifts
    assert drift.rule == "base"


def test_newer_tags_and_moved_ones(looked: Looked) -> None:
    before = looked.registry.push(WEB, "one", created=BUILT)
    looked.registry.push(WEB, "two", created=BUILT)
    looked.registry.tag("registry.example/web:1.0.9", before)
    looked.world.cluster.add(pod(before.digest))
    (entry,) = looked.look(ImagePolicy(newer=Step.PATCH)).entries
    assert [str(drift.rule) for drift in entry.drifts] == ["moved", "newer"]
    looked.registry.delete(WEB)
    (entry,) = looked.look().entries
    assert [str(drift.rule) for drift in entry.drifts] == ["gone"]


def test_pull_secrets_are_those_of_pods(looked: Looked) -> None:
    digest = looked.registry.push(WEB, "one").digest
    named = [{"name": "pull"}, {"name": "forbidden"}]
    looked.world.cluster.add(pod(digest, imagePullSecrets=named))
    looked.look()
    assert [key.name for key in looked.secrets] == ["forbidden", "pull"]
    assert [key.name for key in looked.given] == ["pull"]
    looked.secrets.clear()
    looked.look(reading=False)
    assert (looked.secrets, looked.given) == ([], {})


def test_where_nothing_runs_nothing_is_asked(looked: Looked) -> None:
    looked.world.repository.bodies[:] = [NAMESPACE]
    report = look_at_images(looked.world.target(scope=()), Watchman(looked.open))
    assert report.entries == ()
    assert looked.world.cluster.requests.list == 0
    assert looked.registry.asked == []


def test_a_repository_that_cannot_be_read_stops_it(looked: Looked) -> None:
    looked.world.repository.error = SourceError("no way")
    with pytest.raises(SourceError):
        looked.look()
