"""The files of a tree, decrypted in memory; and what of the manifests made of them is secret."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.adapters.sources.ciphertext import documents_of, is_ciphertext, is_encrypted
from reconciler.adapters.sources.document import Document
from reconciler.adapters.sources.manifests import Collection, objects_of
from reconciler.adapters.sources.overlaid import OverlaidTree
from reconciler.adapters.sources.rendering import Renderer
from reconciler.adapters.sources.sops import Sops
from reconciler.adapters.sources.tree import Entry, EntryKind, Tree
from reconciler.core.desired import Manifest
from reconciler.core.errors import ManifestProblem, SourceError
from reconciler.core.path import Path
from reconciler.core.sealing import Secrets, leaves, seals_of

#: Of a text of many lines those are looked for that are as long as that.
_SHORTEST_LINE = 8
_MASK = "***"


@dataclass(frozen=True, slots=True)
class Decrypting:
    """See `rendering.Renderer`. Has another renderer see the plain text of encrypted files.

    Plain text is never written but into that renderer's private folder, and never kept. Where
    Flux decrypts what a kustomization builds, and then can't hold it against the MAC, the files
    themselves are decrypted here, so that each MAC is.

    Attributes:
        renderer: Makes the manifests.
        sops: Decrypts.
        makes: Whether that renderer may put any value anywhere.
    """

    renderer: Renderer
    sops: Sops
    makes: bool
    _known: dict[tuple[str, bytes], bytes | ManifestProblem] = field(
        default_factory=dict, compare=False, repr=False
    )

    def identity(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives what the renderer's result depends on, and the key."""
        identity = self.renderer.identity(tree, path)
        return (*identity, *self.sops.identity()) if identity else ()

    def values_in(self, tree: Tree, path: str) -> tuple[str, ...]:
        """Gives the renderer's."""
        return self.renderer.values_in(tree, path)

    def inputs(self, tree: Tree, path: str, into: Collection) -> Sequence[Entry]:
        """Gives the renderer's."""
        return self.renderer.inputs(tree, path, into)

    def render(self, tree: Tree, path: str, into: Collection) -> None:
        """Adds the manifests, each with what of it came encrypted."""
        plain = self._decrypted(tree, self.inputs(tree, path, into), into)
        into.raise_problems()
        if plain is None:
            self.renderer.render(tree, path, into)
            return
        into.private = True
        begin = len(into.manifests)
        try:
            self.renderer.render(plain.tree, path, into)
        except SourceError as error:
            raise plain.unquoted(error) from None
        finally:
            into.manifests[begin:] = [
                plain.sealed(each, makes=self.makes) for each in into.manifests[begin:]
            ]

    def _decrypted(
        self, tree: Tree, entries: Sequence[Entry], into: Collection
    ) -> "_Decrypted | None":
        """Decrypts those files that are encrypted; None where none is."""
        limit = into.limits.file
        wanted = [e for e in entries if e.kind is EntryKind.FILE and e.size <= limit]
        if sum(entry.size for entry in wanted) > into.limits.total:
            return None  # the renderer tells of it, and reads nothing
        pairs: list[_Pair] = []
        for entry, content in zip(wanted, tree.read(wanted), strict=True):
            path = entry.path
            if not is_encrypted(path, content):
                continue
            named = (path, hashlib.sha256(content).digest())
            if named not in self._known:
                self._known[named] = self.sops.decrypt(path, content, limit)
            done = self._known[named]
            if isinstance(done, ManifestProblem):
                into.problems.append(done)
            else:
                pairs.append(_Pair(path, content, done))
        if not pairs:
            return None
        return _Decrypted(
            OverlaidTree(tree, {pair.path: pair.after for pair in pairs}),
            Secrets.of({form for pair in pairs for form in pair.forms()}),
            {(pair.path, line): known for pair in pairs for line, known in pair.objects()},
        )


@dataclass(frozen=True, slots=True)
class _Decrypted:
    """A tree with its encrypted files decrypted.

    Attributes:
        tree: With the plain files in place of the encrypted ones.
        secrets: All values that came encrypted.
        objects: By file and line of an object in plain text, its line in Git, and the paths of
            its values that came encrypted.
    """

    tree: Tree
    secrets: Secrets = field(repr=False)
    objects: Mapping[tuple[str, int], tuple[int, tuple[Path, ...]]] = field(repr=False)

    def sealed(self, manifest: Manifest, *, makes: bool) -> Manifest:
        """Gives a manifest that knows which of its fields came encrypted, and its line in Git."""
        place = manifest.source
        line, paths = self.objects.get((place.path, place.line), (place.line, ()))
        found = set(paths)
        if makes:
            every = leaves(manifest.body)
            found |= {path for path, value in every if self.secrets.stand_in(value)}
        source = replace(place, line=line)
        return replace(manifest, source=source, seals=seals_of(manifest.body, found))

    def unquoted(self, error: SourceError) -> SourceError:
        """Gives an error of a renderer's without any value that came encrypted."""
        message = error.message
        for secret in sorted(self.secrets.parts, key=len, reverse=True):
            message = message.replace(secret, _MASK)
        return SourceError(message, fix=error.fix)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A file, encrypted and decrypted: all but what is encrypted is the same in both."""

    path: str
    before: bytes
    after: bytes

    def forms(self) -> Iterator[str]:
        """Gives all values that came encrypted, in all forms in which they may come out."""
        yield base64.b64encode(self.after).decode()
        text = self.after.decode(errors="replace")
        # A file as a whole, as a generator takes it; its lines are no secrets by themselves.
        for each in (text, text.strip()):
            yield from (each, json.dumps(each)[1:-1], base64.b64encode(each.encode()).decode())
        for value in self._values():
            yield from _forms(value)

    def _values(self) -> Iterator[str]:
        if self.path.endswith((".env", ".ini")):
            for line in self.after.decode(errors="replace").splitlines():
                yield line.partition("=")[2].strip()
            return
        for old, new in self._documents():
            for _, value in _hidden(old.value, new.value):
                yield _text(value)

    def objects(self) -> Iterator[tuple[int, tuple[int, tuple[Path, ...]]]]:
        """Gives, by the line of an object in the plain text, its line in Git and what is secret."""
        for old, new in self._documents():
            pairs = zip(objects_of(old), objects_of(new), strict=False)
            for (was, line), (now, here) in pairs:
                yield here, (line, tuple(path for path, _ in _hidden(was, now)))

    def _documents(self) -> Iterator[tuple[Document, Document]]:
        return zip(documents_of(self.before), documents_of(self.after), strict=False)


def _hidden(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Gives all values of a plain document that are encrypted in the other one."""
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        for name, child in new.items():
            yield from _hidden(old.get(name), child, (*path, name))
    elif isinstance(new, list) and isinstance(old, list):
        for index, (was, child) in enumerate(zip(old, new, strict=False)):
            yield from _hidden(was, child, (*path, index))
    elif is_ciphertext(old):
        yield path, new


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _forms(text: str) -> Iterator[str]:
    """Gives the forms in which a value may come out: as it is, a line of it, quoted, base64."""
    lines = [line.strip() for line in text.splitlines()]
    for each in {
        text,
        text.strip(),
        *(line for line in lines if len(line) >= _SHORTEST_LINE),
    }:
        yield each
        yield json.dumps(each)[1:-1]
        yield json.dumps(each, ensure_ascii=False)[1:-1]
        yield base64.b64encode(each.encode("utf-8", "surrogatepass")).decode()
    yield base64.b64encode(f"{text}\n".encode("utf-8", "surrogatepass")).decode()
