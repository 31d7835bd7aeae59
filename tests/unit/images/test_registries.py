"""Registries, and what is wanted of their images, by their settings."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.errors import ConfigError, RegistryError
from reconciler.core.images.facts import Ask
from reconciler.core.images.naming import ImageName
from reconciler.core.images.policy import ImagePolicy
from reconciler.core.images.versions import Step, TagFilter
from reconciler.core.images.vulnerabilities import Grade
from reconciler.core.resource import ResourceKey
from reconciler.images.registries import endpoints_of, policies_of, scans_in, watchman_of
from reconciler.settings import (
    ImagePolicySettings,
    ImageSettings,
    RegistrySettings,
    Settings,
    surroundings,
)
from tests.fakes.cluster import FakeCluster


def test_a_policy_is_what_its_settings_say() -> None:
    made = ImagePolicySettings(
        "registry.example/*", "90d", "minor", True, r"v(?P<version>.*)", True, True, True, "high"
    )
    assert policies_of([made, ImagePolicySettings()]) == (
        ImagePolicy(
            "policies[1]",
            "registry.example/*",
            timedelta(days=90),
            Step.MINOR,
            TagFilter(re.compile(r"v(?P<version>.*)"), True),
            True,
            True,
            True,
            Grade.HIGH,
        ),
        ImagePolicy("policies[2]"),
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_age": "soon"}, r"images.policies\[1\].max_age: 'soon' is no duration"),
        ({"newer": "huge"}, r"images.policies\[1\].newer: 'huge' is none of them"),
        ({"tags": "("}, r"images.policies\[1\].tags: missing \)"),
        ({"vulnerabilities": "bad"}, r"images.policies\[1\].vulnerabilities: 'bad'"),
    ],
)
def test_what_is_no_policy(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        policies_of([ImagePolicySettings(**wrong)])
    assert caught.value.fix


def settings(**registry: Any) -> Settings:
    return Settings(images=ImageSettings(registries=(RegistrySettings(**registry),)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"host": "https://registry.example"}, r"registries\[1\].host: 'https://registry.example'"),
        ({"host": ""}, r"registries\[1\].host"),
        ({"host": "a", "mirror": "https://b"}, r"registries\[1\].mirror: 'https://b' is no host"),
        ({"host": "a", "mirror": "b/"}, r"registries\[1\].mirror"),
        ({"host": "a", "mirror": "b/../c"}, r"registries\[1\].mirror"),
        ({"host": "a", "authority": "/nowhere/ca.crt"}, r"registries\[1\].authority"),
    ],
)
def test_what_is_no_registry(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        watchman_of(settings(**wrong), None)
    assert caught.value.fix


def test_a_watchman_of_a_dump_reads_no_secrets() -> None:
    made = watchman_of(settings(host="docker.io", mirror="127.0.0.1:9/hub"), None)
    assert made.read_secret is None
    assert made.scans == scans_in([]) == ()
    with pytest.raises(RegistryError):
        # It asks the mirror, of which there is none under such a name.
        made.open_registry({}).facts(Ask(ImageName("docker.io", "library/nginx", "1")))


def test_a_registry_is_asked_as_its_settings_say(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("")
    made = RegistrySettings(
        "registry.example:5000", "[::1]:5000/hub", True, str(tmp_path / "ca.crt")
    )
    found = endpoints_of([made, RegistrySettings("other.example")])
    endpoint = found.of("registry.example:5000")
    assert (endpoint.url, endpoint.repository("web")) == ("http://[::1]:5000", "hub/web")
    assert endpoint.authority == tmp_path / "ca.crt"
    assert found.of("other.example").url == "https://other.example"


def test_a_secret_that_may_not_be_read_is_no_trouble() -> None:
    cluster = FakeCluster()
    key = ResourceKey("", "Secret", "shop", "pull")
    read = watchman_of(Settings(), cluster).read_secret
    assert read is not None
    assert read(key) is None
    cluster.forbid("get", "Secret")
    assert read(key) is None
    without = Settings(images=ImageSettings(pull_secrets=False))
    assert watchman_of(without, cluster).read_secret is None


def test_reports_are_read(tmp_path: Path) -> None:
    file = tmp_path / "trivy.json"
    file.write_text('{"ArtifactName": "web:1"}')
    assert [scan.image for scan in scans_in([file])] == ["web:1"]


def test_where_docker_s_configuration_is() -> None:
    assert surroundings({"HOME": "/home/ann"}).docker_config == Path("/home/ann/.docker")
    named = surroundings({"HOME": "/home/ann", "DOCKER_CONFIG": "/etc/docker"})
    assert named.docker_config == Path("/etc/docker")
