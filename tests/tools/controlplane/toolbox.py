"""Where the programs are: given, kept, published, or built, in this order."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools.controlplane import gobuild, published
from tests.tools.controlplane.cache import Say, ToolCache, find_executable
from tests.tools.controlplane.errors import ToolsError
from tests.tools.controlplane.recipes import (
    CONTROL_PLANE,
    ENCRYPTION,
    ESSENTIAL,
    FORGE,
    LINTER,
    MODULES,
    NODE,
    RECIPES,
    Tool,
    cache_key,
    go_platform,
)

ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"

_WAYS = f"""\
What helps, any one of:
  - {ASSETS_VARIABLE}=<a folder that holds kube-apiserver, etcd and kubectl>, as every envtest
    user has it (`setup-envtest use -p path`)
  - Go 1.26 or newer on PATH, then `python -m tests.tools.controlplane build` (some minutes, once)
  - {published.INDEX_VARIABLE}=<the address of an envtest-releases.yaml that can be reached>"""


def to_stderr(line: str) -> None:
    """Says a line to the person who waits."""
    print(f"controlplane: {line}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Finds the programs of the test control plane, and gets those that are missing."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    say: Say = to_stderr
    modules: Path = MODULES
    machine: str = field(default_factory=go_platform)

    @property
    def cache(self) -> ToolCache:
        """Where the control plane's programs are kept that were not given."""
        return self.cache_of(Tool.KUBE_APISERVER)

    def cache_of(self, tool: Tool) -> ToolCache:
        """Where a program is kept, with those that are kept together with it."""
        together = next(
            (kept for kept in (NODE, FORGE, ENCRYPTION, LINTER) if tool in kept), CONTROL_PLANE
        )
        key = cache_key(self.modules, self.machine, together)
        return ToolCache.of_user(key, self.environ)

    def find(self, tool: Tool) -> Path | None:
        """The program if it is here already; never asks the network, never builds.

        Raises:
            ToolsError: `KUBEBUILDER_ASSETS` names a folder that lacks an essential one.
        """
        given = self._given()
        if given is not None and (path := find_executable(given, tool)):
            return path
        # What was given and lacks kube-controller-manager or helm is completed from the cache.
        return self.cache_of(tool).find(tool)

    def present(self, also: Sequence[Tool] = ()) -> Path | None:
        """The folder with the essential programs, if these and the others named are here already.

        Raises:
            ToolsError: `KUBEBUILDER_ASSETS` names a folder that lacks an essential one.
        """
        if any(self.find(tool) is None for tool in (*ESSENTIAL, *also)):
            return None
        return self._given() or self.cache.folder

    def assets(self) -> Path:
        """The folder with the essential programs, got if need be.

        Raises:
            ToolsError: they can't be had.
        """
        for tool in ESSENTIAL:
            self.tool(tool)
        return self._given() or self.cache.folder

    def tool(self, tool: Tool) -> Path:
        """A program, got if need be.

        Raises:
            ToolsError: it can't be had.
        """
        return self.find(tool) or self._get(tool)

    def _given(self) -> Path | None:
        named = self.environ.get(ASSETS_VARIABLE)
        if not named:
            return None
        folder = Path(named).absolute()
        lacking = [tool for tool in ESSENTIAL if find_executable(folder, tool) is None]
        if lacking:
            # Falling back would hide that the given programs aren't the ones that run.
            raise ToolsError(f"{ASSETS_VARIABLE}={named} lacks {', '.join(lacking)}\n{_WAYS}")
        return folder

    def _get(self, tool: Tool) -> Path:
        cache = self.cache_of(tool)
        with cache.lock(self.say):
            # Another run may have got it while this one waited.
            if path := cache.find(tool):
                return path
            tried = [f"{cache.folder} lacks {tool}"]
            with cache.workspace() as workspace:
                if tool in ESSENTIAL:
                    tried.append(self._download(cache, workspace))
                    if path := cache.find(tool):
                        return path
                try:
                    made = gobuild.build(
                        RECIPES[tool], self.modules, workspace, self.say, self.environ
                    )
                except gobuild.BuildError as error:
                    reasons = "".join(f"\n  - {reason}" for reason in (*tried, str(error)))
                    raise ToolsError(f"{tool} can't be had:{reasons}\n{_WAYS}") from error
                return cache.install(made, tool)

    def _download(self, cache: ToolCache, workspace: Path) -> str:
        """Fills the cache from the published archive, or returns why not."""
        url = self.environ.get(published.INDEX_VARIABLE) or published.INDEX_URL
        if url == "off":
            return f"published archives: {published.INDEX_VARIABLE}=off"
        if any(cache.find(tool) for tool in ESSENTIAL):
            # A build was interrupted half-way: mixing it with an archive gains nothing.
            return "published archives: not asked, as some programs were built here already"
        version = RECIPES[Tool.KUBE_APISERVER].version(self.modules)
        try:
            published.fetch(url, version, self.machine, ESSENTIAL, workspace, self.say)
        except published.PublishedError as error:
            self.say(f"no published archive ({error}); building instead")
            return f"published archives: {error}"
        for tool in ESSENTIAL:
            cache.install(workspace / tool, tool)
        return f"published archives: {url}"
