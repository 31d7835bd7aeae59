"""Small images for tests, written as an OCI image layout in a tar: no registry, no builder."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.tools.node.packages import BUSYBOX

_APPLETS = ("sh", "sleep", "cat", "ls", "id", "wget", "httpd", "rm", "mv", "cp", "chmod", "echo")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"

FOREVER = ("/bin/sleep", "2147483647")
"""A command that does nothing, for longer than any test."""


def write_busybox(
    path: Path,
    *names: str,
    command: Sequence[str] = FOREVER,
    files: Mapping[str, str] | None = None,
    programs: Mapping[str, Path] | None = None,
    user: str = "0",
) -> Path:
    """Writes an image of busybox and a few files.

    Args:
        path: The tar that is written.
        names: The image's full names, such as `localhost/web:1`.
        command: What a container of it runs.
        files: Further files, by path without a leading `/`.
        programs: Further programs, by path likewise, and what of this machine they are.
        user: As whom it runs it, as a number.

    Returns:
        The tar, for `Node.import_image`.

    Raises:
        OSError: It can't be written, or busybox isn't here.
    """
    blobs: dict[str, bytes] = {}

    def keep(kind: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    layer = keep(_LAYER, _layer(files or {}, programs or {}))
    machine = platform.machine()
    config = {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Cmd": list(command), "Env": ["PATH=/bin"], "User": user},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    described = keep(_CONFIG, json.dumps(config).encode())
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": described, "layers": [layer]}
    head = keep(_MANIFEST, json.dumps(manifest).encode())
    heads = [{**head, "annotations": {"io.containerd.image.name": name}} for name in names]
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": heads}
    blobs["index.json"] = json.dumps(index).encode()
    blobs["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    with tarfile.open(path, "w") as tar:
        for each, content in blobs.items():
            _add(tar, each, content)
    return path


def _layer(files: Mapping[str, str], programs: Mapping[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "etc", "tmp"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(info)
        _add(tar, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        for applet in _APPLETS:
            info = tarfile.TarInfo(f"bin/{applet}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)
        for name, text in files.items():
            _add(tar, name, text.encode())
        for name, program in programs.items():
            _add(tar, name, program.read_bytes(), 0o755)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))
