"""`python -m tests.tools.schema [--check]`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.tools.controlplane import ControlPlane
from tests.tools.schema import gofacts, published, table

_TABLE = Path(__file__).resolve().parents[3] / "reconciler" / "data" / "schema.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the table, or compares it; returns 0, or 1 where a check finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if it differs")
    parser.add_argument("--gotypes", type=Path, help="a built gotypes/main.go (default: build it)")
    options = parser.parse_args(argv)
    with ControlPlane() as plane:
        found = published.read(lambda path: plane.kubectl("get", "--raw", path).stdout.encode())
    made = table.dumped(table.make(found, gofacts.read(found.kinds, options.gotypes)))
    if options.check:
        if _TABLE.is_file() and _TABLE.read_text(encoding="utf-8") == made:
            return 0
        print(f"{_TABLE} differs; run python -m tests.tools.schema", file=sys.stderr)
        return 1
    _TABLE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
