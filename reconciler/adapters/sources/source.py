"""The desired side: pins a revision, renders its manifests, and keeps what was rendered."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.sources.folder import FolderTree
from reconciler.adapters.sources.git import Git, failure
from reconciler.adapters.sources.gittree import GitTree
from reconciler.adapters.sources.kept import (
    Kept,
    RenderedCache,
    Renderings,
    body_digest,
    digest,
    digest_of,
)
from reconciler.adapters.sources.location import (
    LocalFolder,
    RemoteUrl,
    check_path,
    check_ref,
    locate,
)
from reconciler.adapters.sources.manifests import Collection, Limits
from reconciler.adapters.sources.plain import PlainRenderer
from reconciler.adapters.sources.rendering import RenderChoice, Renderer, choose, nothing_found
from reconciler.adapters.sources.tree import Tree
from reconciler.adapters.sources.worktree import describe_changes
from reconciler.core.desired import Rendered
from reconciler.core.errors import ConfigError, ManifestError, UnverifiedError

if TYPE_CHECKING:
    from reconciler.adapters.sources.draft import SourceDraft
    from reconciler.adapters.sources.sops import Sops
    from reconciler.adapters.sources.verifying import Verification


@dataclass(frozen=True, slots=True)
class _Opened:
    """A tree at its pinned revision.

    Attributes:
        tree: The files.
        revision: The commit; empty for a plain folder.
        notes: Says what a reader should know; asked once everything else is done.
    """

    tree: Tree
    revision: str
    notes: Callable[[], tuple[str, ...]] = tuple


@dataclass(frozen=True, slots=True)
class GitSource:
    """See `ports.Source`.

    Attributes:
        repo: A URL (https, http, ssh, git, file), `git@host:path`, or a folder. A folder without
            .git is read as it is, if no ref is asked for.
        ref: Branch, tag or commit; empty for the default branch, or for what is checked out.
        path: A folder or file in it; empty for all of it.
        render: Which renderer.
        cache: A folder of this user's own, for clones and rendered manifests; 0700.
        values: Values files of a Helm chart, from its folder or from the repository's top.
        release: A chart's release; empty for the chart's own name.
        namespace: Gives a chart's namespace; asked for only where a chart is rendered.
        kube_version: Which Kubernetes a chart is told of; empty for helm's own idea.
        kustomize: kustomize or kubectl, by name or path; None for whichever is on PATH.
        helm: helm, by name or path; None for the one on PATH.
        credential_helper: As git's `credential.helper`; none is used unless named here.
        environ: This process's environment. Programs are found by its PATH; git gets what
            `git.KEPT_VARIABLES` names, the renderers nothing.
        limits: How much the desired side may hold.
        renderings: Where rendered manifests are kept; None for files in the cache.
        verification: What a commit must have to be acted on; None for nothing.
        sops: Decrypts what is encrypted; None where nothing does.
    """

    repo: str = field(repr=False)
    ref: str
    path: str
    render: RenderChoice
    cache: Path
    values: tuple[str, ...] = ()
    release: str = ""
    namespace: Callable[[], str] = lambda: "default"
    kube_version: str = ""
    kustomize: str | None = None
    helm: str | None = None
    credential_helper: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Limits = field(default_factory=Limits)
    renderings: Renderings | None = field(default=None, repr=False)
    verification: "Verification | None" = field(default=None, repr=False)
    sops: "Sops | None" = None

    def fetch(self) -> Rendered:
        """Pins the revision and renders its manifests.

        Raises:
            SourceError: The repository or a renderer couldn't be reached or read.
            ManifestError: What it holds can't be taken as a desired state.
            ConfigError: The path, the ref or the renderer asked for isn't there.
            UnverifiedError: The commit may not be acted on.
        """
        path = check_path(self.path)
        since = self.verification.since() if self.verification is not None else ""
        with self._opened(path, since) as opened:
            self._accept(opened.tree, since)
            choice = choose(self.render, opened.tree.names(path), path)
            if self.values and choice is not RenderChoice.HELM:
                raise ConfigError(
                    f"values files are given, but {path or '.'} is read as {choice}",
                    fix="leave them out, or point --path at a Helm chart",
                )
            kept = self._rendered(opened.tree, path, choice)
            notes = opened.notes()
        revision = opened.revision or f"sha256:{kept.digest}"
        return Rendered(revision, kept.manifests, (*notes, *kept.notes))

    def renderer(self) -> RenderChoice:
        """Says how the manifests are made; found out where that was left open.

        Raises:
            SourceError: The repository couldn't be reached or read.
            ConfigError: The path, the ref or the renderer asked for isn't there.
        """
        path = check_path(self.path)
        with self._opened(path) as opened:
            return choose(self.render, opened.tree.names(path), path)

    @contextmanager
    def draft(self, revision: str) -> "Iterator[SourceDraft]":
        """Opens the files of a revision that was fetched, to try edits on.

        Args:
            revision: As `fetch` gave it: a commit, or a plain folder's digest.

        Raises:
            SourceError: The repository couldn't be reached or read.
            ConfigError: The path, the revision or the renderer asked for isn't there.
        """
        from reconciler.adapters.sources.draft import SourceDraft
        from reconciler.ports import Making

        path = check_path(self.path)
        pinned = self if revision.startswith("sha256:") else replace(self, ref=revision)
        with pinned._opened(path) as opened:
            choice = choose(self.render, opened.tree.names(path), path)
            renderer = self._renderer(choice, traces=False)
            values = renderer.values_in(opened.tree, path)
            yield SourceDraft(
                opened.tree, path, Making(choice.value), renderer, self.limits, values
            )

    def _accept(self, tree: Tree, since: str) -> None:
        """Refuses a commit that may not be acted on, before anything of it is read."""
        if self.verification is None:
            return
        if not isinstance(tree, GitTree):
            raise UnverifiedError(
                "what is no commit can't be signed, and source.verify asks for that",
                fix="name a Git repository",
            )
        self.verification.accept(tree, since)

    def _rendered(self, tree: Tree, path: str, choice: RenderChoice) -> Kept:
        renderer = self._renderer(choice)
        cache = self.renderings or RenderedCache(self.cache / "rendered")
        identity = renderer.identity(tree, path)
        kept = cache.load(identity) if identity else None
        if kept is not None:
            return kept
        into = Collection(self.limits)
        renderer.render(tree, path, into)
        into.raise_problems()
        if not into.manifests:
            raise ManifestError(nothing_found(path, choice))
        # As they will come out of the cache: who keeps answers by a digest must find them again.
        manifests = tuple(replace(m, digest=body_digest(m.body)) for m in into.manifests)
        # A revision is shown, and plain text could be tried against its digest: not so files'.
        named = digest_of(identity) if into.private else digest(manifests)
        kept = Kept(manifests, tuple(into.notes), named)
        (cache.hold if into.private else cache.save)(identity, kept)
        return kept

    def _renderer(self, choice: RenderChoice, *, traces: bool = True) -> Renderer:
        renderer = self._plain_renderer(choice, traces=traces)
        if self.sops is None:
            return renderer
        from reconciler.adapters.sources.decrypting import Decrypting

        return Decrypting(renderer, self.sops, choice is not RenderChoice.PLAIN)

    def _plain_renderer(self, choice: RenderChoice, *, traces: bool) -> Renderer:
        # Late imports: start-up time counts, and most runs need one renderer and no network.
        if choice is RenderChoice.KUSTOMIZE:
            from reconciler.adapters.sources.kustomize import KustomizeRenderer

            return KustomizeRenderer(self.kustomize, self.environ, traces)
        if choice is RenderChoice.HELM:
            from reconciler.adapters.sources.helm import HelmRenderer

            return HelmRenderer(
                self.helm,
                self.environ,
                self.values,
                self.release,
                self.namespace(),
                self.kube_version,
            )
        return PlainRenderer()

    @contextmanager
    def _opened(self, path: str, since: str = "") -> Iterator[_Opened]:
        git = Git(self.environ)
        ref = check_ref(self.ref)
        place = locate(self.repo)
        if isinstance(place, RemoteUrl):
            from reconciler.adapters.sources.clone import Clone, credentials

            git = replace(git, settings=credentials(place, self.credential_helper))
            with Clone(git, place, self.cache / "repos", since).pinned(ref) as tree:
                yield _Opened(tree, tree.commit)
            return
        folder = place.path
        if not folder.is_dir():
            raise ConfigError(
                f"--repo {folder} isn't a folder",
                fix="check --repo; a single file is named with --path",
            )
        if not place.is_url and not ref and not _is_repository(folder):
            yield _Opened(
                FolderTree(folder, self.limits.file, self.limits.total),
                "",
                lambda: (f"{folder} is not a Git repository: its files are read as they are",),
            )
            return
        # Git looks through the work tree meanwhile: what it finds there only makes a note.
        with ThreadPoolExecutor(1, "work-tree") as pool:
            asks = not ref and not place.is_url
            changes = pool.submit(describe_changes, git, folder, path) if asks else None
            tree = _local(git, place, ref)
            yield _Opened(tree, tree.commit, changes.result if changes else tuple)


def _is_repository(folder: Path) -> bool:
    """Whether a folder is a work tree's top, or a bare repository."""
    if os.path.lexists(folder / ".git"):
        return True
    return all((folder / name).exists() for name in ("HEAD", "objects", "refs"))


