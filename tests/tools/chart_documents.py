"""What is generated of the program for its Helm chart: the schema of the values, their table."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.settings.configuration import configuration_schema

CHART = Path(__file__).resolve().parents[2] / "deploy" / "chart"
VALUES = CHART / "values.yaml"
SCHEMA = CHART / "values.schema.json"
README = CHART / "README.md"

_LINE = re.compile(r"( *)(\w+):(?: (\S.*?))?(?: # (.*))?\Z")
#: Written by hand in the schema; all other definitions are the configuration's.
_OWN = "PolicyRule"


def schema_text() -> str:
    """Gives the schema of the values, with the configuration's as the program has it now."""
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    config = configuration_schema()
    definitions: dict[str, Any] = config.pop("$defs")
    for name in ("$schema", "title"):
        config.pop(name)
    schema["properties"]["config"] = config
    schema["$defs"] = {_OWN: schema["$defs"][_OWN], **definitions}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def values() -> Iterator[tuple[str, str, str]]:
    """Gives every value's name, default and meaning, as `values.yaml` has them.

    Raises:
        ValueError: A line has no meaning, or isn't of the form that this reads.
    """
    path: list[str] = []
    for line in VALUES.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line)
        if found is None:
            raise ValueError(f"values.yaml: {line!r} is not `name: value # meaning`")
        indent, name, default, meaning = found.groups()
        path = [*path[: len(indent) // 2], name]
        if default is None:
            continue
        if not meaning:
            raise ValueError(f"values.yaml: {'.'.join(path)} has no meaning")
        yield ".".join(path), default, meaning


def values_table() -> str:
    """Writes the table of all values."""
    lines = ["| value | default | meaning |", "|---|---|---|"]
    lines += [f"| `{n}` | `{d}` | {m.replace('|', chr(92) + '|')} |" for n, d, m in values()]
    return "\n".join(lines) + "\n"
