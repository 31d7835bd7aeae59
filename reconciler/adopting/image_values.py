"""Values of kustomizations and charts that decide about an image: its name, tag and digest."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.adopting.workbench import KUSTOMIZATIONS, Bench, Files, Wish
from reconciler.core.adoption import located
from reconciler.core.path import Path, value_at, with_value
from reconciler.core.resource import JsonObject
from reconciler.ports import Making

#: What charts call a digest beside a tag: with its algorithm in it, or without.
_DIGESTS = ("digest", "sha", "sha256")


def image_parts(image: str) -> tuple[str, str, str]:
    """Splits `name:tag@digest`; what isn't there is empty."""
    name, _, digest = image.partition("@")
    host, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{host}{slash}{last}", tag, digest


def by_image(bench: Bench, wish: Wish) -> Iterator[Files]:
    """Has the values say another tag or digest of the same image, if that is all of a wish."""
    parts = _image_of(wish)
    if parts is None:
        return
    old, new = parts
    for file in bench.draft.own:
        if bench.draft.making is Making.KUSTOMIZE and file.rpartition("/")[2] not in KUSTOMIZATIONS:
            continue
        for written in bench.documents(file)[:1]:
            if not isinstance(written.value, dict):
                continue
            for wanted in _changed(bench, written.value, old, new):
                for text in bench.edited(file, 0, written.value, wanted):
                    yield {file: text}


def named_image(bench: Bench, wish: Wish) -> Iterator[Files]:
    """Adds an image to the target's own kustomization, which then decides."""
    parts, found = _image_of(wish), bench.kustomization()
    if parts is None or found is None:
        return
    (name, _, _), (_, tag, digest) = parts
    path, kustomization = found
    entry = {"name": name, **({"newTag": tag} if tag else {})}
    entry |= {"digest": digest} if digest else {}
    images = [*(kustomization.get("images") or []), entry]
    for text in bench.edited(path, 0, kustomization, {**kustomization, "images": images}):
        yield {path: text}


def _image_of(wish: Wish) -> tuple[tuple[str, str, str], tuple[str, str, str]] | None:
    """Gives the parts of the image that a wish is about, before and after; None for another."""
    if len(wish.changes) != 1 or wish.changes[0].path[-1] != "image":
        return None
    path = located(wish.changes[0].path, wish.manifest.body)
    before, after = value_at(wish.manifest.body, path), value_at(wish.wanted, path)
    if not isinstance(before, str) or not isinstance(after, str):
        return None
    old, new = image_parts(before), image_parts(after)
    return (old, new) if old[0] == new[0] else None


def _changed(
    bench: Bench, document: JsonObject, old: tuple[str, str, str], new: tuple[str, str, str]
) -> Iterator[JsonObject]:
    if bench.draft.making is Making.HELM:
        for place, value in _maps(document, ()):
            if _speaks_of(value, old):
                for put in _values(value, old, new):
                    yield with_value(document, place, put)
        return
    images = document.get("images")
    for at, entry in enumerate(images if isinstance(images, list) else []):
        if isinstance(entry, dict) and old[0] in (entry.get("newName"), entry.get("name")):
            put = {k: v for k, v in entry.items() if k not in ("newTag", "digest")}
            put |= {"newTag": new[1]} if new[1] else {}
            put |= {"digest": new[2]} if new[2] else {}
            yield with_value(document, ("images", at), put)


def _speaks_of(value: Mapping[str, Any], old: tuple[str, str, str]) -> bool:
    """Whether a chart's map says the tag of an image, or leaves it to the chart."""
    name = str(value.get("repository") or value.get("name") or "")
    if name and not old[0].endswith(name):
        return False
    tag = value.get("tag")
    told = "" if tag is None else str(tag)
    return "tag" in value and told.partition("@")[0] in (("", old[1]) if name else (old[1],))


def _values(
    value: Mapping[str, Any], old: tuple[str, str, str], new: tuple[str, str, str]
) -> Iterator[JsonObject]:
    _, tag, digest = new
    if digest:
        for name in _DIGESTS:
            if name in value:
                yield {**value, "tag": tag, name: digest}
                yield {**value, "tag": tag, name: digest.partition(":")[2]}
        yield {**value, "tag": f"{tag}@{digest}"}
    elif not old[2]:
        yield {**value, "tag": tag}


def _maps(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        yield path, value
        for name, child in value.items():
            yield from _maps(child, (*path, str(name)))
