"""What can go wrong between here and the API server, and what is said of it."""

import contextlib
import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.core.errors import ClusterError, ConfigError
from reconciler.core.live import Listing
from tests.fakes.kinds import named
from tests.integration.cluster.conftest import Connect
from tests.tools.controlplane import ControlPlane, Toolbox


def test_a_server_of_another_authority_is_not_trusted(
    connect: Connect, written: Callable[..., Path], admin_ca_of_nobody: str
) -> None:
    cluster = connect(written(cluster={"certificate-authority-data": admin_ca_of_nobody}))
    with pytest.raises(ClusterError, match="could not be verified by TLS") as caught:
        cluster.catalog()
    assert "certificate-authority" in caught.value.fix


@pytest.fixture
def admin_ca_of_nobody() -> str:
    import base64
    import datetime as dt

    from tests.tools.controlplane.certificates import Authority

    pem = Authority("somebody-else", dt.datetime.now(dt.UTC)).pair.certificate
    return base64.b64encode(pem).decode()


def test_a_server_that_is_not_to_be_verified_is_not(
    connect: Connect, written: Callable[..., Path], admin_ca_of_nobody: str
) -> None:
    options = {
        "certificate-authority-data": admin_ca_of_nobody,
        "insecure-skip-tls-verify": True,
    }
    assert connect(written(cluster=options)).catalog().kinds


def test_the_name_in_the_certificate_may_be_another_than_the_address(
    connect: Connect, written: Callable[..., Path]
) -> None:
    good = connect(written(cluster={"tls-server-name": "kubernetes.default.svc"}))
    assert good.catalog().kinds
    bad = connect(written(cluster={"tls-server-name": "another.example"}))
    with pytest.raises(ClusterError, match="could not be verified by TLS"):
        bad.catalog()


def test_a_port_at_which_nobody_listens(connect: Connect, written: Callable[..., Path]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cluster = connect(written(cluster={"server": f"https://127.0.0.1:{port}"}))
    with pytest.raises(ClusterError, match=f"127.0.0.1:{port} refuses connections") as caught:
        cluster.catalog()
    assert caught.value.fix


def test_a_server_that_speaks_no_tls(connect: Connect, written: Callable[..., Path]) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), _Chatter) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        port = server.server_address[1]
        cluster = connect(written(cluster={"server": f"https://127.0.0.1:{port}"}))
        with pytest.raises(ClusterError, match="speaks no TLS"):
            cluster.catalog()
        server.shutdown()


class _Chatter(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"SSH-2.0-not-the-server-that-you-look-for\r\n")
        self.request.recv(1000)


def test_through_a_proxy(connect: Connect, written: Callable[..., Path], proxy: "Proxy") -> None:
    cluster = connect(written(cluster={"proxy-url": proxy.url}))
    catalog = cluster.catalog()
    found = catalog.find("v1", "Namespace")
    assert found is not None
    assert cluster.read([Listing(found)]).objects["v1"]
    assert proxy.asked


def test_a_proxy_that_is_not_there_is_told_without_its_password(
    connect: Connect, written: Callable[..., Path]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cluster = connect(written(cluster={"proxy-url": f"http://me:s3cret@127.0.0.1:{port}"}))
    with pytest.raises(ClusterError, match="can't be reached through its proxy") as caught:
        cluster.catalog()
    assert "s3cret" not in str(caught.value)


def test_a_proxy_of_an_unknown_kind_is_the_operators_to_correct(
    connect: Connect, written: Callable[..., Path]
) -> None:
    with pytest.raises(ConfigError, match="proxy-url"):
        connect(written(cluster={"proxy-url": "gopher://127.0.0.1:70"})).catalog()


def test_a_restarted_server_is_found_again(toolbox: Toolbox, connect: Connect) -> None:
    with ControlPlane(tools=toolbox) as plane:
        cluster = connect(plane.kubeconfig)
        namespaces = Listing(named("Namespace"))
        assert cluster.read([namespaces]).objects["v1"]
        plane.api_server.stop()
        with pytest.raises(ClusterError, match="refuses connections"):
            cluster.read([namespaces])
        plane.api_server.start()
        plane.wait_ready()
        assert cluster.read([namespaces]).objects["v1"]


class Proxy:
    """A proxy that knows CONNECT."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _ProxyHandler)
        self.server.daemon_threads = True
        self.server.proxy = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


class _ProxyHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        target = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        self.server.proxy.asked.append(target)  # type: ignore[attr-defined]
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as onward:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pairs = {self.connection: onward, onward: self.connection}
            with contextlib.suppress(OSError):
                while True:
                    for readable in select.select(list(pairs), [], [])[0]:
                        data = readable.recv(65536)
                        if not data:
                            return
                        pairs[readable].sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()
