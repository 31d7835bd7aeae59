"""What was done in the containers of a real node is found, with path, process and pod."""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.node import Node
from tests.tools.node.images import write_busybox
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("node")

_IMAGE = "localhost/watched:1"
_NAMESPACE = "watched"
_FILES = {
    "etc/app.conf": "colour=blue\nsize=3\n",
    "etc/doomed": "x\n",
    "usr/lib/libapp.so": "as built\n",
    "usr/share/keep": "kept\n",
    "usr/share/same": "the same\n",
}
_LOADER = Path("/lib64/ld-linux-x86-64.so.2")
#: Joins a container's mounts, and runs a program that only ever was in memory.
_ENTER = """
import ctypes, os, sys
program = os.memfd_create("x")
os.write(program, open("/bin/busybox", "rb").read())
mounts = os.open(f"/proc/{sys.argv[1]}/ns/mnt", os.O_RDONLY)
assert ctypes.CDLL(None).setns(mounts, 0) == 0
os.execve(program, ["sleep", "7006"], {})
"""


def libraries(program: str) -> dict[str, Path]:
    """Gives what a program of this machine loads, by the path that it looks at."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return {path.lstrip("/"): Path(path) for path in re.findall(r"(/\S+) \(0x", told)}


@pytest.fixture(scope="module")
def pods(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Two pods of one image: one to be tampered with, one that only does what it is for."""
    folder = tmp_path_factory.mktemp("watched")
    programs = {"usr/bin/nap": Path("/bin/sleep"), **libraries("/bin/sleep")}
    tar = write_busybox(folder / "watched.tar", _IMAGE, files=_FILES, programs=programs)
    node.import_image(tar)
    node.plane.create_namespace(_NAMESPACE)
    for name in ("web", "quiet"):
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(_pod(name)), encoding="utf-8")
        # The service account comes a moment after its namespace.
        until(
            lambda file=file: (  # type: ignore[misc]
                node.plane.kubectl("apply", "-f", str(file), check=False).returncode == 0
            ),
            "the pod is made",
        )
    words = ("wait", "pod", "--all", "-n", _NAMESPACE, "--for=condition=Ready", "--timeout=90s")
    node.plane.kubectl(*words)
    yield node
    node.plane.kubectl("delete", "namespace", _NAMESPACE, "--wait=false")


def _pod(name: str) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": _IMAGE,
        "imagePullPolicy": "Never",
        "ports": [{"containerPort": 8080}],
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        "livenessProbe": {"exec": {"command": ["/bin/sleep", "0.7"]}, "periodSeconds": 1},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": _NAMESPACE},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    }


def inside(node: Node, script: str) -> None:
    """Does something in the pod that is tampered with."""
    node.plane.kubectl("exec", "-n", _NAMESPACE, "web", "--", "sh", "-c", script)


