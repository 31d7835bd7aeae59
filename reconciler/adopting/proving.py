"""Tries edits: each is rendered, and taken only if what comes out is what was wanted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.adopting.workbench import Bench, Files
from reconciler.core.adoption import secrets_in
from reconciler.core.desired import DesiredState, Manifest, Rendered
from reconciler.core.errors import ConfigError, ManifestError, SourceError
from reconciler.core.resource import ResourceKey, split_api_version

Desired = Mapping[ResourceKey, Manifest]


@dataclass(slots=True)
class Trial:
    """The files by now, and what they declare.

    Attributes:
        bench: The files.
        declared: Gives what rendered manifests declare, each object by its key.
    """

    bench: Bench
    declared: Callable[[Rendered], DesiredState]
    _now: DesiredState | None = None

    @property
    def desired(self) -> DesiredState:
        """What the files declare by now."""
        if self._now is None:
            self._now = self.declared(self.bench.draft.rendered({}))
        return self._now

    def settle(
        self, ways: Iterator[Files], is_right: Callable[[Desired, Desired], bool]
    ) -> tuple[str, ...] | None:
        """Takes the first way after which all is as wanted.

        Args:
            ways: What may be done to the files, the best first.
            is_right: Judges what was declared before and what is declared then.

        Returns:
            The files that were changed; None where no way is right.
        """
        before = self.desired.resources
        for files in ways:
            together = {**self.bench.files, **files}
            try:
                now = self.declared(self.bench.draft.rendered(together))
            except (ManifestError, SourceError, ConfigError):
                continue  # what can't be rendered is no way
            if is_right(before, now.resources):
                self.bench.files, self._now = together, now
                return tuple(files)
        return None

    def changed(self) -> tuple[Files, Files]:
        """Gives the files that were changed, as they are to be and as they were."""
        before = {path: self.bench.draft.text(path) for path in self.bench.files}
        files = {path: text for path, text in self.bench.files.items() if text != before[path]}
        return files, {path: before[path] for path in files}

    def secrets(self, *files: Files) -> frozenset[str]:
        """Gives the texts in some files that nobody is to be shown."""
        found: set[str] = set()
        for text in (text for each in files for text in each.values()):
            for written in self.bench.draft.documents(text) if text else ():
                value = written.value
                if isinstance(value, dict):
                    group, _ = split_api_version(str(value.get("apiVersion") or ""))
                    key = ResourceKey(group, str(value.get("kind")), "", "")
                    found |= secrets_in(key, value)
        return frozenset(each for each in found if each)
