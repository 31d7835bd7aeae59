"""Reads looks at containers as `plumbline containers -o json` writes them, to measure by them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.container_files import FileState, FileType
from reconciler.core.containers import (
    ContainerLook,
    ContainerRef,
    FileDrift,
    NodeLook,
    WrittenPlace,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.errors import ConfigError
from reconciler.core.moments import moment_of
from reconciler.core.records import value_of

_SCHEMA: Final = "plumbline.dev/containers/v1"
_FIX: Final = "`plumbline containers --node-local -o json`, by this version, writes what is read"


def look_in(document: object) -> NodeLook:
    """Reads a look, as far as it is about files.

    Raises:
        ConfigError: It is no look, or not all that is needed is in it; says which field.
    """
    if not isinstance(document, Mapping) or document.get("schema") != _SCHEMA:
        raise ConfigError(f"schema: {_SCHEMA} is wanted", fix=_FIX)
    try:
        checked_at = value_of(str, document.get("checkedAt"), "checkedAt")
        if moment_of(checked_at) is None:
            raise ValueError("checkedAt: a moment is wanted")
        files = _files(document)
        looks = [
            _look(each, f"containers[{at}]", files)
            for at, each in enumerate(_list(document, "", "containers"))
        ]
        node = value_of(str, document.get("node"), "node")
    except ValueError as error:
        raise ConfigError(str(error), fix=_FIX) from None
    return NodeLook(node, checked_at, tuple(looks))


def _files(document: Mapping[str, Any]) -> Mapping[str, list[FileDrift]]:
    """Gives the drifts of files, by their containers' ids."""
    found: dict[str, list[FileDrift]] = defaultdict(list)
    for at, each in enumerate(_list(document, "", "drifts")):
        where = f"drifts[{at}]"
        drift = _map(each, where)
        if drift.get("type") != "File":
            continue
        container = _map(drift.get("container"), f"{where}.container")
        now = drift.get("now")
        is_folder = isinstance(now, Mapping) and now.get("type") == FileType.DIRECTORY
        state = FileState(FileType.DIRECTORY if is_folder else FileType.REGULAR, 0, 0, 0)
        found[value_of(str, container.get("containerId"), f"{where}.container.containerId")].append(
            FileDrift(
                value_of(str, drift.get("path"), f"{where}.path"),
                value_of(ChangeType, drift.get("change"), f"{where}.change"),
                Severity.LOW,
                "",
                None,
                state if isinstance(now, Mapping) else None,
            )
        )
    return found


def _look(value: object, where: str, files: Mapping[str, list[FileDrift]]) -> ContainerLook:
    held = _map(value, where)
    ref = _map(held.get("container"), f"{where}.container")
    named = {
        name: value_of(str, ref.get(key) or "", f"{where}.container.{key}")
        for name, key in (
            ("namespace", "namespace"),
            ("pod", "pod"),
            ("pod_uid", "podUid"),
            ("container", "container"),
            ("container_id", "containerId"),
            ("image", "image"),
        )
    }
    written = tuple(
        value_of(WrittenPlace, each, f"{where}.written[{at}]")
        for at, each in enumerate(_list(held, where, "written"))
    )
    unknown = value_of(tuple[str, ...], held.get("unknown"), f"{where}.unknown")
    return ContainerLook(
        ContainerRef(**named),
        tuple(files.get(named["container_id"], ())),
        unknown=unknown,
        started_at=value_of(str, held.get("startedAt") or "", f"{where}.startedAt"),
        written=written,
        shells=value_of(tuple[str, ...], held.get("shells") or [], f"{where}.shells"),
    )


def _map(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: an object is wanted")
    return value


def _list(held: Mapping[str, Any], where: str, name: str) -> list[Any]:
    value = held.get(name)
    if not isinstance(value, list):
        raise ValueError(f"{where}.{name}: a list is wanted".lstrip("."))
    return value
