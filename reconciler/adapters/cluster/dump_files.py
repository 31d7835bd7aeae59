"""Reads the output of `kubectl get -o yaml|json`: from a file, a folder, or a pipe.

kubectl writes canonical YAML, in which every string that YAML 1.1 could take for something else
is quoted; manifests that people write are read elsewhere, with more care.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from reconciler.core.errors import ClusterError
from reconciler.core.resource import JsonObject

_SUFFIXES = frozenset({".json", ".yaml", ".yml"})
#: Go writes large numbers so (strconv.FormatFloat, `1e+06`); YAML 1.1 wants a dot in them.
_GO_FLOAT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+\Z")
#: What kubectl leaves without quotes and means as a string: dates, `=` and `<<`.
_STRINGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("timestamp", "value", "merge"))
_FIX = "dump it again: kubectl get KIND… -A -o json --show-managed-fields > FILE"


def read_dump(path: str, stdin: IO[bytes]) -> list[JsonObject]:
    """Reads every object of a dump; lists are taken apart.

    Args:
        path: A file, a folder (read with its subfolders), or `-` for standard input.
        stdin: Standard input.

    Raises:
        ClusterError: It can't be read, or holds something else, or nothing; the message names
            the file and never quotes it.
    """
    found: list[JsonObject] = []
    for name, content in _contents(path, stdin):
        for number, document in enumerate(_documents(name, content), 1):
            found.extend(_objects(name, number, document))
    if not found:
        raise ClusterError(f"the dump {_shown(path)} holds no object", fix=_FIX)
    return found


def _shown(path: str) -> str:
    return "from standard input" if path == "-" else path


def _contents(path: str, stdin: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    if path == "-":
        yield _shown(path), stdin.read()
        return
    place = Path(path)
    try:
        if not place.is_dir():
            yield path, place.read_bytes()
            return
        for file in sorted(place.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(place).parts)
            if file.suffix in _SUFFIXES and file.is_file() and not hidden:
                yield str(file), file.read_bytes()
    except OSError as error:
        raise ClusterError(
            f"the dump {error.filename or path} can't be read: {error.strerror}",
            fix="check --live and the file's permissions",
        ) from error


def _documents(name: str, content: bytes) -> Iterable[Any]:
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    if content[:1] in (b"{", b"["):
        try:
            return [orjson.loads(content)]
        except orjson.JSONDecodeError:
            return _concatenated(name, content)
    return _yaml_documents(name, content) if content else ()


def _concatenated(name: str, content: bytes) -> Iterator[Any]:
    """Reads one JSON document after another, as several `kubectl get >> FILE` write them."""
    decoder = json.JSONDecoder()
    text = content.decode(errors="replace")
    position = 0
    while position < len(text):
        try:
            document, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise ClusterError(
                f"the dump {name} isn't JSON: line {error.lineno}, column {error.colno}", fix=_FIX
            ) from None
        yield document
        while position < len(text) and text[position].isspace():
            position += 1


def _yaml_documents(name: str, content: bytes) -> Iterator[Any]:
    import yaml

    try:
        yield from yaml.load_all(content, Loader=_loader())
    except (yaml.YAMLError, ValueError) as error:
        # Its text quotes the line, which may hold a secret.
        mark = getattr(error, "problem_mark", None)
        where = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ClusterError(f"the dump {name} isn't YAML{where}", fix=_FIX) from None


def _loader() -> Any:
    """Gives a safe loader that reads strings and numbers as kubectl (which is Go) writes them."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag not in _STRINGS]
        for first, known in base.yaml_implicit_resolvers.items()
    }
    loader: Any = type("DumpLoader", (base,), {"yaml_implicit_resolvers": resolvers})
    loader.add_implicit_resolver("tag:yaml.org,2002:float", _GO_FLOAT, list("-+0123456789"))
    return loader


def _objects(name: str, number: int, document: Any) -> Iterator[JsonObject]:
    """Takes lists apart, and gives their items the kind that a typed list leaves out."""
    if document is None:
        return
    kind = document.get("kind") if isinstance(document, dict) else None
    api_version = document.get("apiVersion") if isinstance(document, dict) else None
    if not isinstance(kind, str) or not isinstance(api_version, str):
        raise ClusterError(
            f"the dump {name}: document {number} has no apiVersion and kind", fix=_FIX
        )
    items = document.get("items")
    if kind.endswith("List") and (isinstance(items, list) or (items is None and kind == "List")):
        of = {} if kind == "List" else {"apiVersion": api_version, "kind": kind[: -len("List")]}
        for item in items or ():
            yield from _objects(name, number, {**of, **item} if isinstance(item, dict) else item)
        return
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise ClusterError(
            f"the dump {name}: an object of kind {kind} in document {number} has no metadata.name",
            fix=_FIX,
        )
    yield document
