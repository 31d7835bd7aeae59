"""Has Git say what is live: edits the files, renders them, and keeps only what proves right.

Nothing is guessed: an edit counts if the object comes out as it is live at exactly the wanted
fields, if no other object comes out otherwise, and if a comparison then finds no drift there.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from reconciler.adopting.editing import additions_of, edits_of, removals_of
from reconciler.adopting.proving import Desired, Trial
from reconciler.adopting.workbench import Bench, Files, Wish, others_than
from reconciler.controller import Look, Target
from reconciler.core.adoption import (
    Adopted,
    Adoption,
    Left,
    declaration_of,
    leaned,
    located,
    parts,
    refusal,
)
from reconciler.core.desired import DesiredState, Rendered, SourceLocation, desired_state
from reconciler.core.diff import differences, same
from reconciler.core.drift import Change, ChangeType, Drift, DriftType
from reconciler.core.ignore import derived_rules, holds
from reconciler.core.path import format_path, value_at
from reconciler.core.resource import JsonObject
from reconciler.core.schema import Schema
from reconciler.core.scope import bind_generated
from reconciler.ports import Comparer, Draft, Editor, Making

#: How often what doesn't prove right is left out and the rest is tried again.
_ROUNDS = 4


def adopt(
    target: Target,
    look: Look,
    drifts: Collection[str] | None,
    draft: Draft,
    editor: Editor,
    comparer: Comparer,
) -> Adoption:
    """Finds the edits by which Git says what is live. Writes nothing.

    Args:
        target: What was looked at.
        look: What was found.
        drifts: The ids of those to adopt; None for all.
        draft: The files of the look's revision.
        editor: Edits them.
        comparer: Says whether what comes out is live; one that remembers nothing, since what it
            is asked about was never declared.

    Raises:
        ClusterError: The server couldn't be asked.
        SourceError: The files can't be read.
        ManifestError: What is there can't be rendered as it is.
    """
    wanted = [each for each in look.detection.drifts if drifts is None or each.id in drifts]
    schema = _schema(target, look, wanted)
    refused: dict[str, str] = {}
    for _ in range(_ROUNDS):
        made = _Attempt(target, look, schema, Bench(draft, editor))
        made.take([each for each in wanted if each.id not in refused])
        unproven = made.unproven(comparer)
        if not unproven:
            break
        refused |= unproven
    else:
        made = _Attempt(target, look, schema, Bench(draft, editor))
    left = [Left(each.id, each.key, "", refused[each.id]) for each in wanted if each.id in refused]
    return made.adoption((*made.left, *left))


def _schema(target: Target, look: Look, drifts: Iterable[Drift]) -> Schema:
    """Gives what is known of the drifts' kinds; of unmanaged objects a check needs none."""
    catalog = look.sides.catalog
    kinds = {catalog.find(drift.api_version, drift.key.kind) for drift in drifts}
    return target.live.schema({kind for kind in kinds if kind is not None})


