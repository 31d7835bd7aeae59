"""How many edits by hand each tool finds, where, and laid to whom; and whether they are undone."""

import argparse
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.application import (
    KINDS,
    SERVER_SIDE,
    ObjectName,
    apply_folder,
    copy_manifests,
    live_objects,
)
from tests.benchmarks.hand_edits import DoneEdit, make_edits
from tests.benchmarks.judgement import Judgement, drifts_by_object, judge
from tests.benchmarks.machine import machine_line
from tests.benchmarks.measure import table
from tests.benchmarks.plumbline import Plumbline
from tests.benchmarks.resource_edits import OTHER_EDITS
from tests.benchmarks.settling import settle
from tests.benchmarks.workload import commit
from tests.benchmarks.workload_edits import WORKLOAD_EDITS
from tests.tools.controlplane import ControlPlane

ALL_EDITS = (*WORKLOAD_EDITS, *OTHER_EDITS)
_DIFF_LINE = re.compile(r"^diff \S+ \S+ \S*/LIVE-\d+/(\S+) ", re.M)
_HEADS = ("+++", "---")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this measurement's flags."""
    parser.add_argument(
        "--manifests",
        type=Path,
        default=KINDS,
        metavar="DIR",
        help="a folder of manifests for kubectl (default: an application of every kind)",
    )
    parser.add_argument("--edits", type=int, default=60, help="how many objects to edit")
    parser.add_argument(
        "--apply",
        choices=("client-side", "server-side"),
        default="client-side",
        help="how kubectl applies the manifests",
    )
    parser.add_argument("--seed", type=int, default=1, help="which edits")


@dataclass(slots=True)
class Score:
    """What was found by whom."""

    objects: int
    refused: list[str]
    edits: list[DoneEdit] = field(default_factory=list)
    kubectl: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)
    cold: Judgement | None = None
    before: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def run(options: argparse.Namespace) -> int:
    """Measures, prints, and says by the exit code whether anything was missed."""
    with ControlPlane() as plane:
        plane.start_controller_manager()
        line = machine_line(plane)
        with _repository(options.manifests) as (repo, home):
            score = _play(plane, repo, home, options)
    print(_markdown(score, options, line))
    perfect = score.cold is not None and not (
        score.cold.misses or score.cold.false or score.before or score.left
    )
    return 0 if perfect else 1


@contextmanager
def _repository(manifests: Path) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="plumbline-edits-") as folder:
        repo = Path(folder, "repo")
        copy_manifests(manifests, repo)
        commit(repo)
        yield repo, Path(folder, "home")


def _play(plane: ControlPlane, repo: Path, home: Path, options: argparse.Namespace) -> Score:
    refused = apply_folder(plane, repo, *(SERVER_SIDE if options.apply == "server-side" else ()))
    settle(plane)
    live = live_objects(plane, repo)
    score = Score(len(live), refused)
    plumbline = Plumbline(repo, plane.kubeconfig, home)
    ways: dict[str, Sequence[str]] = {
        "`kubectl diff`": (),
        "`kubectl diff --server-side`": SERVER_SIDE,
    }
    noise = {name: kubectl_diff(plane, repo, words) for name, words in ways.items()}
    # What was never live (the cluster refused it) is missing, and rightly told as that.
    before = drifts_by_object(plumbline.check())
    for identity, drift in before.items():
        paths = ", ".join(change["path"] for change in drift.get("changes") or ())
        if any(identity == name.identity for name in live):
            text = f"{ObjectName.of(drift['resource'])}: {drift['type']} {paths}"
            score.before.append(f"{text} {drift.get('note', '')}".strip())
    score.edits = make_edits(plane, live, ALL_EDITS, options.edits, options.seed)
    edited = {edit.target.diff_file for edit in score.edits}
    for name, words in ways.items():
        told = kubectl_diff(plane, repo, words)
        score.kubectl[name] = (told & edited, (told - edited) | noise[name])
    known = frozenset(before)
    score.cold = judge(plumbline.check(), score.edits, known)
    restored = plumbline.restore()
    score.outcomes = [
        f"{each['resource']['kind']} {each['resource']['name']}: {each['type']} {each['reason']}"
        for each in restored["outcomes"]
        if each["type"] != "restored"
    ]
    left = drifts_by_object(plumbline.check())
    score.left = [
        f"{ObjectName.of(drift['resource'])}: {drift['type']} "
        f"{', '.join(c['path'] for c in drift.get('changes') or ())} {drift.get('note', '')}"
        for identity, drift in left.items()
        if identity not in known
    ]
    return score


def kubectl_diff(plane: ControlPlane, repo: Path, words: Sequence[str]) -> set[str]:
    """Gives the names of the files in which `kubectl diff` shows a difference."""
    done = plane.kubectl("diff", "-R", "-f", str(repo), *words, check=False, timeout=900)
    parts = _DIFF_LINE.split(done.stdout)
    return {name for name, text in zip(parts[1::2], parts[2::2], strict=True) if _matters(text)}


def _matters(text: str) -> bool:
    """Whether a difference is more than kubectl's own record of what it applied, spelt anew.

    To kubectl's favour: of an object that was applied client-side, its server-side difference
    always shows that record, and a next generation.
    """
    changed = [line for line in text.splitlines() if line[:1] in "+-" and line[:3] not in _HEADS]
    return any(not line[1:].lstrip().startswith(('{"', "generation:")) for line in changed)


def _markdown(score: Score, options: argparse.Namespace, machine: str) -> str:
    judged = score.cold
    assert judged is not None
    total = len(score.edits)
    rows = [
        [name, f"{len(found)} of {total}", "", "", str(len(false))]
        for name, (found, false) in score.kubectl.items()
    ]
    rows.append(
        [
            "`plumbline check`",
            f"{judged.found} of {total}",
            f"{judged.exact} of {total}",
            f"{judged.attributed} of {total}",
            str(len(judged.false) + len(score.before)),
        ]
    )
    heads = ("", "found", "exactly", "by the right manager", "false")
    kinds = len({edit.kind for edit in score.edits})
    restored = total - len(score.left)
    where = f"{options.manifests.name}, applied {options.apply}, seed {options.seed}"
    lines = [
        f"{total} edits of {kinds} kinds by hand, each of another of {score.objects} live objects",
        f"({where}).",
        "",
        table(heads, rows),
        "",
        f"After `plumbline restore --yes`: {restored} of {total} as declared.",
        machine,
    ]
    for head, items in (
        ("Missed", judged.misses),
        ("Reported before any edit", score.before),
        ("Reported though not edited", judged.false),
        ("Not restored", score.left),
        ("Outcomes of these", score.outcomes if score.left else ()),
        ("kubectl could not apply", score.refused),
    ):
        lines += ["", f"{head}:", *(f"- {item}" for item in items)] if items else []
    return "\n".join(lines)
