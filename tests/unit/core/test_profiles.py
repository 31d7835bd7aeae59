"""Profiles of images: which they fit, what they expect, and how they are refused."""

from datetime import date
from typing import Any

import pytest

from reconciler.agent.node import builtin_profile
from reconciler.core.containers import FileState, FileType
from reconciler.core.drift import ChangeType
from reconciler.core.errors import ConfigError
from reconciler.core.profiles import Profiles, matches, names_of, profiles_of, refusing_all

BUILTIN = builtin_profile()
TODAY = date(2026, 11, 25)
FILE = FileState(FileType.REGULAR, 0o644, 0, 0)
WRITE = {"path": "/var/lib/app/**", "reason": "its index"}


def read(*profiles: dict[str, Any]) -> Profiles:
    return profiles_of({"schema": "plumbline.dev/profiles/v1", "profiles": list(profiles)})


def reason(
    profiles: Profiles, path: str, now: FileState | None = FILE, image: str = "web:1"
) -> str:
    profile = profiles.applied(BUILTIN, image, TODAY)
    rule = profile.expecting(path, ChangeType.ADDED, now)
    return rule.reason if rule is not None else ""


def test_what_a_profile_allows_is_expected_with_its_reason() -> None:
    profiles = read({"image": "web", "write": [WRITE]}, {"image": "other", "write": [WRITE]})
    assert reason(profiles, "/var/lib/app/a/b") == "its index"
    assert reason(profiles, "/var/lib/app") == "its index"
    assert reason(profiles, "/var/lib/app/x", None) == "its index"
    assert reason(profiles, "/var/lib/apple") == ""
    assert reason(profiles, "/var/lib/app/a", image="third") == ""
    assert "put aside" in reason(profiles, "/tmp/x")
    rules = profiles.applied(BUILTIN, "web:2", TODAY).expected
    assert rules[-1].name == "profile /var/lib/app/**"
    assert profiles.applied(BUILTIN, "third", TODAY) is BUILTIN


@pytest.mark.parametrize(
    ("path", "now"),
    [
        ("/var/lib/app/run", FileState(FileType.REGULAR, 0o755, 0, 0)),
        ("/var/lib/app/libx.so.1", FILE),
        ("/var/lib/app/sda", FileState(FileType.BLOCK, 0o600, 0, 0)),
    ],
)
def test_what_can_be_run_is_never_expected(path: str, now: FileState) -> None:
    assert reason(read({"image": "*", "write": [WRITE]}), path, now) == ""


@pytest.mark.parametrize(
    ("glob", "path", "is_expected"),
    [
        ("/var/www/**", "/var/www/x.html", True),
        ("/var/www/**", "/var/www/x.php", False),
        ("/var/www/*", "/var/www/x.php", False),
        ("/var/www/**/*.php", "/var/www/a/x.php", True),
        ("/var/www/x.php", "/var/www/x.php", True),
        ("/etc/**", "/etc/cron.d/x", False),
        ("/etc/cron.d/x", "/etc/cron.d/x", True),
    ],
)
def test_a_bare_wildcard_doesnt_reach_what_matters_much(
    glob: str, path: str, is_expected: bool
) -> None:
    profiles = read({"image": "web", "write": [{"path": glob, "reason": "its own"}]})
    assert reason(profiles, path) == ("its own" if is_expected else "")


def test_which_programs_may_run() -> None:
    profiles = read(
        {"image": "web*", "execute": ["/usr/bin/app", "/opt/*/bin/**"]},
        {"image": "web:1", "execute": ["/bin/sh"]},
        {"image": "web", "write": []},
    )
    profile = profiles.applied(BUILTIN, "web:1", TODAY)
    assert profile.runs("/usr/bin/app") and profile.runs("/bin/sh") and profile.runs("/opt/x/bin/y")
    assert not profile.runs("/usr/bin/app2")
    assert not profiles.applied(BUILTIN, "web:2", TODAY).runs("/bin/sh")
    assert not read({"image": "a", "execute": []}).applied(BUILTIN, "a", TODAY).runs("/bin/sh")
    assert BUILTIN.runs("/bin/sh")
    assert not refusing_all(BUILTIN).runs("/bin/sh")