@dataclass(slots=True)
class _Attempt:
    """One way through all drifts, each on top of what was settled before.

    Attributes:
        target: As in `adopt`.
        look: As in `adopt`.
        schema: What is known of the drifts' kinds.
        bench: The files by now.
        adopted: What worked.
        left: What didn't.
    """

    target: Target
    look: Look
    schema: Schema
    bench: Bench
    adopted: list[Adopted] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    _trial: Trial = field(init=False)

    def __post_init__(self) -> None:
        self._trial = Trial(self.bench, self._declared)

    def take(self, drifts: Iterable[Drift]) -> None:
        """Goes through the drifts."""
        for drift in drifts:
            live = self.look.sides.live.find(drift.api_version, drift.key)
            reason = refusal(drift, live)
            if reason:
                self._leave(drift, "", reason)
                continue
            self.bench.refused.clear()
            match drift.type:
                case DriftType.MISSING:
                    self._remove(drift)
                case DriftType.UNMANAGED if live is not None:
                    self._add(drift, live)
                case DriftType.MODIFIED if live is not None:
                    self._modify(drift, live)
                case _:
                    self._leave(drift, "", "it could not be compared")

    def adoption(self, left: tuple[Left, ...]) -> Adoption:
        """Gives what came of it."""
        files, before = self._trial.changed()
        return Adoption(
            target=self.target.name,
            revision=self.look.report.revision,
            files=files,
            before=before,
            adopted=tuple(self.adopted),
            left=left,
            secrets=self._trial.secrets(files, before),
        )

    def unproven(self, comparer: Comparer) -> dict[str, str]:
        """Says, by a drift's id, why the server would still see a drift there."""
        from reconciler.core.detect import detect

        touched = {each.drift.key: each for each in self.adopted}
        keys = touched.keys() & self.desired.resources.keys()
        if not keys:
            return {}
        sides = self.look.sides
        resources = {key: self.desired.resources[key] for key in keys}
        asked = DesiredState(self.look.report.revision, resources)
        answers = comparer.compare(asked, sides.live, sides.catalog)
        alone = replace(sides, desired=asked, answers=answers, schema=self.schema)
        held = holds(self.target.rules, self.target.clock().date())
        rules = (*held, *derived_rules(self.desired))
        found = detect(self.target.name, alone, rules, frozenset(), self.target.redaction)
        expected = {(each.key, each.path) for each in self.left}
        reasons: dict[str, str] = {}
        for drift in found.drifts:
            paths = [format_path(change.path) for change in drift.changes]
            rest = [path for path in paths if (drift.key, path) not in expected]
            if rest or not paths:
                what = rest[0] if rest else drift.note or drift.type.lower()
                reasons[touched[drift.key].drift.id] = (
                    f"whatever Git says, the server makes something else of it: {what}"
                )
        return reasons

    @property
    def desired(self) -> DesiredState:
        """What the files declare by now."""
        return self._trial.desired

    def _declared(self, rendered: Rendered) -> DesiredState:
        sides = self.look.sides
        desired = desired_state(rendered, sides.catalog, self.target.namespace)
        desired = bind_generated(desired, sides.live.objects)
        if self.bench.draft.making is not Making.KUSTOMIZE:
            return desired
        # The look knows from which file each came; the lines move with each edit.
        known = sides.desired.resources
        resources = {
            key: replace(manifest, source=SourceLocation(known[key].source.path))
            if key in known
            else manifest
            for key, manifest in desired.resources.items()
        }
        return replace(desired, resources=resources)

    def _leave(self, drift: Drift, path: str, reason: str) -> None:
        self.left.append(Left(drift.id, drift.key, path, reason))

    # One drift

    def _modify(self, drift: Drift, live: JsonObject) -> None:
        changes, left = parts(drift)
        self.left += left
        if changes and not self._changed(drift, changes, live):
            done = [change for change in changes if self._changed(drift, (change,), live)]
            for change in changes:
                if change not in done:
                    self._leave(drift, format_path(change.path), self._why(drift, change))

    def _changed(self, drift: Drift, changes: tuple[Change, ...], live: JsonObject) -> bool:
        manifest = self.desired.resources.get(drift.key)
        if manifest is None:
            return False
        node = self.schema.node(drift.api_version, drift.key.kind)
        wish = Wish(manifest, changes, leaned(manifest.body, changes, live, node))
        wanted = wish.wanted
        if same(wanted, manifest.body):
            return False

        def is_right(now: Desired) -> bool:
            there = now.get(drift.key)
            return there is not None and not differences(wanted, there.body, node)

        return self._settle(replace(drift, changes=changes), edits_of(self.bench, wish), is_right)

    def _why(self, drift: Drift, change: Change) -> str:
        if self.bench.refused:
            return self.bench.refused[0]
        manifest = self.desired.resources.get(drift.key)
        if manifest is not None and (sealed := self.bench.sealed(manifest.source.path)):
            return sealed
        place = f": {manifest.source}" if manifest is not None else ""
        if self.bench.draft.making is Making.HELM:
            return f"the template decides, and no value was found that does{place}"
        is_declared = manifest is not None and value_at(
            manifest.body, located(change.path, manifest.body)
        )
        if change.change is ChangeType.REMOVED and not is_declared:
            return "the server fills it in, so that Git can't say that it isn't there"
        return f"no edit was found that changes this and nothing else{place}"

    def _remove(self, drift: Drift) -> None:
        manifest = self.desired.resources.get(drift.key)
        if manifest is None:
            self._leave(drift, "", "it isn't declared any more")
        elif not self._settle(
            drift, removals_of(self.bench, manifest), lambda now: drift.key not in now
        ):
            reason = "no edit was found that takes this away and nothing else"
            if self.bench.draft.making is Making.HELM:
                reason = f"the template decides, and no switch was found: {manifest.source}"
            elif len(self.desired.resources) == 1:
                reason = "it is the last one that is declared, and an empty desired state is none"
            reason = self.bench.sealed(manifest.source.path) or reason
            self._leave(drift, "", self.bench.refused[0] if self.bench.refused else reason)

    def _add(self, drift: Drift, live: JsonObject) -> None:
        body = declaration_of(live, self.schema.node(drift.api_version, drift.key.kind))
        additions = additions_of(self.bench, drift.key, body)
        if not self._settle(drift, additions, lambda now: drift.key in now):
            reason = "no file was found that declares this and changes nothing else"
            if self.bench.draft.making is Making.HELM:
                reason = "what a chart makes is decided by its templates: add one by hand"
            self._leave(drift, "", self.bench.refused[0] if self.bench.refused else reason)

    def _settle(
        self, drift: Drift, ways: Iterator[Files], is_right: Callable[[Desired], bool]
    ) -> bool:
        """Takes the first way after which the object, and nothing else, is as wanted."""

        def is_proven(before: Desired, now: Desired) -> bool:
            return is_right(now) and others_than(drift.key, before) == others_than(drift.key, now)

        files = self._trial.settle(ways, is_proven)
        if files is None:
            return False
        self._note(drift, files)
        return True

    def _note(self, drift: Drift, files: tuple[str, ...]) -> None:
        """Remembers what was adopted; of one object once, whatever was adopted one by one."""
        for at, each in enumerate(self.adopted):
            if each.drift.id == drift.id:
                changes = (*each.drift.changes, *drift.changes)
                named = (*each.files, *(file for file in files if file not in each.files))
                self.adopted[at] = Adopted(replace(drift, changes=changes), named)
                return
        self.adopted.append(Adopted(drift, files))
