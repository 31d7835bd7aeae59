"""How the guard is: what is live of it, held against what it is to be."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.guard.objects import BINDING, LABEL, GuardObject
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of


class State(StrEnum):
    """How one policy or binding is."""

    SAME = "same"  # as it is to be
    FILES = "files"  # but for the files that its message names
    DIFFERS = "differs"
    ABSENT = "absent"
    STALE = "stale"  # ours, and no longer to be


@dataclass(frozen=True, slots=True)
class Standing:
    """One policy or binding.

    Attributes:
        key: Which.
        state: How it is.
        wanted: As it is to be; None for a stale one.
        live: As it is; None for an absent one.
        fields: Which parts of the specification differ.
        problems: What the server warns of: fields that an expression names and no kind has.
    """

    key: ResourceKey
    state: State
    wanted: GuardObject | None = None
    live: JsonObject | None = None
    fields: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing is to be done about it."""
        return self.state in (State.SAME, State.FILES) and not self.problems

    @property
    def actions(self) -> tuple[str, ...]:
        """What a live binding does; empty for a policy."""
        spec = self.live.get("spec") if self.live and self.key.kind == BINDING else None
        found = spec.get("validationActions") if isinstance(spec, Mapping) else None
        return tuple(map(str, found)) if isinstance(found, list) else ()


def standings(
    wanted: Sequence[GuardObject],
    live: Mapping[ResourceKey, JsonObject],
    labels: Collection[str],
) -> tuple[Standing, ...]:
    """Holds what is live against what is to be.

    Args:
        wanted: What is to be.
        live: All policies and bindings of the cluster.
        labels: Whose policies are ours to judge, by the label `LABEL`: others stay as they are.
    """
    found = [_standing(each, live.get(each.key)) for each in wanted]
    known = {each.key for each in wanted}
    stale = (
        Standing(key, State.STALE, live=body)
        for key, body in sorted(live.items())
        if key not in known and label_value(body) in labels
    )
    return (*found, *stale)


def label_value(body: JsonObject) -> str:
    """Gives whose a policy or binding is; empty for one that isn't ours."""
    labels = metadata_of(body).get("labels")
    return str(labels.get(LABEL) or "") if isinstance(labels, Mapping) else ""


def _standing(wanted: GuardObject, live: JsonObject | None) -> Standing:
    if live is None:
        return Standing(wanted.key, State.ABSENT, wanted)
    spec, found = wanted.body["spec"], live.get("spec")
    found = found if isinstance(found, dict) else {}
    names = tuple(
        name for name in sorted(spec.keys() | found.keys()) if spec.get(name) != found.get(name)
    )
    state = State.DIFFERS if names else State.SAME
    if names == ("variables",) and _without_files(spec) == _without_files(found):
        state = State.FILES
    if label_value(live) != label_value(wanted.body):
        state, names = State.DIFFERS, (*names, "labels")
    return Standing(wanted.key, state, wanted, live, names, tuple(_problems(live)))


def _without_files(spec: JsonObject) -> list[object]:
    variables = spec.get("variables")
    found = variables if isinstance(variables, list) else []
    return [v for v in found if not (isinstance(v, Mapping) and v.get("name") == "file")]


def _problems(live: JsonObject) -> Iterable[str]:
    """Reads what the server's type checker warns of; of each the first line, which names it."""
    status = live.get("status")
    checking = status.get("typeChecking") if isinstance(status, Mapping) else None
    found = checking.get("expressionWarnings") if isinstance(checking, Mapping) else None
    for each in found if isinstance(found, list) else ():
        if isinstance(each, Mapping):
            first = next(iter(str(each.get("warning") or "").splitlines()), "")
            yield f"{each.get('fieldRef')}: {first}"
