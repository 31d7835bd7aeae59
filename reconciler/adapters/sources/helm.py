"""Renders a chart by the real helm."""

import posixpath
import re
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.sources.ciphertext import PROBLEM as ENCRYPTED
from reconciler.adapters.sources.ciphertext import is_encrypted
from reconciler.adapters.sources.document import AliasBudget, DocumentError
from reconciler.adapters.sources.location import check_path, printable
from reconciler.adapters.sources.manifests import Collection, read_documents
from reconciler.adapters.sources.programs import (
    find_program,
    program_identity,
    run_program,
    scalars,
)
from reconciler.adapters.sources.rendering import CHART_NAME, Checkout
from reconciler.adapters.sources.tree import Entry, EntryKind, Tree, below
from reconciler.core.desired import SourceLocation
from reconciler.core.errors import ConfigError

_SOURCE = re.compile(rb"^# Source: ([^\r\n]+)", re.MULTILINE)
#: RFC 1123, as helm checks releases' names.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,51}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class HelmRenderer:
    """See `rendering.Renderer`. Hooks and tests are left out; charts it needs must be vendored.

    Attributes:
        program: helm, by name or path; None for the one on PATH.
        environ: This process's environment, for PATH alone.
        values: Values files, from the chart's folder or from the repository's top.
        release: The release's name; empty for the chart's own.
        namespace: The release's namespace.
        kube_version: The Kubernetes version that charts are told of; empty for helm's own idea.
    """

    program: str | None
    environ: Mapping[str, str] = field(repr=False)
    values: tuple[str, ...] = ()
    release: str = ""
    namespace: str = "default"
    kube_version: str = ""

    def identity(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives the digests of the chart and of the values files, and all options."""
        identities = [tree.identity(each) for each in (path, *self.values_in(tree, path))]
        if not all(identities):
            return ()
        options = (*self.values, self.release, self.namespace, self.kube_version)
        return ("helm", path, *identities, *options, program_identity(self._find()))

    def inputs(self, tree: Tree, path: str, into: Collection) -> Sequence[Entry]:
        """Gives the chart's files and the values files."""
        entries = {entry.path: entry for entry in tree.entries(path)}
        for each in self.values_in(tree, path):
            entries.update((entry.path, entry) for entry in tree.entries(each))
        return list(entries.values())

    def render(self, tree: Tree, path: str, into: Collection) -> None:
        """Adds what helm makes of the chart, each object with its template."""
        program = self._find()
        self._check()
        values = self.values_in(tree, path)
        entries = {entry.path: entry for entry in self.inputs(tree, path, into)}
        chart = _Chart.read(tree, entries, path, into)
        into.raise_problems()
        with tempfile.TemporaryDirectory(prefix="plumbline-") as name:
            folder, home = Path(name, "tree"), Path(name, "home")
            for place in (folder / path, home):
                place.mkdir(mode=0o700, parents=True)
            checkout = Checkout(folder, tree, into)
            checkout.write(list(entries.values()))
            checkout.refuse_escapes()
            into.raise_problems()
            secrets = set[str]()
            for each in (*values, below(path, "values.yaml")):
                if (folder / each).is_file():
                    content = (folder / each).read_bytes()
                    secrets |= scalars(content)
                    if is_encrypted(each, content):
                        into.problem(each, 0, *ENCRYPTED)
            into.raise_problems()
            output = run_program(
                [program, *self._arguments(folder, path, values, chart)],
                home=home,
                what=f"chart {path or '.'} can't be rendered",
                output_limit=into.limits.total,
                secrets=secrets,
            )
            into.read(output, _locator(output, path, chart.name))

    def _arguments(
        self, folder: Path, path: str, values: tuple[str, ...], chart: "_Chart"
    ) -> list[str]:
        release = self.release or re.sub(r"[^a-z0-9-]", "-", chart.name.lower())[:53].strip("-")
        arguments = ["template", release, str(folder / path), "--namespace", self.namespace,
                     "--include-crds", "--no-hooks", "--skip-tests"]  # fmt: skip
        for each in values:
            arguments += ["--values", str(folder / each)]
        if self.kube_version:
            arguments += ["--kube-version", self.kube_version]
        return arguments

    def _check(self) -> None:
        for name, value in (("release", self.release), ("namespace", self.namespace)):
            if value and not _NAME.match(value):
                raise ConfigError(
                    f"helm {name} {printable(value)} isn't a name", fix="use a-z, 0-9 and -"
                )
        if self.kube_version and not re.match(r"v?[0-9][0-9A-Za-z.+-]*\Z", self.kube_version):
            raise ConfigError(
                f"helm kube version {printable(self.kube_version)} isn't a version",
                fix="write it as v1.33.0",
            )

    def values_in(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Finds the values files; one of the chart goes before one of the repository's top."""
        return tuple(_values_file(tree, path, check_path(each, "values")) for each in self.values)

    def _find(self) -> str:
        return find_program(("helm",), self.program, self.environ, "a chart needs it")


def _values_file(tree: Tree, path: str, name: str) -> str:
    for candidate in (below(path, name), name):
        folder, _, last = candidate.rpartition("/")
        try:
            if last in tree.names(folder):
                return candidate
        except ConfigError:
            continue
    raise ConfigError(
        f"values file {printable(name)} is neither in chart {path or '.'} nor in the repository",
        fix="name it from the chart's folder, or from the repository's top",
    )


@dataclass(frozen=True, slots=True)
class _Chart:
    name: str

    @classmethod
    def read(
        cls, tree: Tree, entries: Mapping[str, Entry], path: str, into: Collection
    ) -> "_Chart":
        """Reads Chart.yaml, and makes problems of charts that it needs and that aren't there."""
        file = below(path, CHART_NAME)
        entry = entries.get(file)
        if entry is None or entry.kind is not EntryKind.FILE or entry.size > into.limits.file:
            into.problem(file, 0, "this is not a regular file", "commit a regular Chart.yaml")
            return cls("")
        (content,) = tree.read([entry])
        try:
            documents = read_documents(content, AliasBudget())
        except DocumentError as error:
            into.problem(file, error.line, error.message, error.fix)
            return cls("")
        value = documents[0].value if documents else None
        name = value.get("name") if isinstance(value, dict) else None
        if not isinstance(name, str) or not name:
            into.problem(file, 1, "the chart has no name", "give it one")
            return cls("")
        dependencies = value.get("dependencies") if isinstance(value, dict) else None
        for each in dependencies if isinstance(dependencies, list) else ():
            needed = each.get("name") if isinstance(each, dict) else None
            if isinstance(needed, str) and not _is_vendored(entries, path, needed):
                into.problem(
                    file,
                    1,
                    f"the chart needs {printable(needed, 60)}, which isn't in its charts/ folder",
                    "run `helm dependency update` and commit charts/: nothing is fetched, since "
                    "no revision here would pin it",
                )
        return cls(name)


def _is_vendored(entries: Mapping[str, Entry], path: str, name: str) -> bool:
    folder = below(path, "charts")
    return any(
        entry.startswith((f"{folder}/{name}/", f"{folder}/{name}-"))
        or entry == f"{folder}/{name}.tgz"
        for entry in entries
    )


def _locator(output: bytes, path: str, chart: str) -> Callable[[int], SourceLocation]:
    """Reads helm's `# Source:` comments, which stand before each object."""
    lines: list[int] = []
    places: list[str] = []
    line, before = 1, 0
    for matched in _SOURCE.finditer(output):
        line += output.count(b"\n", before, matched.start())
        before = matched.start()
        name = matched[1].decode(errors="replace").strip().removeprefix(f"{chart}/")
        lines.append(line)
        places.append(posixpath.normpath(below(path, name)))

    def locate(at: int) -> SourceLocation:
        index = bisect_right(lines, at) - 1
        return SourceLocation(places[index] if index >= 0 else below(path, CHART_NAME))

    return locate
