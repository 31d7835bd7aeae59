"""Writes what is generated of the program for its readers, or says that it's out of date.

`python -m tests.tools.documents` writes config/schema.json, the tables of README.md, and what is
generated for the Helm chart;
`--check` writes nothing, and exits 1 where something differs. `--demo` runs the demo on a real
control plane besides, and writes what `plumbline check` said there into README.md.
"""

import argparse
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.cli.main import VERBS
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.report import Comparison, Report, Requests, Summary
from reconciler.core.resource import ResourceKey
from reconciler.render.json_schema import report_schema
from reconciler.settings import Settings
from reconciler.settings.configuration import configuration_schema
from tests.tools import chart_documents

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SCHEMA = ROOT / "config" / "schema.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Writes or checks; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.documents", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit 1 on a difference"
    )
    parser.add_argument("--demo", action="store_true", help="take the output of a real check, too")
    options = parser.parse_args(argv)
    stale = 0
    written = documents()
    if options.demo:
        output = f"```text\n{check_output(_demonstrated())}```\n"
        if settled(output) != settled(block_of(written[README], "check")):
            written[README] = with_block(written[README], "check", output)
    for file, text in written.items():
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if options.check:
            print(f"{file.relative_to(ROOT)} is out of date: python -m tests.tools.documents")
        else:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {file.relative_to(ROOT)}")
    return 1 if stale and options.check else 0


def documents() -> dict[Path, str]:
    """Gives every generated file's text."""
    readme = README.read_text(encoding="utf-8")
    blocks = {
        "verbs": verbs_text(),
        "settings": settings_text(),
        "report": report_text(),
        "metrics": metrics_text(),
    }
    for name, text in blocks.items():
        readme = with_block(readme, name, text)
    chart = chart_documents.README.read_text(encoding="utf-8")
    return {
        SCHEMA: _json(configuration_schema()),
        README: readme,
        chart_documents.README: with_block(chart, "values", chart_documents.values_table()),
        chart_documents.SCHEMA: chart_documents.schema_text(),
    }


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def block_of(readme: str, name: str) -> str:
    """Gives what stands between a block's two marks.

    Raises:
        ValueError: There is no such block.
    """
    found = re.search(_block(name), readme, re.DOTALL)
    if found is None:
        raise ValueError(f"README.md has no block {name!r}")
    return found[2]


def with_block(readme: str, name: str, text: str) -> str:
    """Gives the README with other words between a block's two marks.

    Raises:
        ValueError: There is no such block.
    """
    block_of(readme, name)
    return re.sub(_block(name), lambda m: f"{m[1]}{text}{m[3]}", readme, flags=re.DOTALL)


