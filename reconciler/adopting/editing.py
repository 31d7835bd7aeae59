"""Ways to have the files say something else: each is tried, rendered, and judged by what comes out.

For plain manifests that is the document itself. For a kustomization: the document or the patch that
decides, a value of the kustomization (`images`, `replicas`, literals), else a new patch in the
target's own folder; a base that other kustomizations build on is never touched. For a chart: a
value that stands in its values files.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from reconciler.adopting.deciding_values import by_value, leaves
from reconciler.adopting.image_values import by_image, named_image
from reconciler.adopting.workbench import KUSTOMIZATIONS, Bench, Files, Wish
from reconciler.core.adoption import declaring
from reconciler.core.desired import Manifest
from reconciler.core.diff import same
from reconciler.core.errors import ManifestError
from reconciler.core.patches import operations_of, patch_of
from reconciler.core.path import with_value
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of
from reconciler.ports import Making

#: How many values that might decide are tried; each costs a rendering.
_TRIES = 16

_NOT_IN_NAME = re.compile(r"[^a-z0-9.-]+")


def edits_of(bench: Bench, wish: Wish) -> Iterator[Files]:
    """Gives ways to have a declared object say what is live, the best first."""
    if bench.draft.making is Making.HELM:
        if len(wish.changes) == 1:
            yield from islice(by_value(bench, wish), _TRIES)
        return
    yield from _documents(bench, wish)
    if bench.draft.making is Making.KUSTOMIZE:
        if len(wish.changes) == 1:
            yield from islice(by_value(bench, wish), _TRIES)
        yield from _new_patch(bench, wish)


def image_edits_of(bench: Bench, wish: Wish) -> Iterator[Files]:
    """Gives ways to have an object declare another tag or digest of an image, the best first.

    Where a kustomization makes it, that is the place for images, and a patch is the last resort.
    """
    making = bench.draft.making
    if making is not Making.PLAIN:
        yield from islice(by_image(bench, wish), _TRIES)
    if making is Making.HELM:
        yield from edits_of(bench, wish)
        return
    yield from _documents(bench, wish)
    if making is Making.KUSTOMIZE:
        yield from named_image(bench, wish)
        yield from _new_patch(bench, wish)


def _documents(bench: Bench, wish: Wish) -> Iterator[Files]:
    """Edits the object's own document, and then those that patch it."""
    source, body = wish.manifest.source, wish.manifest.body
    own = bench.draft.own
    paths = [source.path] if source.path in own else []
    if bench.draft.making is not Making.PLAIN:
        paths += [path for path in own if path != source.path]
    for path in paths:
        for written in bench.documents(path):
            value = written.value
            if not _may_make(value, body):
                continue
            if path == source.path and source.line and written.line != source.line:
                continue
            wanted = declaring(value, wish.changes, wish.live)
            if not same(wanted, value):
                for text in bench.edited(path, written.line, value, wanted):
                    yield {path: text}


def _may_make(value: Any, body: JsonObject) -> bool:
    """Whether a document may be a manifest of an object, or a patch of it."""
    if not isinstance(value, dict) or value.get("kind", body["kind"]) != body["kind"]:
        return False
    name, made = str(metadata_of(value).get("name")), str(metadata_of(body).get("name"))
    return bool(metadata_of(value).get("name")) and name in made


def _new_patch(bench: Bench, wish: Wish) -> Iterator[Files]:
    """Writes a patch of its own beside the target's kustomization."""
    body = wish.manifest.body
    name = f"{_file_name(body)}-patch.yaml"
    patch = patch_of(body, wish.changes, wish.live)
    yield from _patched(bench, body, patch, name)
    # A strategic merge puts what it changes first in its list, where the order may have a meaning.
    operations = operations_of(body, wish.changes, wish.live)
    for called in _names(bench, body):
        target = {"kind": body["kind"], "name": called}
        yield from _patched_by(bench, name, {"path": name, "target": target}, [operations])


def _patched(bench: Bench, body: JsonObject, patch: JsonObject, name: str) -> Iterator[Files]:
    """Adds a patch to the target's kustomization, by each name that the object may have there."""
    metadata = metadata_of(body)
    places = [{}, {"namespace": metadata["namespace"]}] if "namespace" in metadata else [{}]
    patches = [
        {**patch, "metadata": {"name": called, **place, **patch["metadata"]}}
        for called in _names(bench, body)
        for place in places
    ]
    yield from _patched_by(bench, name, {"path": name}, patches)


