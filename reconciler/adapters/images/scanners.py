"""Reports of vulnerability scanners, read from files."""

from pathlib import Path
from typing import Final

import orjson

from reconciler.core.errors import ConfigError
from reconciler.core.images.vulnerabilities import Scan, scans_of

#: A report of a whole cluster has tens of megabytes.
_LIMIT: Final = 512 << 20


def read_scans(file: Path) -> tuple[Scan, ...]:
    """Reads a report: Trivy's JSON, or SARIF.

    Raises:
        ConfigError: It can't be read, or is none of these.
    """
    fix = "write one by `trivy image --format json` (or sarif)"
    try:
        if file.stat().st_size > _LIMIT:
            raise ConfigError(f"{file} is larger than {_LIMIT >> 20} MiB", fix="split it up")
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}", fix=fix) from None
    try:
        found = scans_of(orjson.loads(content))
    except orjson.JSONDecodeError:
        found = None
    if found is None:
        raise ConfigError(f"{file} is no vulnerability report that we know", fix=fix)
    for scan in found:
        if not scan.digests and not scan.names:
            raise ConfigError(
                f"{file} doesn't say which image was scanned",
                fix="scan an image by its name in a registry, not a folder",
            )
    return found
