"""What of images Git can be made to declare: a newer tag, or the digest of a tag."""

from datetime import timedelta
from typing import Final

from reconciler.core.fixes import Fix, Unfixed, Wanted
from reconciler.core.images.naming import image_name, renamed
from reconciler.core.images.report import ImageDrift, ImageEntry, ImageReport, ImageRule
from reconciler.core.images.rules import days
from reconciler.core.images.running import spec_path
from reconciler.core.path import Item

#: The rules whose findings an edit of the image's name ends, the one that says most first.
_BY_NAME: Final = (ImageRule.NEWER, ImageRule.MOVED, ImageRule.MUTABLE)


def updates_of(report: ImageReport) -> Wanted:
    """Gives what Git is to declare so that images are pinned, or newer, as policies want it."""
    fixes: list[Fix] = []
    left: list[Unfixed] = []
    others: dict[str, int] = {}
    for entry in report.entries:
        found = {drift.rule: drift for drift in entry.drifts}
        for rule in found.keys() - {*_BY_NAME}:
            others[rule.value] = others.get(rule.value, 0) + 1
        drift = next((found[rule] for rule in _BY_NAME if rule in found), None)
        if drift is None:
            continue
        made = _fix(entry, drift)
        if isinstance(made, Fix):
            fixes.append(made)
        else:
            use = entry.use
            left.append(Unfixed(use.owner, use.container, drift.rule.value, made))
    return Wanted(tuple(fixes), tuple(left), dict(sorted(others.items())))


def _fix(entry: ImageEntry, drift: ImageDrift) -> Fix | str:
    """Gives what to declare; or says why that can't be."""
    use, latest = entry.use, image_name(drift.latest)
    if use.source is None or not use.declared:
        return "Git declares no such container"
    if latest is None:
        return "the digest of its tag couldn't be told"
    if use.name is not None and use.name.digest and not latest.digest:
        return f"it is declared by digest, and that of {latest.tag} couldn't be told"
    container = Item((("name", use.container),))
    return Fix(
        key=use.owner,
        source=use.source,
        container=use.container,
        path=(*spec_path(use.owner.kind), use.kind.field, container, "image"),
        value=renamed(use.declared, latest),
        rule=drift.rule.value,
        reason=drift.text,
        before=use.declared,
        age=days(max(entry.age, timedelta())) if entry.age is not None else "",
    )
