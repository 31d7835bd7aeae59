"""`plumbline run` tells a collector of each cycle, and of nothing where none is named."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget
from tests.tools.running import ROOT, Controller, until
from tests.unit.test_tracing import Collector
from tests.unit.test_tracing import collector as collector  # the fixture

_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {colour: blue}
"""


@pytest.fixture
def target(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[RealTarget]:
    made = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    made.make("one.yaml", _CONFIG)
    yield made


def test_a_restore_is_one_trace_in_order_with_its_drift_and_no_value(
    target: RealTarget, collector: Collector, tmp_path: Path
) -> None:
    (space,) = target.namespaces
    wanted = {
        "name": "shop",
        "source": {"repo": str(target.repo)},
        "namespace": space,
        "scope": {"namespaces": [space]},
        "mode": "restore",
    }
    headers = tmp_path / "headers"
    headers.write_text("Authorization: Bearer t0ken\n", encoding="utf-8")
    more = {"traces": {"endpoint": collector.url, "headers_file": str(headers)}}
    plane = target.plane
    with Controller(tmp_path / "controller", plane.kubeconfig, [wanted], more) as controller:
        controller.await_ready()
        target.patch("configmap/one", {"data": {"colour": "crimson"}})
        until(lambda: "gone" in controller.lives("one"), lambda: controller.log)
        (drift,) = {each["drift"] for each in controller.history("--object", "ConfigMap/one")}
        # What isn't sent yet is sent in the end.
        assert controller.terminate() == 0
    (write,) = [span for span in collector.spans if span.name == "replace"]
    trace = [span for span in collector.spans if span.trace_id == write.trace_id]
    (root,) = [span for span in trace if span.name == "cycle"]
    assert all(root.start_time_unix_nano <= each.start_time_unix_nano for each in trace)
    assert all(each.end_time_unix_nano <= root.end_time_unix_nano for each in trace)
    compared = sorted(s.start_time_unix_nano for s in trace if s.name == "compare")
    assert compared[0] < write.start_time_unix_nano < compared[-1]
    (about,) = [each for each in collector.named("cycle") if each.get("plumbline.drifts")]
    assert about["plumbline.drifts"] == [drift]
    assert about["plumbline.target"] == "shop"
    assert set(collector.tokens) == {"Bearer t0ken"}
    assert "crimson" not in str(collector.spans)
    assert "t0ken" not in controller.log


def test_nothing_of_opentelemetry_is_imported_where_no_collector_is_named(
    target: RealTarget, tmp_path: Path
) -> None:
    program = (
        "import sys\n"
        "from reconciler.service import build\n"
        "from reconciler.settings import ClusterSettings, ServeSettings, Settings\n"
        "cluster = ClusterSettings(kubeconfig=sys.argv[1])\n"
        "folders = {'cache_dir': sys.argv[2], 'state_dir': sys.argv[2]}\n"
        "build(Settings(cluster=cluster, serve=ServeSettings(''), **folders), ()).stack.close()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    words = [sys.executable, "-c", program, str(target.plane.kubeconfig), str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
