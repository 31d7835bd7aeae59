"""Baseline files: what `check --baseline` reads, and `--write-baseline` writes."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from reconciler.core.acceptance import accepted
from reconciler.core.baseline import KnownDrift, baseline_document, baseline_of, read_baseline
from reconciler.core.errors import ConfigError
from reconciler.core.report import Report

#: A baseline of 10,000 drifts has 5 MB.
_LIMIT = 64 << 20


def set_aside(reports: Sequence[Report], file: str) -> list[Report]:
    """Sets aside what a baseline knows.

    Raises:
        ConfigError: The file isn't there, or is no baseline.
    """
    baseline = load(file)
    return [accepted(report, baseline) for report in reports]


def rewrite(reports: Sequence[Report], file: str) -> str:
    """Writes all drifts of some reports into a baseline; reasons that it gives stay.

    Returns:
        What was done, in a sentence.

    Raises:
        ConfigError: The file is no baseline, or can't be written.
    """
    before: tuple[KnownDrift, ...] = load(file) if Path(file).exists() else ()
    entries = before
    for report in reports:
        entries = baseline_of(report.target, report.drifts, entries)
    _save(Path(file), _text(entries, file))
    count = "1 drift is" if len(entries) == 1 else f"{len(entries):,} drifts are"
    unsaid = sum(not entry.reason for entry in entries)
    return f"{file}: {count} known now; {unsaid:,} without a reason"


def load(file: str) -> tuple[KnownDrift, ...]:
    """Reads a baseline.

    Raises:
        ConfigError: The file isn't there, or is no baseline.
    """
    import yaml

    try:
        with Path(file).open("rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise ConfigError(f"--baseline {file} is no file", fix="name a file")
            content = opened.read(_LIMIT + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"--baseline {file} isn't there", fix="write it first with --write-baseline"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"--baseline {file} can't be read: {error.strerror}", fix="check its rights"
        ) from None
    if len(content) > _LIMIT:
        raise ConfigError(f"--baseline {file} is too long to be one", fix="write it anew")
    try:
        document = yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError(
            f"--baseline {file} is no YAML", fix="resolve a merge's conflicts, or write it anew"
        ) from None
    return read_baseline(document, file)


def _text(entries: Sequence[KnownDrift], file: str) -> str:
    from reconciler.render.serialized import json_text, yaml_text

    document = baseline_document(entries)
    return json_text(document) if file.endswith(".json") else yaml_text(document)


def _save(file: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(
            f"--baseline {file} can't be written: {error.strerror}", fix="check the folder"
        ) from None