def _demonstrated() -> str:
    command = [sys.executable, "-m", "tests.demo", "--cluster", "real"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def check_output(demo: str) -> str:
    """Gives what `plumbline check` said in a demo, after the edits by hand.

    Raises:
        ValueError: It said nothing there.
    """
    found = re.search(r"\$ plumbline check\n(✗.*?\n)\n━━", demo, re.DOTALL)
    if found is None:
        raise ValueError("the demo shows no check that found something")
    return found[1]


def settled(output: str) -> str:
    """Takes out of a check's output what differs from run to run and from server to server."""
    output = re.sub(r"\d+ (list|get|dry-run)\b", r"(count) \1", output)
    output = re.sub(r"@ [0-9a-f]{7}\b", "@ (hash)", output)
    output = re.sub(r"\([0-9a-f]{4} → [0-9a-f]{4}\)", "(digests)", output)
    return re.sub(r"\d+ minutes? ago", "just now", output)


def _block(name: str) -> str:
    return rf"(<!-- {name} -->\n)(.*?)(<!-- end of {name} -->)"


def parser_of(verb: str) -> argparse.ArgumentParser:
    """Gives a verb's parser."""
    parser = argparse.ArgumentParser(prog=f"plumbline {verb}", add_help=False)
    import_module(f"reconciler.cli.{verb}").configure(parser)
    return parser


def flags_of(verb: str) -> Iterator[argparse.Action]:
    """Gives a verb's flags and words."""
    # argparse has no public way to list them.
    yield from parser_of(verb)._actions


def verbs_text() -> str:
    """Writes a list of verbs and, for each flag, which verbs have it."""
    lines = [f"- `plumbline {_usage(verb)}`: {text}." for verb, text in VERBS.items()]
    merged: dict[tuple[str, str], list[str]] = {}
    for verb in VERBS:
        for action in flags_of(verb):
            if action.option_strings:
                merged.setdefault((_flag(action), action.help or ""), []).append(verb)
    lines += ["", "| flag | verbs | meaning |", "|---|---|---|"]
    for (flag, text), verbs in merged.items():
        whose = "all" if len(verbs) == len(VERBS) else ", ".join(verbs)
        lines.append(f"| `{_cell(flag)}` | {whose} | {_cell(text)} |")
    return "\n".join(lines) + "\n"


def _usage(verb: str) -> str:
    words = [verb]
    for action in flags_of(verb):
        if not action.option_strings:
            word = str(action.metavar or action.dest)
            words.append({"*": f"[{word}…]", "?": f"[{word}]"}.get(str(action.nargs), word))
    return " ".join(words)


def _flag(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    if action.choices is not None:
        return f"{names} {'|'.join(map(str, action.choices))}"
    return f"{names} {action.metavar or action.dest.upper()}"


def settings_text() -> str:
    """Writes a table of all settings with defaults and meanings, from the dataclasses."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, default, meaning in settings(Settings):
        lines.append(f"| `{name}` | {default} | {_cell(meaning)} |")
    return "\n".join(lines) + "\n"


def report_text() -> str:
    """Writes a table of the report's fields, from its schema; what is nested has dotted names."""
    schema = report_schema()
    lines = ["| field | meaning |", "|---|---|"]
    fields_ = _fields_of(schema, schema, "", {})
    lines += [f"| `{name}` | {_cell(text)} |" for name, text in fields_]
    return "\n".join(lines) + "\n"


def metrics_text() -> str:
    """Writes a table of the controller's metrics, from the metrics of a cycle that did it all."""
    key = ResourceKey("", "ConfigMap", "shop", "web")
    report = Report(
        target="shop",
        revision="",
        checked_at="",
        comparison=Comparison.SERVER,
        summary=Summary(0, 0, 0, 0),
        requests=Requests(),
        drifts=(),
        outcomes=(Outcome(key, OutcomeType.RESTORED),),
    )
    metrics = Metrics()
    metrics.watch_leadership("shop", lambda: True)
    metrics.count_hook("woke")
    metrics.count_press("heeded")
    metrics.count_word("taken")
    metrics.tell_nodes(lambda: {"node": "2026-11-24T12:00:00Z"}, 300)
    metrics.saw(Cycle("shop", CycleResult.DONE, 0.0, report))
    lines = ["| metric | labels | kind | meaning |", "|---|---|---|---|"]
    for family in metrics.registry.collect():
        # The last sample: a histogram's first ones are its buckets, with a label of their own.
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in family.samples[-1].labels)
        lines.append(f"| `{name}` | {labels} | {family.type} | {_cell(family.documentation)} |")
    return "\n".join(lines) + "\n"


#: Parts that explain themselves once, and what is the same as `changes`.
_TOLD_ONCE = frozenset({"manager", "resource", "key", "source", "decision", "outcome", "explained"})


def _fields_of(
    part: dict[str, Any], schema: dict[str, Any], prefix: str, told: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Gives each field with its meaning.

    Args:
        part: The part of the schema whose fields they are.
        schema: All of it.
        prefix: What stands before their names.
        told: Which parts were told of, and at which field; the next one refers to it.
    """
    for name, field in part["properties"].items():
        many = "[]" if field.get("type") == "array" else ""
        inner = field.get("items", field)
        reference = next(
            (str(each["$ref"]) for each in (inner, *inner.get("anyOf", ())) if "$ref" in each), ""
        ).rpartition("/")[2]
        text = field.get("description", "")
        if reference in _TOLD_ONCE:
            names = ", ".join(f"`{each}`" for each in schema["$defs"][reference]["properties"])
            text = f"{text} {names}." if reference != "explained" else text
        elif choices := field.get("enum"):
            text = f"{text} {', '.join(f'`{each}`' for each in choices)}."
        field_name = f"{prefix}{name}{many}"
        if reference in told:
            yield field_name, f"{text} As `{told[reference]}`."
            continue
        yield field_name, text
        if reference and reference not in _TOLD_ONCE:
            told[reference] = field_name
            yield from _fields_of(schema["$defs"][reference], schema, f"{field_name}.", told)


def settings(kind: type, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Gives each setting's dotted name, its default as Markdown, and its meaning."""
    hints = get_type_hints(kind)
    meanings = _attributes(kind)
    for each in fields(kind):
        hint = hints[each.name]
        inner = next((t for t in (hint, *get_args(hint)) if _is_ours(t)), None)
        many = "[]" if inner is not None and inner is not hint else ""
        name = f"{prefix}{each.name}{many}"
        if inner is None:
            yield name, _default(each), meanings[each.name]
        else:
            yield from settings(inner, f"{name}.")


def _is_ours(kind: object) -> bool:
    return isinstance(kind, type) and is_dataclass(kind)


def _default(setting: "Field[Any]") -> str:
    value = setting.default
    if value is MISSING:
        return "required"
    if value is None:
        return "none"
    return f"`{value}`" if str(value) not in ("", "()") else "empty"


def _attributes(kind: type) -> dict[str, str]:
    """Reads the meanings out of a docstring's `Attributes:`."""
    _, _, text = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {6,}.*)*)", text, re.MULTILINE)
    return {name: re.sub(r"\s+", " ", meaning) for name, meaning in found}


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    sys.exit(main())
