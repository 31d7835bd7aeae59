"""Learned profiles as a pull request, for a terminal and for programs.

The same profiles always make the same texts, so that a pull request is updated only when there is
news. Its merge changes Git alone; what it allows holds once agents read the file.
"""

from collections.abc import Iterator
from typing import Final

from reconciler.core.learned import ProfileProposal
from reconciler.core.profiles import ImageProfile
from reconciler.core.resource import JsonObject
from reconciler.render.file_edits import diff_lines, files_diff
from reconciler.render.json_values import encodable
from reconciler.render.markdown import LEFT_OUT, LIMIT, code, fitting, size
from reconciler.render.profile_documents import profiles_document
from reconciler.render.proposals import TITLE, plain
from reconciler.render.summaries import counted, short_revision
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, painted, truncated

SCHEMA: Final = "plumbline.dev/profile-proposal/v1"
#: How many windows, images of one, and things that are left out, are told of.
_WINDOWS: Final = 10
_IMAGES: Final = 20
_CONTAINERS: Final = 5
_LEFT: Final = 40


def proposal_title(proposal: ProfileProposal) -> str:
    """Says in one line what is to be allowed."""
    return truncated(f"Profiles for {plain(proposal.target)}: {_counts(proposal)}", TITLE)


def proposal_message(proposal: ProfileProposal) -> str:
    """Writes the message of the commit."""
    return (
        f"Profiles of images, as learned\n\n{_counts(proposal)}.\n"
        "Merging this changes Git alone; it holds once the node agents read the file.\n"
    )


def _counts(proposal: ProfileProposal) -> str:
    images = proposal.added.images
    writes = sum(len(each.write) for each in images)
    programs = sum(len(each.execute or ()) for each in images)
    told = [counted(writes, "place")] if writes or not programs else []
    told += [counted(programs, "program")] if programs else []
    return f"{' and '.join(told)} of {counted(len(images), 'image')}"


def proposal_body(proposal: ProfileProposal) -> str:
    """Writes what a pull request says, as Markdown of at most 65,536 characters."""
    head, tail = _head(proposal), [*_evidence(proposal), *_left_out(proposal)]
    room = LIMIT - size(head) - size(tail) - LEFT_OUT
    images, shown = fitting(map(_image, proposal.added.images), room)
    if shown < len(proposal.added.images):
        left = counted(len(proposal.added.images) - shown, "more image")
        images += [f"**{left}, left out here: the file of this pull request has all.**", ""]
    return "\n".join([*head, *images, *tail])


def _head(proposal: ProfileProposal) -> list[str]:
    return [
        f"**{_counts(proposal)}**, learned from what containers did, in {code(proposal.path)}.",
        "",
        "- **Merge** this to have Git hold what these containers may do. Once node agents read the",
        "  file, they count what it allows, and no longer tell it. What can be run there is told",
        "  all the same.",
        "- **Edit** it on the branch's base after the merge, or **close** this to allow nothing.",
        "",
        "Ask of each line whether the program needs it: whatever was there before the window was",
        "learned, too, whoever wrote it.",
        "",
    ]


def _image(profile: ImageProfile) -> list[str]:
    lines = [f"### {code(profile.image)}", ""]
    lines += [f"- write {code(rule.path)}: {code(rule.reason)}" for rule in profile.write]
    lines += [f"- execute {code(path)}" for path in profile.execute or ()]
    return [*lines, ""]


def _evidence(proposal: ProfileProposal) -> Iterator[str]:
    yield from ("### Learned from", "")
    for window in proposal.windows[-_WINDOWS:]:
        yield f"- {code(window.node)}, {code(window.since)} to {code(window.until)}:"
        for each in window.images[:_IMAGES]:
            names = ", ".join(map(code, each.containers[:_CONTAINERS]))
            more = len(each.containers) - _CONTAINERS
            names += f" and {more} more" if more > 0 else ""
            counts = f"{counted(each.files, 'file')}, {counted(each.programs, 'program')}"
            yield f"  - {code(each.image)}: {counts} in {names}"
        if len(window.images) > _IMAGES:
            yield f"  - … and {counted(len(window.images) - _IMAGES, 'more image')}"
        if window.unknown:
            count = counted(len(window.unknown), "thing")
            yield f"  - {count} couldn't be told, such as {code(window.unknown[0])}"
    yield ""


def _left_out(proposal: ProfileProposal) -> list[str]:
    left = sorted({each for window in proposal.windows for each in window.left})
    if not left:
        return []
    lines = ["### Left out: stays drift", ""]
    for each in left[:_LEFT]:
        place = " ".join(code(part) for part in (each.image, each.path) if part)
        lines.append(f"- {place}: {code(each.why)}")
    if len(left) > _LEFT:
        lines.append(f"- … and {counted(len(left) - _LEFT, 'more')}")
    return [*lines, ""]


def proposal_text(proposal: ProfileProposal, style: Style) -> str:
    """Writes what is to be allowed, for a terminal; the file's difference first."""
    before = {proposal.path: proposal.before}
    diff = files_diff(before, proposal.files, frozenset()) if proposal.files else ""
    lines: list[Line] = list(diff_lines(diff))
    lines += [()] if lines else []
    place = f"{proposal.target} @ {short_revision(proposal.revision)}"
    title = (
        f"Allows {_counts(proposal)}" if proposal.files else "Nothing that isn't allowed already"
    )
    lines += flow([Cell((Span(title, Ink.BOLD), Span(f" in {place}")))], style, hanging=2)
    left = len({each for window in proposal.windows for each in window.left})
    if left:
        told = f"{counted(left, 'thing')} left out: stays drift"
        lines += flow([Cell((Span(told),))], style, hanging=2)
    return painted(lines, style)


def proposal_document(proposal: ProfileProposal, url: str = "") -> JsonObject:
    """Gives it as data."""
    return {
        "schema": SCHEMA,
        "target": encodable(proposal.target),
        "revision": proposal.revision,
        "path": encodable(proposal.path),
        "added": profiles_document(proposal.added)["profiles"],
        "learned": profiles_document(proposal.added, proposal.windows).get("learned", []),
        "pullRequest": url or None,
    }
