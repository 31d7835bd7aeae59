"""Has Git declare fields otherwise: finds the edits, renders them, keeps only what proves right.

As in adopting, nothing is guessed. One value may decide about several fields, though, such as a
chart's tag: an edit counts if every object comes out as it was, or with more of its own fixes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from reconciler.adopting.editing import edits_of, image_edits_of
from reconciler.adopting.proving import Desired, Trial
from reconciler.adopting.workbench import Bench, Wish
from reconciler.core.desired import (
    DesiredState,
    Manifest,
    Rendered,
    SourceLocation,
    desired_state,
)
from reconciler.core.diff import same
from reconciler.core.drift import Change, ChangeType
from reconciler.core.fixes import Fix, Fixed, Fixing, Purpose, Unfixed, Wanted, units_of, with_fixes
from reconciler.core.path import value_at
from reconciler.core.resource import Catalog, ResourceKey
from reconciler.ports import Draft, Editor, Making

#: Names and namespaces are compared with themselves alone, so no server has to be asked for kinds.
_NO_CATALOG = Catalog("", {}, {}, {})


def fix(
    purpose: Purpose,
    target: str,
    revision: str,
    namespace: str,
    wanted: Wanted,
    draft: Draft,
    editor: Editor,
) -> Fixing:
    """Finds the edits by which Git declares what is wanted. Writes nothing.

    Args:
        purpose: Why.
        target: The target's name.
        revision: What the draft's files are of.
        namespace: Of objects whose manifests name none.
        wanted: What is to be declared.
        draft: The files.
        editor: Edits them.

    Raises:
        SourceError: The files can't be read.
        ManifestError: What is there can't be rendered as it is.
    """
    made = _Fixer(wanted.fixes, Trial(Bench(draft, editor), _declaring(draft, namespace, wanted)))
    if wanted.fixes:
        made.run()
    files, before = made.trial.changed()
    return Fixing(
        purpose=purpose,
        target=target,
        revision=revision,
        files=files,
        before=before,
        fixed=tuple(sorted(made.fixed, key=lambda each: made.place(each.fix))),
        left=(*wanted.left, *made.left),
        others=wanted.others or {},
        secrets=made.trial.secrets(files, before),
    )


def _declaring(draft: Draft, namespace: str, wanted: Wanted) -> Callable[[Rendered], DesiredState]:
    """Gives what says what rendered manifests declare, each from the file that it is known from."""
    # The lines move with each edit; for a kustomization the files are known from before.
    is_traced = draft.making is Making.KUSTOMIZE
    known = {each.key: SourceLocation(each.source.path) for each in wanted.fixes if is_traced}

    def declared(rendered: Rendered) -> DesiredState:
        desired = desired_state(rendered, _NO_CATALOG, namespace)
        resources = {
            key: replace(manifest, source=known.get(key, manifest.source))
            for key, manifest in desired.resources.items()
        }
        return replace(desired, resources=resources)

    return declared


@dataclass(slots=True)
class _Fixer:
    """One way through all fixes, each on top of what was settled before.

    Attributes:
        fixes: All that is wanted.
        trial: The files by now.
        fixed: What worked.
        left: What didn't.
    """

    fixes: Sequence[Fix]
    trial: Trial
    fixed: list[Fixed] = field(default_factory=list)
    left: list[Unfixed] = field(default_factory=list)
    _by_key: dict[ResourceKey, list[Fix]] = field(default_factory=dict)

    def place(self, each: Fix) -> int:
        """Says where a fix stands among all."""
        return self.fixes.index(each)

    def run(self) -> None:
        """Goes through the objects."""
        for each in self.fixes:
            self._by_key.setdefault(each.key, []).append(each)
        for key, group in groupby(sorted(self.fixes, key=lambda each: each.key), lambda e: e.key):
            wanted = list(group)
            # An image has a place of its own in kustomizations and charts, so each is alone.
            is_alone = any(each.path[-1] == "image" for each in wanted)
            if is_alone or not self._settled(key, wanted):
                for unit in units_of(wanted):
                    self._one(key, unit)

    def _one(self, key: ResourceKey, unit: Sequence[Fix]) -> None:
        self.trial.bench.refused.clear()
        if not self._settled(key, unit):
            reason = self._why(key)
            self.left.append(Unfixed(key, unit[0].container, unit[0].rule, reason))

    def _settled(self, key: ResourceKey, wanted: Sequence[Fix]) -> bool:
        manifest = self.trial.desired.resources.get(key)
        if manifest is None:
            return False
        todo = [each for each in wanted if not each.is_in(manifest.body)]
        files: tuple[str, ...] | None = ()
        if todo:
            wish = _wish(manifest, todo)

            def is_right(before: Desired, now: Desired) -> bool:
                there = now.get(key)
                return (
                    there is not None
                    and all(each.is_in(there.body) for each in wanted)
                    and self._is_progress(before, now)
                )

            bench = self.trial.bench
            is_image = len(todo) == 1 and todo[0].path[-1] == "image"
            ways = image_edits_of(bench, wish) if is_image else edits_of(bench, wish)
            files = self.trial.settle(ways, is_right)
        if files is None:
            return False
        self.fixed += [Fixed(each, files) for each in wanted]
        return True

    def _is_progress(self, before: Desired, now: Desired) -> bool:
        """Whether each object is as it was, or with more of its own fixes and nothing else."""
        if before.keys() != now.keys():
            return False
        for key, manifest in before.items():
            body = now[key].body
            done: list[Fix] = []
            for unit in units_of(self._by_key.get(key, ())):
                there = [each for each in unit if each.is_in(body)]
                is_new = any(not each.is_in(manifest.body) for each in there)
                if is_new and len(there) < len(unit):
                    return False  # a part alone may do harm
                done += there
            if not same(with_fixes(manifest.body, done), body):
                return False
        return True

    def _why(self, key: ResourceKey) -> str:
        if self.trial.bench.refused:
            return self.trial.bench.refused[0]
        manifest = self.trial.desired.resources.get(key)
        if manifest is None or manifest.is_generated:
            return "no manifest names it"
        if self.trial.bench.draft.making is Making.HELM:
            return f"the template decides, and no value was found that does: {manifest.source}"
        return f"no edit was found that changes this and nothing else: {manifest.source}"


def _wish(manifest: Manifest, fixes: Iterable[Fix]) -> Wish:
    """Gives what one object is to be, as if it were live so."""
    changes: list[Change] = []
    body = manifest.body
    for each in fixes:
        there = value_at(body, each.path)
        how = ChangeType.ADDED if there is None else ChangeType.CHANGED
        changes.append(Change(each.path, how, there, each.value))
        body = with_fixes(body, [each])
    return Wish(manifest, tuple(changes), body)
