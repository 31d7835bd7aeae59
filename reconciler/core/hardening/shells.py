"""Which workloads' images have shells, as node agents saw them in what runs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.core.hardening.auditing import Subject
from reconciler.core.hardening.measuring import Measurement, is_one_of
from reconciler.core.hardening.pods import pod_of
from reconciler.core.resource import ResourceKey


def with_shells(
    subjects: Sequence[Subject],
    measurements: Sequence[Measurement],
    owners: Mapping[str, ResourceKey],
) -> tuple[Subject, ...]:
    """Says of what is to be audited which shells were seen in its containers.

    Args:
        subjects: What is to be audited.
        measurements: What was seen; of one container, several count together.
        owners: Whose each pod is, by its uid; of others the name tells that.
    """
    declared = [
        (subject.key, container)
        for subject in subjects
        if (pod := pod_of(subject.body)) is not None
        for container in pod.containers
    ]
    seen: dict[ResourceKey, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for each in measurements:
        found = [
            (key, container.name)
            for key, container in declared
            if is_one_of(each.container, key, container, owners)
        ]
        # Where a name fits two workloads, nothing says whose it is.
        if len(found) == 1:
            key, name = found[0]
            seen[key][name] |= set(each.shells)
    return tuple(
        replace(
            subject,
            shells={name: tuple(sorted(paths)) for name, paths in seen[subject.key].items()},
        )
        if subject.key in seen
        else subject
        for subject in subjects
    )
