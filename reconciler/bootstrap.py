"""Composition root: settings become a target with real adapters. Knows every adapter."""

import hashlib
import sys
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reconciler.adapters.sources.begun import Begun
from reconciler.adapters.sources.rendering import RenderChoice
from reconciler.adapters.sources.source import GitSource
from reconciler.builtin import builtin_rules, bundled_schema, transient_kinds
from reconciler.ignoring import ignore_rules
from reconciler.memory import cache_folder, memory_of, shared_memory_of, sops_of, verification_of
from reconciler.settings import Settings, TargetSettings, surroundings

if TYPE_CHECKING:
    from reconciler.adapters.cluster.cluster import KubeCluster
    from reconciler.adapters.cluster.dump import DumpLive
    from reconciler.adapters.history.database import DatabaseHistory
    from reconciler.controller import Look, Target
    from reconciler.core.adoption import Adoption
    from reconciler.core.redact import Redaction
    from reconciler.ports import AnswerStore, Comparer, Live, Source
    from reconciler.revisions import Head


@dataclass(frozen=True, slots=True)
class How:
    """How to look, beyond what is configured.

    Attributes:
        dump: A live dump to compare with in place of the cluster: a file, a folder, or `-`.
        offline: Never ask the server by dry runs.
        fresh: Forget what the server once said.
    """

    dump: str | None = None
    offline: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A target with everything that it needs; leaving it closes its connections.

    Attributes:
        target: Ready to be checked.
        cluster: Its cluster; None where it is compared with a dump, which can't be written to.
        is_offline: Whether nothing is asked by dry runs.
    """

    target: "Target"
    cluster: "KubeCluster | None"
    is_offline: bool = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.cluster is not None:
            self.cluster.close()


def open_target(
    settings: Settings,
    target: TargetSettings,
    how: How,
    history: "DatabaseHistory | None" = None,
) -> Opened:
    """Puts a target together, and may begin to read its source. Makes no request to the cluster.

    Args:
        settings: For everything but the target.
        target: Which one.
        how: How to look.
        history: Where it is kept true: what the history knows counts then, as for every other
            replica, and not what is remembered on this machine.

    Raises:
        ConfigError: The kubeconfig, a folder or the history's key isn't as it must be.
        ClusterError: The dump can't be read.
    """
    # Git reads while this process still imports what speaks to the cluster, and finds out where
    # that is: what a chart needs of it is promised. Not where the target is kept true: who stands
    # by for days, and then acts, must not act on what Git said in the beginning.
    namespace: Future[str] = Future()
    opened = open_source(settings, target, namespace.result, history)
    source: Source = Begun(opened) if history is None else _holding(opened)
    try:
        return _open_target(settings, target, how, source, namespace, history)
    finally:
        namespace.cancel()


def _open_target(
    settings: Settings,
    target: TargetSettings,
    how: How,
    source: "Source",
    promised: "Future[str]",
    history: "DatabaseHistory | None",
) -> Opened:
    from reconciler.controller import Target

    cluster = None if how.dump is not None else open_cluster(settings)
    live: Live = cluster if cluster is not None else open_dump(how.dump or "-")
    namespace = target.namespace or (cluster.namespace if cluster else "") or "default"
    promised.set_result(namespace)
    # A dump never tells what is live for long, so its sightings have a file of their own.
    identity = _identity(target, cluster.address if cluster else f"dump:{how.dump}")
    if history is None:
        memory = memory_of(settings, identity)
    else:
        memory = shared_memory_of(settings, target.name, identity, history)
    answers = _answers(cache_folder(settings) / "answers" / f"{identity}.json", how, history)
    offline = how.offline or not settings.cluster.dry_runs
    return Opened(
        Target(
            name=target.name,
            source=source,
            live=live,
            comparer=_comparer(live, None if offline else cluster, answers, memory.redaction),
            namespace=namespace,
            scope=frozenset(target.scope.namespaces),
            rules=(*builtin_rules(), *ignore_rules(target.ignore)),
            transient=transient_kinds(),
            redaction=memory.redaction,
            sightings=memory.sightings,
            inventory=memory.inventory,
            clock=lambda: datetime.now(UTC),
        ),
        cluster,
        cluster is None or offline,
    )


def open_head(settings: Settings, target: TargetSettings, base: Opened) -> "Head":
    """Gives what a pull request would merge into an opened target. Reads nothing yet.

    Args:
        settings: For the programs and folders.
        target: The target at the commit that would be merged.
        base: The target at the commit that is merged by now.
    """
    from reconciler.adapters.history.answers import NoAnswers
    from reconciler.revisions import Head

    made = base.target
    return Head(
        open_source(settings, target, lambda: made.namespace),
        # What is kept tells what was deployed, and the head never was.
        _comparer(
            made.live, None if base.is_offline else base.cluster, NoAnswers(), made.redaction
        ),
    )


def adoption_of(
    settings: Settings,
    target: TargetSettings,
    opened: Opened,
    look: "Look",
    drifts: Collection[str] | None = None,
    how: How | None = None,
) -> "Adoption":
    """Finds the edits by which Git says what is live. Writes nothing; see `adopting.adopt`.

    Args:
        settings: For everything but the target.
        target: What was looked at.
        opened: The same, put together.
        look: What was found.
        drifts: The ids of those to adopt; None for all.
        how: How it was looked at.

    Raises:
        PlumblineError: Git, a renderer or the server can't be asked.
    """
    from reconciler.adapters.history.answers import NoAnswers
    from reconciler.adapters.manifests.editor import TextEditor
    from reconciler.adopting.attempts import adopt

    offline = (how is not None and how.offline) or not settings.cluster.dry_runs
    cluster = None if offline else opened.cluster
    # What is only tried was never declared: no answer about it may be kept.
    comparer = _comparer(opened.target.live, cluster, NoAnswers(), opened.target.redaction)
    source = open_source(settings, target, lambda: opened.target.namespace)
    with source.draft(look.report.revision) as draft:
        return adopt(opened.target, look, drifts, draft, TextEditor(), comparer)


def _comparer(
    live: "Live", cluster: "KubeCluster | None", answers: "AnswerStore", redaction: "Redaction"
) -> "Comparer":
    if cluster is None:
        from reconciler.adapters.comparers.offline import OfflineComparer

        return OfflineComparer(live)
    from reconciler.adapters.comparers.server import ServerComparer

    return ServerComparer(cluster, answers, redaction)


def _answers(file: Path, how: How, history: "DatabaseHistory | None") -> "AnswerStore":
    from reconciler.adapters.history.answers import AnswerFile, HeldAnswers, NoAnswers

    if how.fresh:
        return NoAnswers()
    return AnswerFile(file) if history is None else HeldAnswers(AnswerFile(file))


def _holding(source: GitSource) -> GitSource:
    """Has a source that is read again and again decode only what Git has changed."""
    from reconciler.adapters.sources.kept import HeldRendering, RenderedCache

    return replace(source, renderings=HeldRendering(RenderedCache(source.cache / "rendered")))


def open_cluster(settings: Settings) -> "KubeCluster":
    """Finds the cluster. Makes no request.

    Raises:
        ConfigError: There is none, or the kubeconfig lacks something.
    """
    from reconciler.adapters.cluster.access import ServiceAccount
    from reconciler.adapters.cluster.cluster import KubeCluster
    from reconciler.core.schema import from_openapi

    around = surroundings()
    return KubeCluster.connect(
        settings.cluster.kubeconfig or None,
        settings.cluster.context or None,
        search=around.kubeconfig_files,
        account=ServiceAccount(server=around.api_server) if around.api_server else None,
        bundled=bundled_schema,
        from_openapi=from_openapi,
        cache=cache_folder(settings) / "openapi",
    )


def open_dump(path: str) -> "DumpLive":
    """Reads a live dump: a file, a folder, or `-` for standard input.

    Raises:
        ClusterError: It can't be read, or holds something else, or nothing.
    """
    from reconciler.adapters.cluster.dump import DumpLive

    return DumpLive.open(path, stdin=sys.stdin.buffer, bundled=bundled_schema)


def open_source(
    settings: Settings,
    target: TargetSettings,
    namespace: Callable[[], str],
    history: "DatabaseHistory | None" = None,
) -> GitSource:
    """Finds the desired side. Reads nothing yet.

    Args:
        settings: For the programs and folders.
        target: Where it is declared.
        namespace: Gives the namespace of a chart's release.
        history: As in `open_target`.
    """
    source = target.source
    return GitSource(
        repo=source.repo,
        ref=source.ref,
        path=source.path,
        render=RenderChoice(source.render),
        cache=cache_folder(settings),
        values=source.values,
        release=source.release or target.name,
        namespace=namespace,
        kustomize=settings.programs.kustomize or None,
        helm=settings.programs.helm or None,
        credential_helper=settings.programs.credential_helper,
        environ=surroundings().variables,
        verification=verification_of(settings, target, history),
        sops=sops_of(settings, target),
    )


def _identity(target: TargetSettings, place: str) -> str:
    """Names what is kept about a target: another repository, path or cluster is another target."""
    text = "\0".join((target.name, target.source.repo, target.source.path, place))
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=10).hexdigest()
