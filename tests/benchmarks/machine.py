"""What the figures were measured on."""

import os
import platform
import subprocess
from pathlib import Path

from tests.tools.controlplane import ControlPlane


def machine_line(plane: ControlPlane) -> str:
    """Names processors, memory and versions in one line."""
    server = plane.kubectl("version", "-o", "yaml").stdout
    versions = [line.split()[-1] for line in server.splitlines() if "gitVersion" in line]
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout
    parts = (
        f"{os.cpu_count()} processors ({_processor()})",
        _memory(),
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        f"kubectl {versions[0]}, kube-apiserver {versions[-1]}",
        git.strip().replace("version ", ""),
    )
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    return _field(Path("/proc/cpuinfo"), "model name") or platform.machine()


def _memory() -> str:
    kib = _field(Path("/proc/meminfo"), "MemTotal").removesuffix("kB").strip()
    return f"{int(kib) / 1024**2:.0f} GiB" if kib else ""


def _field(file: Path, name: str) -> str:
    if not file.exists():
        return ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return ""
