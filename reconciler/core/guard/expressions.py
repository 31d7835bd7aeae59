"""Expressions in CEL, as the API server reads them (kubernetes.io/docs/reference/using-api/cel).

None of them may fail, whatever a request holds: what isn't there is asked for before it is read.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.core.guard.subjects import Subject
from reconciler.core.suspension import BREAK_GLASS as REASON
from reconciler.core.suspension import BREAK_GLASS_UNTIL as UNTIL

#: Whether a request really writes; stands before all variables.
WRITES: Final = "!has(request.dryRun) || request.dryRun != true"
#: The sender's groups, which a request may lack.
GROUPS: Final = "has(request.userInfo.groups) ? request.userInfo.groups : []"
#: The kind that a request is about, as `subjects.resource_of` has it.
PLAIN: Final = (
    "(request.resource.group == '' ? '' : request.resource.group + '/') + request.resource.resource"
)
#: The same with the subresource.
RESOURCE: Final = (
    "variables.plain"
    " + (has(request.subResource) && request.subResource != '' ? '/' + request.subResource : '')"
)
#: The object's name. A request that deletes a collection has none, but is asked about each object.
NAME: Final = (
    "oldObject != null && has(oldObject.metadata) && has(oldObject.metadata.name)"
    " ? oldObject.metadata.name : (has(request.name) ? request.name : '')"
)
PLACE: Final = "has(request.namespace) && request.namespace != '' ? ' in ' + request.namespace : ''"
#: The object that must carry the annotations: of a DELETE the one that is there.
MARKED: Final = "request.operation == 'DELETE' ? oldObject : object"
NOTES: Final = (
    "variables.marked != null && has(variables.marked.metadata)"
    " && has(variables.marked.metadata.annotations) ? variables.marked.metadata.annotations : {}"
)
#: The reason and the end, for the audit log.
SAID: Final = (
    f"('{REASON}' in variables.notes ? variables.notes['{REASON}'] : '')"
    f" + ('{UNTIL}' in variables.notes ? ' (until ' + variables.notes['{UNTIL}'] + ')' : '')"
)
FIELDS: Final = (
    "variables.marked != null && has(variables.marked.metadata)"
    " && has(variables.marked.metadata.managedFields) ? variables.marked.metadata.managedFields"
    ".filter(m, has(m.time) && has(m.manager) && has(m.operation)) : []"
)
#: When the object was written.
TIMES: Final = "variables.fields.map(m, timestamp(m.time))"
#: When this request writes: the server notes it among the managed fields before it asks policies
#: (apiserver/pkg/endpoints/handlers). It is the only clock that CEL has, and of a DELETE, which
#: writes nothing, there is none. Whoever adds entries to set the clock has more than one here;
#: whoever wrote before in the same second may have none.
NOW: Final = (
    "variables.fields.filter(m, oldObject == null || !has(oldObject.metadata.managedFields)"
    " || !oldObject.metadata.managedFields.exists(o, has(o.time) && has(o.manager)"
    " && has(o.operation) && o.time == m.time && o.manager == m.manager"
    " && o.operation == m.operation)).map(m, timestamp(m.time))"
)
#: The end that the object had before this request.
BEFORE: Final = (
    "oldObject != null && has(oldObject.metadata) && has(oldObject.metadata.annotations)"
    f" && '{UNTIL}' in oldObject.metadata.annotations"
    f" ? oldObject.metadata.annotations['{UNTIL}'] : ''"
)
#: RFC 3339 in UTC, and a day that there is, or reading it would fail; not the 29th of February.
_DAY = (
    "(02-(0[1-9]|1[0-9]|2[0-8])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))"
)
_MOMENT: Final = f"'^20[0-9]{{2}}-{_DAY}T([01][0-9]|2[0-3])(:[0-5][0-9]){{2}}Z$'"


def quoted(text: str) -> str:
    """Writes a string; JSON's escapes are CEL's, too."""
    return json.dumps(text, ensure_ascii=False)


def listed(texts: Iterable[str]) -> str:
    """Writes a list of strings, in order."""
    return f"[{', '.join(quoted(each) for each in sorted(texts))}]"


def is_any(subjects: Sequence[Subject]) -> str:
    """Whether the sender is one of these."""
    users = [each.name for each in subjects if not each.is_group]
    groups = [each.name for each in subjects if each.is_group]
    tests = [f"request.userInfo.username in {listed(users)}"] if users else []
    tests += [f"variables.groups.exists(g, g in {listed(groups)})"] if groups else []
    return " || ".join(tests) or "false"


def is_any_of(subjects: Mapping[str, Sequence[Subject]]) -> str:
    """Whether the sender is one of those who may write the resource of the request.

    Args:
        subjects: By resource.
    """
    tests = []
    for resource, those in sorted(subjects.items()):
        if those:
            tests.append(f"variables.resource == {quoted(resource)} && ({is_any(those)})")
    return " || ".join(tests) or "false"


def is_named(names: Mapping[str, Sequence[str]]) -> str:
    """Whether a request is about one of these objects; stands before all variables.

    Args:
        names: By resource, without a subresource.
    """
    tests = [f"({PLAIN}) == {quoted(k)} && ({NAME}) in {listed(v)}" for k, v in names.items()]
    return " || ".join(tests)


def looked_up(files: Mapping[str, str]) -> str:
    """Gives the words that name an object's file; none where it isn't among these.

    Args:
        files: By resource and name.
    """
    pairs = ", ".join(f"{quoted(place)}: {quoted(file)}" for place, file in files.items())
    # A map is looked into by `in` and by index alone, so it stands there twice but for this.
    key = "variables.plain + ' ' + variables.name"
    found = f"[{{{pairs}}}].map(files, {key} in files ? ', file ' + files[{key}] : '')"
    return f"{found}[0]"


def breaks_glass(group: str, seconds: int) -> str:
    """Whether somebody of the break-glass group writes, with a reason, and before the end.

    The end must be after now, and at most so many seconds away. What is deleted must have been
    annotated so before: whether its end is past can't be told.
    """
    if not group:
        return "false"
    until = f"timestamp(variables.notes[{quoted(UNTIL)}])"
    lasts = f"duration('{seconds}s')"
    return (
        f"{is_any([Subject(group, is_group=True)])} ? "
        f"({_has(REASON)} && variables.notes[{quoted(REASON)}].matches('[^ ]') && {_has(UNTIL)}"
        f" && variables.notes[{quoted(UNTIL)}].matches({_MOMENT})"
        f" && (request.operation == 'DELETE' ? variables.times.exists(t, {until} - t <= {lasts})"
        " : variables.now.size() == 1"
        f" ? variables.now.all(t, t < {until} && {until} - t <= {lasts})"
        f" : variables.now.size() == 0 && variables.before == variables.notes[{quoted(UNTIL)}]"
        f" && variables.times.size() > 0 && variables.times.all(t, t < {until}))) : false"
    )


def _has(annotation: str) -> str:
    return f"{quoted(annotation)} in variables.notes"