def _local(git: Git, place: LocalFolder, ref: str) -> GitTree:
    """Pins a ref of a repository on this machine."""
    folder = place.path.absolute()
    if not _is_repository(folder):
        raise ConfigError(
            f"--repo {folder} is not a Git repository's top folder",
            fix="name the folder that holds .git, and the folder below it with --path; or leave "
            "--ref out, to read files that aren't in Git",
        )
    answer = git.ask(
        ["rev-parse", "--verify", "--end-of-options", f"{ref or 'HEAD'}^{{commit}}"],
        folder=folder,
        ceiling=folder.parent,
    )
    if answer.code != 0:
        if b"not a git repository" in answer.stderr or b"repository format" in answer.stderr:
            raise failure(f"--repo {folder} can't be read", answer)
        raise ConfigError(
            f"--ref {ref or 'HEAD'} is no branch, tag or commit of {folder}",
            fix="check --ref; a branch that is only on the server is called origin/…"
            if ref
            else "make a first commit",
        )
    if b"is ambiguous" in answer.stderr:
        raise ConfigError(
            f"--ref {ref} is both a branch and a tag in {folder}",
            fix=f"write refs/heads/{ref} or refs/tags/{ref}",
        )
    return GitTree(git, folder, answer.stdout.decode().strip())
