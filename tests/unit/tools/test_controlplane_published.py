import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.tools.controlplane import published
from tests.tools.controlplane.published import PublishedError, choose, fetch, unpack
from tests.tools.controlplane.recipes import ESSENTIAL
from tests.tools.controlplane.servers import free_port

MACHINE = "linux-amd64"


def archive_of(members: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o4777
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


GOOD = archive_of({f"controller-tools/envtest/{tool}": tool.encode() for tool in ESSENTIAL})


@dataclass
class Site:
    """A web site of the published layout."""

    url: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def index(self) -> str:
        return f"{self.url}/envtest-releases.yaml"

    def publish(self, version: str, archive: bytes, sha512: str | None = None) -> None:
        name = f"envtest-{version}-{MACHINE}.tar.gz"
        self.pages[f"/{name}"] = archive
        entry = {
            "hash": sha512 or hashlib.sha512(archive).hexdigest(),
            "selfLink": f"{self.url}/{name}",
        }
        index = yaml.safe_load(self.pages.get("/envtest-releases.yaml", b"releases: {}"))
        index["releases"][version] = {name: entry}
        self.pages["/envtest-releases.yaml"] = yaml.safe_dump(index).encode()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            page = made.pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Length", str(len(page or b"")))
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def get(site: Site, into: Path, version: str = "v1.37.2") -> None:
    fetch(site.index, version, MACHINE, ESSENTIAL, into, lambda _: None)


def test_the_programs_of_the_archive_are_unpacked_flat(site: Site, tmp_path: Path) -> None:
    site.publish("v1.37.2", GOOD)
    get(site, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        tool: tool for tool in ESSENTIAL
    }


def test_a_wrong_checksum_is_refused_before_anything_is_unpacked(
    site: Site, tmp_path: Path
) -> None:
    site.publish("v1.37.2", GOOD, sha512="0" * 128)
    with pytest.raises(PublishedError, match="checksum"):
        get(site, tmp_path)
    assert not (tmp_path / "etcd").exists()


def test_nobody_there_is_said_with_the_address(tmp_path: Path) -> None:
    site = Site(url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PublishedError, match=r"envtest-releases\.yaml: .*refused"):
        get(site, tmp_path)


@pytest.mark.parametrize(
    "missing", ["/envtest-releases.yaml", f"/envtest-v1.37.2-{MACHINE}.tar.gz"]
)
def test_not_found_is_unavailable(site: Site, tmp_path: Path, missing: str) -> None:
    site.publish("v1.37.2", GOOD)
    del site.pages[missing]
    with pytest.raises(PublishedError, match="Not Found"):
        get(site, tmp_path)


def test_only_http_addresses_are_opened(site: Site, tmp_path: Path) -> None:
    with pytest.raises(PublishedError, match="not an http"):
        fetch("file:///etc/passwd", "v1", MACHINE, ESSENTIAL, tmp_path, print)
    site.publish("v1.37.2", GOOD)
    site.pages["/envtest-releases.yaml"] = site.pages["/envtest-releases.yaml"].replace(
        site.url.encode(), b"file:///etc"
    )
    with pytest.raises(PublishedError, match="not http"):
        get(site, tmp_path)


def test_a_too_large_archive_is_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "_ARCHIVE_LIMIT", 10)
    site.publish("v1.37.2", GOOD)
    with pytest.raises(PublishedError, match="more than 10 bytes"):
        get(site, tmp_path)


def index_of(*versions: str, machine: str = MACHINE) -> bytes:
    entry = {"hash": "0", "selfLink": "http://x"}
    releases = {each: {f"envtest-{each}-{machine}.tar.gz": entry} for each in versions}
    return yaml.safe_dump({"releases": releases}).encode()


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["v1.37.9", "v1.37.2"], "v1.37.2"),
        (["v1.37.9", "v1.37.10", "v1.37.11-rc.0", "v1.38.0"], "v1.37.10"),
    ],
)
def test_the_exact_version_else_the_newest_patch(offered: list[str], chosen: str) -> None:
    assert choose(index_of(*offered), "v1.37.2", MACHINE).version == chosen


@pytest.mark.parametrize(
    "index",
    [
        index_of("v1.36.0", "v1.3.7"),
        index_of("v1.37.2", machine="darwin-arm64"),
        b"<html>captive portal</html>",
        b"releases: [1]",
        b"{",
        b"releases: {v1.37.2: {envtest-v1.37.2-linux-amd64.tar.gz: {hash: x}}}",
    ],
)
def test_an_index_without_a_usable_entry_is_unavailable(index: bytes) -> None:
    with pytest.raises(PublishedError):
        choose(index, "v1.37.2", MACHINE)


def test_nothing_leaves_the_folder_and_no_link_is_followed(tmp_path: Path) -> None:
    link = tarfile.TarInfo("controller-tools/envtest/etcd")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "outside")
    into = tmp_path / "into"
    into.mkdir()
    path = tmp_path / "a.tar.gz"
    members: dict[str, bytes | tarfile.TarInfo] = {
        "link": link,
        "../../kubectl": b"k",
        "/kube-apiserver": b"a",
        "../evil": b"e",
        "x/etcd": b"real",
    }
    path.write_bytes(archive_of(members))
    unpack(path, ESSENTIAL, into)
    assert sorted(each.name for each in into.iterdir()) == sorted(ESSENTIAL)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.tar.gz", "into"]
    assert (into / "etcd").read_bytes() == b"real"
    assert all(each.stat().st_mode & 0o7000 == 0 for each in into.iterdir())


@pytest.mark.parametrize(
    "content",
    [b"no archive", GOOD[:60], gzip.compress(b"no tar")],
    ids=["no-archive", "cut-short", "no-tar"],  # gzip writes the time: two workers must agree
)
def test_a_damaged_archive_is_unavailable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    with pytest.raises(PublishedError):
        unpack(path, ESSENTIAL, tmp_path)


def test_an_archive_that_lacks_a_program_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(archive_of({"etcd": b"e"}))
    with pytest.raises(PublishedError, match="lacks kube-apiserver, kubectl"):
        unpack(path, ESSENTIAL, tmp_path)