def look(node: Node, folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Runs the command; gives its exit code and what it says."""
    pods = node.plane.kubectl("get", "pods", "-A", "-o", "json").stdout
    (folder / "pods.json").write_text(pods, encoding="utf-8")
    argv = [str(Path(sys.executable).parent / "plumbline"), "containers", "--node-local"]
    argv += ["-n", _NAMESPACE, "-o", "json", "--pods", str(folder / "pods.json"), *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def of_type(report: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [drift for drift in report["drifts"] if drift["type"] == kind]


def test_pods_that_only_work_are_as_their_images_say(pods: Node, tmp_path: Path) -> None:
    code, report = look(pods, tmp_path)
    assert report["drifts"] == []
    assert code == 0
    ours = [each for each in report["containers"] if each["container"]["container"] == "app"]
    assert {each["container"]["pod"] for each in ours} == {"web", "quiet"}
    assert {each["container"]["image"] for each in ours} == {_IMAGE}
    assert all("/bin/sh" in each["shells"] for each in ours)
    assert all(each["container"]["imageDigest"].startswith("sha256:") for each in ours)
    scratch = {"path": "/scratch", "source": "emptyDir scratch", "writable": True}
    assert all(scratch in each["outside"] for each in ours)


def test_what_was_done_is_found_with_path_process_and_pod(pods: Node, tmp_path: Path) -> None:
    quietly = ">/dev/null 2>&1 &"
    inside(
        pods,
        f"""
        mkdir /opt /opt/x; cp /bin/busybox /opt/x/sleep; (/opt/x/sleep 7001 {quietly})
        echo evil > /usr/lib/libapp.so; rm /etc/doomed; chmod 4755 /usr/share/keep
        echo token=s3cret >> /etc/app.conf
        rm /usr/share/same; echo 'the same' > /usr/share/same
        cp /bin/busybox /scratch/sleep; (/scratch/sleep 7002 {quietly})
        echo 'sleep 7003' > /tmp/s; (sh /tmp/s {quietly})
        cp /bin/busybox /opt/sleep; (/opt/sleep 7004 {quietly}); sleep 0.3; rm /opt/sleep
        cp /usr/bin/nap /opt/nap; chmod 644 /opt/nap; ({_LOADER} /opt/nap 7005 {quietly})
        (httpd -f -p 9999 -h /tmp {quietly}); echo log > /tmp/noise
        """,
    )
    argv = ["kubectl", "exec", "-n", _NAMESPACE, "web", "--", "/bin/sleep", "7007"]
    argv = [str(pods.plane.kubectl_path), f"--kubeconfig={pods.plane.kubeconfig}", *argv[1:]]
    session = subprocess.Popen(argv)
    try:
        until(lambda: "7007" in _commands(), "the session is there")
        entered = _enter(_first_process())
        until(lambda: "sleep 7006" in _commands(), "it runs")
        code, report = look(pods, tmp_path)
        evidence = kept_evidence(tmp_path)
        entered.kill()
        entered.wait()
    finally:
        session.kill()
        session.wait()
    assert code == 1
    assert {drift["resource"]["name"] for drift in report["drifts"]} == {"web"}
    assert {drift["container"]["container"] for drift in report["drifts"]} == {"app"}

    files = {drift["path"]: drift for drift in of_type(report, "File")}
    assert {(path, each["change"], each["severity"]) for path, each in files.items()} == {
        ("/opt", "added", "low"),
        ("/opt/x", "added", "low"),
        ("/opt/x/sleep", "added", "high"),
        ("/opt/nap", "added", "low"),
        ("/usr/lib/libapp.so", "changed", "high"),
        ("/usr/share/keep", "changed", "high"),
        ("/etc/doomed", "removed", "medium"),
        ("/etc/app.conf", "changed", "medium"),
    }
    assert files["/usr/share/keep"]["now"]["mode"] == "4755"
    assert "+token=***" in files["/etc/app.conf"]["textDiff"]
    assert "s3cret" not in json.dumps(report)

    # containerd says the same, but for what is the same again, mount points and what is expected.
    (container,) = {drift["container"]["containerId"] for drift in report["drifts"]}
    assert set(files) == _as_containerd_says(pods.snapshot_diff(container))

    processes = {each["command"][-1]: each for each in of_type(report, "Process")}
    assert {(last, each["origin"], each["executable"]) for last, each in processes.items()} == {
        ("7001", "added", "/opt/x/sleep"),
        ("7002", "volume", "/scratch/sleep"),
        ("/tmp/s", "script", "/bin/busybox"),
        ("7004", "deleted", "/opt/sleep"),
        ("7005", "loader", str(_LOADER)),
        ("7006", "memory", "/memfd:x"),
    }
    assert processes["7005"]["code"] == "/opt/nap"
    assert processes["7002"]["note"] == "on emptyDir scratch"
    sessions = {each["command"][-1]: each["verb"] for each in of_type(report, "Session")}
    assert sessions == {"7007": "exec", "7006": "enter"}
    assert [(each["port"], each["protocol"]) for each in of_type(report, "Port")] == [(9999, "TCP")]

    by_path = {each["path"]: each["sha256"] for each in evidence["contents"]}
    assert by_path["/opt/x/sleep"] == by_path["/memfd:x"] == by_path["/opt/sleep"]
    assert by_path.keys() >= {"/usr/lib/libapp.so", "/etc/app.conf", "/scratch/sleep", "/tmp/s"}
    assert evidence["blobs"][by_path["/tmp/s"]] == b"sleep 7003\n"
    assert ["sleep", "7006"] in [each["command"] for each in evidence["processes"]]
    assert evidence["left"] == []


def kept_evidence(folder: Path) -> dict[str, Any]:
    """Has the evidence of the pod kept; gives what the archive says, and its blobs."""
    argv = [str(Path(sys.executable).parent / "plumbline"), "containers", "--node-local"]
    argv += ["-n", _NAMESPACE, "--pod", "web", "--evidence", str(folder / "evidence")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    (file,) = (folder / "evidence").iterdir()
    assert str(file) in done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name.removesuffix(".tar.gz")
    with tarfile.open(file) as tar:
        held = {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]
    said: dict[str, Any] = json.loads(held.pop("evidence.json"))
    said["blobs"] = {name.rpartition("/")[2]: content for name, content in held.items()}
    assert all(hashlib.sha256(each).hexdigest() == name for name, each in said["blobs"].items())
    return said


def _as_containerd_says(diff: Path) -> set[str]:
    with tarfile.open(diff) as tar:
        names = {f"/{member.name}".rstrip("/") for member in tar}
    points = {
        "/etc/hostname",
        "/etc/hosts",
        "/etc/resolv.conf",
        "/dev",
        "/proc",
        "/sys",
        "/scratch",
    }
    above = {"/usr", "/usr/lib", "/usr/share", "/etc", "/tmp"}
    told = {name for name in names if not name.startswith(("/tmp/", "/var"))}
    return {name.replace(".wh.", "") for name in told - points - above} - {"/usr/share/same"}


def _commands() -> str:
    return " ".join(map(_command, _pids()))


def _pids() -> list[str]:
    return [each.name for each in Path("/proc").iterdir() if each.name.isdecimal()]


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _first_process() -> str:
    """Gives the number of the first process of the container that is tampered with."""
    return next(
        Path(f"/proc/{pid}/status").read_text().partition("PPid:\t")[2].split()[0]
        for pid in _pids()
        if _command(pid).startswith("/opt/x/sleep 7001")
    )


def _enter(pid: str) -> "subprocess.Popen[bytes]":
    """Enters the container from the machine, and runs what only is in memory."""
    return subprocess.Popen([sys.executable, "-c", _ENTER, pid])
