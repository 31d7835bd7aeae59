"""Names of images, as manifests and container runtimes write them."""

import pytest

from reconciler.core.images.naming import (
    ImageName,
    RunningId,
    image_name,
    running_id,
    short_digest,
)

A = f"sha256:{'a' * 64}"
B = f"sha512:{'b' * 128}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("nginx", ImageName("docker.io", "library/nginx", "latest", implied=True)),
        ("nginx:1.27", ImageName("docker.io", "library/nginx", "1.27")),
        ("shop/web:1", ImageName("docker.io", "shop/web", "1")),
        ("docker.io/nginx:1", ImageName("docker.io", "library/nginx", "1")),
        ("index.docker.io/nginx:1", ImageName("docker.io", "library/nginx", "1")),
        ("localhost/web:1", ImageName("localhost", "web", "1")),
        ("registry.example/web", ImageName("registry.example", "web", "latest", implied=True)),
        ("registry.example:5000/a/b_c/d:v1", ImageName("registry.example:5000", "a/b_c/d", "v1")),
        ("[::1]:5000/web:1", ImageName("[::1]:5000", "web", "1")),
        ("Registry/web:1", ImageName("Registry", "web", "1")),
        (f"nginx@{A}", ImageName("docker.io", "library/nginx", digest=A)),
        (f"nginx:1@{B}", ImageName("docker.io", "library/nginx", "1", B)),
    ],
)
def test_a_name_is_read_as_a_node_reads_it(text: str, name: ImageName) -> None:
    assert image_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nginx",
        "a b",
        "nginx:",
        "nginx:a/b:c d",
        "nginx@sha256:short",
        "nginx@",
        "nginx:-1",
        "../etc/passwd",
        "registry.example/../x:1",
        "registry.example/x?y=1:1",
        "user@registry.example/x",
        "https://registry.example/x",
        "registry.example\n/x",
        f"registry.example/{'x' * 250}:1",
    ],
)
def test_what_is_no_name_is_none(text: str) -> None:
    assert image_name(text) is None


@pytest.mark.parametrize(
    "text", ["nginx", "nginx:1", f"nginx:1@{A}", f"shop/web@{A}", "registry.example:5000/library/x"]
)
def test_a_name_is_written_as_people_write_it(text: str) -> None:
    assert str(image_name(text)) == text


def test_a_name_asks_for_its_digest_first() -> None:
    name = ImageName("docker.io", "library/nginx", "1", A)
    assert name.reference == A
    assert name.at("2") == ImageName("docker.io", "library/nginx", "2")
    assert name.at("2").reference == "2"
    assert name.at(B) == ImageName("docker.io", "library/nginx", digest=B)
    assert name.repository == "docker.io/library/nginx"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"registry.example/web@{A}", RunningId(A, "registry.example/web")),
        (f"docker-pullable://nginx@{A}", RunningId(A, "docker.io/library/nginx")),
        (f"docker://{A}", RunningId(A)),
        (A, RunningId(A)),
        ("", RunningId()),
        ("nginx:1", RunningId()),
        ("sha256:short", RunningId()),
    ],
)
def test_what_a_runtime_says_that_it_runs(text: str, found: RunningId) -> None:
    assert running_id(text) == found


def test_a_digest_is_shortened_for_people() -> None:
    assert short_digest(A) == "sha256:aaaaaaaaaaaa"