def test_what_has_ended_allows_nothing_and_is_named() -> None:
    ended, lasts = {"until": "2026-11-24"}, {"until": "2026-11-25"}
    profiles = read(
        {"image": "web", "write": [{**WRITE, **ended}, {"path": "/a", "reason": "b", **lasts}]},
        {"image": "web", "execute": [], "write": [WRITE], **ended},
    )
    assert reason(profiles, "/var/lib/app/x") == ""
    assert reason(profiles, "/a") == "b"
    assert profiles.applied(BUILTIN, "web", TODAY).runs("/bin/sh")
    assert list(profiles.ended(TODAY)) == [
        "profiles[0].write[0] ended on 2026-11-24",
        "profiles[1] ended on 2026-11-24",
    ]


def test_images_are_meant_with_and_without_their_tags() -> None:
    digest = "sha256:" + "a" * 64
    assert names_of(f"registry.example:5000/shop/web:2@{digest}") == (
        f"registry.example:5000/shop/web:2@{digest}",
        "registry.example:5000/shop/web:2",
        "registry.example:5000/shop/web",
    )
    assert names_of("docker.io/library/nginx:1")[-2:] == ("nginx:1", "nginx")
    assert names_of("docker.io/shop/web")[-1] == "shop/web"
    assert names_of("") == ()
    assert read({"image": "registry.example:5000/*"}).images[0].fits("registry.example:5000/w:1")


@pytest.mark.parametrize(
    ("path", "glob", "fits"),
    [
        ("/a/b", "/a/*", True),
        ("/a/b/c", "/a/*", False),
        ("/a/b/c", "/a/**", True),
        ("/a", "/a/**", True),
        ("/a/x/y/z.log", "/a/**/*.log", True),
        ("/a/z.log", "/a/**/*.log", True),
        ("/a/z.log/b", "/a/**/*.log", False),
        ("/a/pid-12.x", "/a/p?d-*.x", True),
        ("/a/pid-12.y", "/a/p?d-*.x", False),
        ("/a/one-two-three", "/a/*-*-*", True),
        ("/a/one\ntwo", "/a/one*", True),
        ("/a/b\n", "/a/b", False),
        ("/a/[b]", "/a/[b]", True),
    ],
)
def test_paths(path: str, glob: str, fits: bool) -> None:
    assert matches(path, glob) is fits


def test_a_hostile_name_takes_no_time() -> None:
    assert not matches("/a/" + "ab" * 2000, "/a/" + "*a" * 30 + "c")
    assert not matches("/a" + "/b" * 250 + "/c", "/a/**/b/**/b/**/d")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the document: it is no map"),
        ({"schema": "x", "profiles": []}, "schema: it is another format"),
        ({}, "profiles is missing"),
        ({"profiles": {}}, "profiles: it is no list"),
        ({"profiles": [0]}, "profiles[0]: it is no map"),
        ({"profiles": [{}]}, "profiles[0].image is missing"),
        ({"profiles": [{"image": " "}]}, "profiles[0].image: it is no text"),
        ({"profiles": [{"image": "a", "writes": []}]}, "profiles[0].'writes' is no field"),
        ({"profiles": [{"image": "a\ud800"}]}, "profiles[0].image: it is no text"),
        ({"profiles": [{"image": "a", "x": []}]}, "profiles[0].'x' is no field"),
        ({"profiles": [{"image": "a", "write": [{"path": "/a"}]}]}, "write[0].reason is missing"),
        ({"profiles": [{"image": "a", "execute": ["sh"]}]}, "execute[0]: it is no path"),
        ({"profiles": [{"image": "a", "until": "soon"}]}, "profiles[0].until: it is no day"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(document: Any, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        profiles_of(document)
    assert message in raised.value.message
    assert raised.value.fix


@pytest.mark.parametrize(
    "path",
    ["a", "/", "/**", "/*", "/*/x", "/a/../b", "/a/.", "/a//b", "/a/", "/a\n", "/a/b**", "/?/a",
     "/a" + "/**" * 4, "/" + "a" * 2000, ""],
)  # fmt: skip
def test_paths_that_mean_too_much_or_nothing_are_refused(path: str) -> None:
    with pytest.raises(ConfigError, match=r"write\[0\]\.path"):
        read({"image": "a", "write": [{"path": path, "reason": "b"}]})
