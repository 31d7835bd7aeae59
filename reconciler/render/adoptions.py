"""An adoption: what Git is made to say, for a terminal, for programs, and as a pull request.

The same adoption always makes the same texts, so that a pull request is updated only when there is
news. What a report would mask is masked in the files' differences too.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.adoption import Adopted, Adoption, Left
from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.render.ages import minute, moment
from reconciler.render.file_edits import diff_lines, files_diff
from reconciler.render.json_values import encodable, json_value
from reconciler.render.markdown import LEFT_OUT, LIMIT, code, fitting, size
from reconciler.render.notices import TYPES
from reconciler.render.proposals import OBJECT, TITLE, fields_block, plain
from reconciler.render.summaries import counted, short_revision
from reconciler.render.terminal import Cell, Ink, Span, Style, flow, painted, truncated

SCHEMA: Final = "plumbline.dev/adoption/v1"

#: How many of what is left are told of in a pull request.
_LEFT: Final = 40

#: What adopting an object does to Git.
_DONE: Final = {
    DriftType.MISSING: "no longer declared",
    DriftType.UNMANAGED: "declared",
}


def adoption_title(adoption: Adoption) -> str:
    """Says in one line what Git is to say."""
    return truncated(f"Adopt into {plain(adoption.target)}: {_what(adoption)}", TITLE)


def adoption_message(adoption: Adoption) -> str:
    """Writes the message of the commit that edits the manifests."""
    target = truncated(plain(adoption.target), TITLE // 2)
    return (
        f"Adopt what is live in {target}\n\n"
        f"{truncated(_what(adoption), TITLE)}.\n"
        "Merging this makes Git say what the cluster holds; the cluster is not touched.\n"
    )


def _what(adoption: Adoption) -> str:
    if len(adoption.adopted) != 1:
        return f"{counted(len(adoption.adopted), 'object')} as they are live"
    (first,) = adoption.adopted
    return f"{plain(str(first.drift.key))} {TYPES[first.drift.type]}"


def adoption_body(adoption: Adoption) -> str:
    """Writes what a pull request says, as Markdown of at most 65,536 characters."""
    head, tail = _head(adoption), _left_lines(adoption.left)
    adopted = _ordered(adoption)
    room = LIMIT - size(head) - size(tail) - LEFT_OUT
    objects, shown = fitting(map(_object, adopted), room)
    if shown < len(adopted):
        left = counted(len(adopted) - shown, "more object")
        objects += [f"**{left}, left out here: the files of this pull request have all.**", ""]
    return "\n".join([*head, *objects, *tail])


def _ordered(adoption: Adoption) -> list[Adopted]:
    rank = list(Severity).index
    return sorted(adoption.adopted, key=lambda each: (rank(each.drift.severity), each.drift.key))


def _head(adoption: Adoption) -> list[str]:
    count = counted(len(adoption.adopted), "object")
    files = counted(len(adoption.files), "file")
    at = code(short_revision(adoption.revision))
    return [
        f"**{count} of target {code(adoption.target)} drifted**, and this has Git at {at} say what",
        f"is live, by edits in {files}.",
        "",
        "- **Merge** this to keep what is live: a comparison then finds these in sync. It was",
        "  tried: nothing else that these files declare comes out otherwise. The cluster is not",
        "  touched.",
        "- **Close** this to keep what Git says.",
        "",
        "When this is brought up to date, its branch is made anew: commits of others on it go.",
        "",
    ]


def _object(adopted: Adopted) -> list[str]:
    drift = adopted.drift
    edited = f"{code(drift.id)}, edited: {', '.join(map(code, adopted.files))}."
    lines = [
        f"### {code(str(drift.key))} {TYPES[drift.type]} ({drift.severity})",
        "",
        f"{', '.join(_about(drift))}. {edited}",
        "",
    ]
    changes = [(format_path(change.path), change) for change in drift.changes]
    return [*lines, *fields_block(changes, OBJECT - size(lines))]


def _about(drift: Drift) -> Iterator[str]:
    then = moment(drift.first_seen)
    yield f"Since {minute(then) if then else code(drift.first_seen)}"
    authors = [drift.by, *(change.by for change in drift.changes)]
    names = dict.fromkeys(each.manager for each in authors if each is not None)
    people = dict.fromkeys(
        each.user for each in (drift.actor, *(c.actor for c in drift.changes)) if each is not None
    )
    if people or names:
        yield f"by {', '.join(map(code, people or names))}"


def _left_lines(left: Sequence[Left]) -> list[str]:
    if not left:
        return []
    lines = ["### Left as it is", ""]
    for each in left[:_LEFT]:
        place = f"{code(str(each.key))} {code(each.path)}" if each.path else code(str(each.key))
        lines.append(f"- {place}: {code(each.reason)}")
    if len(left) > _LEFT:
        lines.append(f"- … and {counted(len(left) - _LEFT, 'more')}")
    return [*lines, ""]


def adoption_diff(adoption: Adoption) -> str:
    """Writes what changes in the files, as `git diff` would; empty where nothing does."""
    return files_diff(adoption.before, adoption.files, adoption.secrets)


def adoption_text(adoption: Adoption, style: Style) -> str:
    """Writes what was adopted and what wasn't, for a terminal; the files' differences first."""
    lines = list(diff_lines(adoption_diff(adoption)))
    place = f"{adoption.target} @ {short_revision(adoption.revision)}"
    count = counted(len(adoption.adopted), "object")
    title = f"Adopts {count}" if adoption.adopted else "Nothing to adopt"
    lines += [()] if lines else []
    lines += flow([Cell((Span(title, Ink.BOLD), Span(f" in {place}")))], style, hanging=2)
    for each in _ordered(adoption):
        lines += flow([Cell(tuple(_adopted_spans(each)))], style, indent=2, hanging=4)
    if adoption.left:
        lines += [(), *flow([Cell((Span("Left as it is", Ink.BOLD),))], style)]
    for left in adoption.left:
        where = f" {left.path}" if left.path else ""
        spans = (Span("- "), Span(str(left.key), Ink.BOLD), Span(f"{where}: {left.reason}"))
        lines += flow([Cell(spans)], style, indent=2, hanging=4)
    return painted(lines, style)


def _adopted_spans(adopted: Adopted) -> Iterator[Span]:
    drift = adopted.drift
    what = _DONE.get(drift.type) or ", ".join(format_path(each.path) for each in drift.changes)
    yield Span("✓ ", Ink.GREEN)
    yield Span(str(drift.key), Ink.BOLD)
    yield Span(f"  {what} ({', '.join(adopted.files)})")


def adoption_document(adoption: Adoption, url: str = "") -> JsonObject:
    """Gives an adoption as data; the files' differences are masked as the text's are."""
    document: JsonObject = json_value(
        {
            "schema": SCHEMA,
            "target": adoption.target,
            "revision": adoption.revision,
            "adopted": [
                {
                    "id": each.drift.id,
                    "type": each.drift.type.value,
                    "resource": _key(each.drift.key),
                    "paths": [format_path(change.path) for change in each.drift.changes],
                    "files": list(each.files),
                }
                for each in _ordered(adoption)
            ],
            "left": [
                {
                    "id": each.drift,
                    "resource": _key(each.key),
                    "path": each.path or None,
                    "reason": encodable(each.reason),
                }
                for each in adoption.left
            ],
            "diff": adoption_diff(adoption),
            "pullRequest": url or None,
        }
    )
    return document


def _key(key: ResourceKey) -> JsonObject:
    return {**key._asdict(), "namespace": key.namespace or None}