def _patched_by(
    bench: Bench, name: str, entry: JsonObject, contents: Sequence[Any]
) -> Iterator[Files]:
    """Names a new file among the kustomization's patches, with each of some contents."""
    found = bench.kustomization()
    file = posixpath.join(bench.draft.path, name)
    if found is None or bench.text(file) is not None:
        return
    path, kustomization = found
    patches = [*(kustomization.get("patches") or []), entry]
    for text in bench.edited(path, 0, kustomization, {**kustomization, "patches": patches}):
        for content in contents:
            yield {file: bench.editor.written(content, text), path: text}


def _names(bench: Bench, body: JsonObject) -> list[str]:
    """Gives the names that an object may have before a kustomization changes them."""
    names = {
        str(metadata_of(written.value)["name"]): None
        for each in (*bench.draft.own, *bench.draft.shared)
        for written in bench.documents(each)
        if _may_make(written.value, body)
    }
    return [*({str(metadata_of(body)["name"]): None} | names)]


def _file_name(body: JsonObject) -> str:
    words = f"{body['kind']}-{metadata_of(body)['name']}".lower()
    return _NOT_IN_NAME.sub("-", words).strip("-.")[:100]


# Whole objects


def removals_of(bench: Bench, manifest: Manifest) -> Iterator[Files]:
    """Gives ways to declare an object no more."""
    if bench.draft.making is Making.HELM:
        yield from islice(_switched_off(bench), _TRIES)
        return
    path = manifest.source.path
    if path not in bench.draft.own:
        if bench.draft.making is Making.KUSTOMIZE:
            body = manifest.body
            bare = {"$patch": "delete", "apiVersion": body["apiVersion"], "kind": body["kind"]}
            name = f"{_file_name(body)}-delete-patch.yaml"
            yield from _patched(bench, body, {**bare, "metadata": {}}, name)
        return
    text = bench.text(path)
    for written in bench.documents(path):
        if text is None or not _may_make(written.value, manifest.body):
            continue
        if manifest.source.line and written.line != manifest.source.line:
            continue
        try:
            rest = bench.editor.without(path, text, written.line)
        except ManifestError as error:
            bench.refused.insert(0, error.problems[0].message)
            continue
        if rest is not None or bench.draft.making is Making.PLAIN:
            yield {path: rest}
        else:
            yield from _unnamed(bench, path)


def _unnamed(bench: Bench, path: str) -> Iterator[Files]:
    """Takes a file away, and out of the kustomizations that name it."""
    files: dict[str, str | None] = {path: None}
    for each in bench.draft.own:
        if posixpath.basename(each) not in KUSTOMIZATIONS:
            continue
        for written in bench.documents(each)[:1]:
            before = written.value
            named = before.get("resources") if isinstance(before, dict) else None
            if not isinstance(named, list):
                continue
            folder = posixpath.dirname(each)
            kept = [n for n in named if posixpath.normpath(posixpath.join(folder, str(n))) != path]
            if len(kept) == len(named):
                continue
            wanted = {**before, "resources": kept}
            for text in bench.edited(each, 0, before, wanted):
                files[each] = text
    yield files


def _switched_off(bench: Bench) -> Iterator[Files]:
    """Turns a chart's switches off, one at a time."""
    for file in bench.draft.own:
        for written in bench.documents(file)[:1]:
            if not isinstance(written.value, dict):
                continue
            for place, value in leaves(written.value, ()):
                if value is True:
                    wanted = with_value(written.value, place, False)
                    for text in bench.edited(file, 0, written.value, wanted):
                        yield {file: text}


def additions_of(bench: Bench, key: ResourceKey, body: JsonObject) -> Iterator[Files]:
    """Gives ways to declare an object that isn't declared yet."""
    draft = bench.draft
    if draft.making is Making.HELM:
        return
    is_file = draft.making is Making.PLAIN and draft.path in draft.own
    like = next((text for path in draft.own if (text := bench.text(path))), "")
    written = bench.editor.written(body, "" if like.lstrip()[:1] == "{" else like)
    if is_file:
        text = bench.text(draft.path) or ""
        end = "" if text.endswith("\n") or not text else "\n"
        yield {draft.path: f"{text}{end}---\n{written}"}
        return
    stem = posixpath.join(draft.path, _file_name(body))
    names = (f"{stem}.yaml", f"{stem}-{_NOT_IN_NAME.sub('-', key.namespace)}.yaml")
    file = next((name for name in names if bench.text(name) is None), "")
    if not file:
        bench.refused.insert(0, "there is a file of its name already, that declares something else")
        return
    if draft.making is Making.PLAIN:
        yield {file: written}
        return
    found = bench.kustomization()
    if found is not None:
        path, kustomization = found
        resources = [*(kustomization.get("resources") or []), posixpath.basename(file)]
        for text in bench.edited(path, 0, kustomization, {**kustomization, "resources": resources}):
            yield {file: written, path: text}
