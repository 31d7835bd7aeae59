"""Start, stop and failure of a control plane whose servers are stand-ins that speak TLS."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.tools.controlplane.errors import KubectlError, StartError
from tests.tools.controlplane.flags import merge
from tests.tools.controlplane.plane import ControlPlane
from tests.tools.controlplane.recipes import Tool
from tests.tools.controlplane.servers import Server
from tests.tools.controlplane.toolbox import Toolbox

ROOT = Path(__file__).resolve().parents[3]

FAKE_SERVER = f"""#!{sys.executable}
import http.server, os, pathlib, signal, ssl, sys
name = pathlib.Path(sys.argv[0]).name
flags = dict(a[2:].partition("=")[::2] for a in sys.argv[1:])
with open(os.environ["PIDS"], "a") as pids:
    print(name, os.getpid(), file=pids)
taken = pathlib.Path(os.environ["PIDS"] + "." + name + ".taken")
if taken.exists():
    taken.unlink()
    sys.exit("listen tcp 127.0.0.1: bind: address already in use")
if os.environ.get("BROKEN") == name:
    sys.exit("cannot go on: " + " ".join(sorted(flags)))
if "data-dir" in flags:
    pathlib.Path(flags["data-dir"]).mkdir(exist_ok=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        # The body first: an unread one would reset the connection.
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(201 if self.command == "POST" else 200)
        self.end_headers()
    do_GET = do_POST = do_DELETE = answer
if "kubeconfig" in flags:
    signal.pause()
port = int(flags.get("secure-port") or flags["listen-client-urls"].rpartition(":")[2])
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(
    flags.get("tls-cert-file") or flags["cert-file"],
    flags.get("tls-private-key-file") or flags["key-file"],
)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""

FAKE_KUBECTL = """#!/bin/sh
case "$1" in
  fail) echo "no such thing" >&2; exit 3 ;;
  hang) echo "about to hang" >&2; exec sleep 60 ;;
  *) echo "$@"; echo "$KUBECONFIG"; echo "$KUBERC"; cat ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolbox:
    assets = tmp_path / "assets"
    assets.mkdir()
    for tool in (Tool.ETCD, Tool.KUBE_APISERVER, Tool.KUBECTL, Tool.KUBE_CONTROLLER_MANAGER):
        path = assets / tool
        path.write_text(FAKE_KUBECTL if tool is Tool.KUBECTL else FAKE_SERVER)
        path.chmod(0o755)
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    return Toolbox()


@pytest.fixture
def started(tmp_path: Path) -> Callable[[], list[tuple[str, int]]]:
    """The servers that were started until now, by name and process."""

    def read() -> list[tuple[str, int]]:
        lines = (tmp_path / "pids").read_text().splitlines()
        return [(line.split()[0], int(line.split()[1])) for line in lines]

    return read


def alive(pid: int) -> bool:
    try:
        # A zombie is not alive, and nobody may have come to reap it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.02)


Started = Callable[[], list[tuple[str, int]]]


def test_it_runs_inside_the_with_block_only(tools: Toolbox, started: Started) -> None:
    with ControlPlane(tools=tools) as plane:
        folder = plane.kubeconfig.parent
        assert [name for name, _ in started()] == ["etcd", "kube-apiserver"]
        assert all(alive(pid) for _, pid in started())
        config = yaml.safe_load(plane.kubeconfig.read_text())
        assert config["clusters"][0]["cluster"]["server"] == plane.url
        assert plane.kubeconfig.stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0
    assert not any(alive(pid) for _, pid in started())
    assert not folder.exists()


def test_a_folder_of_the_callers_stays(tools: Toolbox, tmp_path: Path) -> None:
    folder = tmp_path / "plane"
    with ControlPlane(tools=tools, folder=folder) as plane:
        assert plane.kubeconfig == folder / "kubeconfig"
    assert (folder / "kube-apiserver.log").exists()


def test_it_can_be_started_again_but_not_twice(tools: Toolbox) -> None:
    plane = ControlPlane(tools=tools)
    for _ in range(2):
        with plane, pytest.raises(StartError, match="runs already"):
            plane.start()


@pytest.mark.parametrize("tool", [Tool.ETCD, Tool.KUBE_APISERVER])
def test_a_taken_port_is_tried_again_with_another(
    tools: Toolbox, started: Started, tmp_path: Path, tool: Tool
) -> None:
    (tmp_path / f"pids.{tool}.taken").touch()
    with ControlPlane(tools=tools):
        assert [name for name, _ in started()].count(tool) == 2


@pytest.mark.parametrize("tool", [Tool.ETCD, Tool.KUBE_APISERVER])
def test_a_server_that_ends_is_an_error_with_the_tail_of_its_log(
    tools: Toolbox, started: Started, monkeypatch: pytest.MonkeyPatch, tool: Tool
) -> None:
    monkeypatch.setenv("BROKEN", tool)
    with pytest.raises(StartError, match=f"{tool} ended before it was ready(?s:.*)cannot go on"):
        ControlPlane(tools=tools).start()
    assert [name for name, _ in started()].count(tool) == 1
    assert not any(alive(pid) for _, pid in started())


def test_a_server_that_does_not_get_ready_is_an_error(tmp_path: Path) -> None:
    log = tmp_path / "log"
    server = Server("sh", ["sh", "-c", "echo waiting for Godot; exec sleep 60"], log)
    server.start()
    eventually(lambda: log.exists() and "Godot" in log.read_text())
    with pytest.raises(StartError, match=r"not ready within 0 s(?s:.*)waiting for Godot"):
        server.wait_until(lambda: False, timeout=0)
    server.stop()
    assert not server.running


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "trap '' TERM; echo $$; while :; do sleep 1; done"
    server = Server("sh", ["sh", "-c", script], log, grace=0.1)
    server.start()
    eventually(lambda: log.exists() and log.read_text().strip() != "")
    server.stop()
    assert not alive(int(log.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_the_servers_end_with_a_killed_starter(tools: Toolbox, started: Started) -> None:
    code = (
        "import time\n"
        "from tests.tools.controlplane import ControlPlane\n"
        "plane = ControlPlane(); plane.start(); plane.start_controller_manager()\n"
        "print(plane.kubeconfig.parent, flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        folder = Path(starter.stdout.readline().strip())
        try:
            # The stand-in for the last one counts as at work before it has said who it is.
            eventually(lambda: len(started()) == 3)
            was_there = folder.is_dir()
        finally:
            # Whatever failed: leaving this block waits for its end.
            starter.send_signal(signal.SIGKILL)
    assert was_there
    eventually(lambda: not any(alive(pid) for _, pid in started()))
    eventually(lambda: not folder.exists())


@pytest.mark.skipif(sys.platform != "linux", reason="a death signal is Linux'")
def test_a_server_ends_with_its_killed_guard(tools: Toolbox, started: Started) -> None:
    with ControlPlane(tools=tools) as plane:
        pid = dict(started())["kube-apiserver"]
        status = Path(f"/proc/{pid}/status").read_text()
        guard = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("PPid"))
        os.kill(guard, signal.SIGKILL)
        eventually(lambda: not alive(pid))
        eventually(lambda: not plane.api_server.running)


def test_the_api_server_can_be_stopped_and_started_again(tools: Toolbox) -> None:
    with ControlPlane(tools=tools) as plane:
        url = plane.url
        plane.api_server.stop()
        assert not plane.api_server.running
        plane.api_server.start()
        plane.wait_ready()
        assert plane.url == url


def test_the_controller_manager_comes_when_asked_and_only_once(
    tools: Toolbox, started: Started
) -> None:
    with ControlPlane(tools=tools) as plane:
        assert plane.controller_manager is None
        assert plane.start_controller_manager() is plane.start_controller_manager()
        # The stand-in counts as at work before it has said who it is.
        eventually(lambda: len(started()) > 2)
        assert [name for name, _ in started()].count("kube-controller-manager") == 1
    assert plane.controller_manager is None


def test_another_user_has_a_certificate_of_the_authority(tools: Toolbox) -> None:
    with ControlPlane(tools=tools) as plane:
        path = plane.user_kubeconfig("jane", ["devs", "ops"])
        assert path == plane.user_kubeconfig("jane", ["devs", "ops"])
        assert path != plane.user_kubeconfig("jane")
        user = yaml.safe_load(path.read_text())["users"][0]
        assert user["name"] == "jane"
        pem = base64.b64decode(user["user"]["client-certificate-data"])
        certificate = x509.load_pem_x509_certificate(pem)
        authority = x509.load_pem_x509_certificate(plane.ca.read_bytes())
        certificate.verify_directly_issued_by(authority)
        subject = certificate.subject
        groups = [a.value for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
        assert groups == ["devs", "ops"]
        assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "jane"


def test_kubectl_runs_as_who_is_named(tools: Toolbox) -> None:
    with ControlPlane(tools=tools) as plane:
        done = plane.kubectl("get", "ns", input="from stdin")
        config = str(plane.kubeconfig)
        assert done.stdout.splitlines() == ["get ns", config, "off", "from stdin"]
        done = plane.kubectl("get", "ns", user="jane", groups=["devs"])
        assert done.stdout.splitlines()[1] == str(plane.user_kubeconfig("jane", ["devs"]))


def test_a_failed_kubectl_is_an_error_unless_unchecked(tools: Toolbox) -> None:
    with ControlPlane(tools=tools) as plane:
        with pytest.raises(KubectlError, match="kubectl fail: exit code 3\nno such thing"):
            plane.kubectl("fail")
        assert plane.kubectl("fail", check=False).returncode == 3


def test_a_kubectl_that_hangs_is_ended(tools: Toolbox) -> None:
    with ControlPlane(tools=tools) as plane, pytest.raises(KubectlError, match="not done within"):
        plane.kubectl("hang", timeout=0.3)


def test_namespaces_are_made_with_what_pods_need(tools: Toolbox) -> None:
    with ControlPlane(tools=tools) as plane:
        plane.create_namespace("one")
        plane.delete_namespace("one")
        log = plane.api_server.log.read_text()
    assert '"POST /api/v1/namespaces HTTP/1.1" 201' in log
    assert '"POST /api/v1/namespaces/one/serviceaccounts HTTP/1.1" 201' in log
    assert '"DELETE /api/v1/namespaces/one HTTP/1.1" 200' in log


def test_an_extra_flag_takes_the_place_of_the_default() -> None:
    defaults = ["--authorization-mode=Node,RBAC", "--profiling=false"]
    extra = ["--authorization-mode=AlwaysAllow", "--audit-log-path=x", "--audit-log-path=y"]
    assert merge(defaults, extra) == ["--profiling=false", *extra]
    with pytest.raises(ValueError, match="--name=value"):
        merge(defaults, ["--audit-log-path", "x"])
