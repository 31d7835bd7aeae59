"""A first configuration file as text, with comments."""

import re
from collections.abc import Iterator, Sequence

from reconciler.settings import TargetSettings

#: What YAML reads as the text that it is. Everything else is quoted.
#: (A dot alone doesn't begin a word: YAML reads `.0` as a number.)
_PLAIN = re.compile(r"([A-Za-z/]|\.{1,2}(?=/|\Z))[A-Za-z0-9._/@-]*(:[A-Za-z0-9._/@-]+)*\Z")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def configuration_text(
    target: TargetSettings, context: str = "", left_out: Sequence[str] = ()
) -> str:
    """Writes a commented configuration file that says what this target says."""
    source = target.source
    lines = [
        "# What Plumbline keeps true. `plumbline doctor` checks it; the README has every setting.",
        "targets:",
        f"  - name: {_scalar(target.name)}",
        "    # Where it is declared, and how the manifests are made of it.",
        "    source:",
        f"      repo: {_scalar(source.repo)}",
    ]
    lines += [
        f"      {name}: {_scalar(value)}"
        for name in ("ref", "path", "release")
        if (value := getattr(source, name))
    ]
    lines.append(f"      render: {_scalar(source.render)}")
    if source.values:
        lines.append(f"      values: {_sequence(source.values)}")
    if target.namespace:
        lines += [
            "    # For manifests that name no namespace.",
            f"    namespace: {_scalar(target.namespace)}",
        ]
    lines += _scope_lines(target.scope.namespaces, left_out)
    lines += [
        "    # What is not drift, each with its reason, such as:",
        "    # ignore:",
        "    #   - kind: Deployment",
        "    #     path: spec.replicas",
        '    #     reason: "scaled by the on-call team"',
        "    #     until: 2030-12-31",
    ]
    if context:
        lines += [
            "# Named, so that another current context is never compared by mistake.",
            "cluster:",
            f"  context: {_scalar(context)}",
        ]
    return "\n".join(lines) + "\n"


def _scope_lines(namespaces: Sequence[str], left_out: Sequence[str]) -> Iterator[str]:
    if left_out:
        names = ", ".join(left_out)
        yield f"    # Not in scope: {names}, where much lives that nobody declares."
    if namespaces:
        yield "    # Objects that are live there and not declared are told of."
        yield f"    scope: {{namespaces: {_sequence(namespaces)}}}"
    else:
        yield "    # To be told of objects that are live and not declared, name namespaces:"
        yield "    # scope: {namespaces: [shop]}"


def _sequence(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_scalar, values)) + "]"


def _scalar(text: str) -> str:
    """Writes a text so that YAML reads exactly it."""
    if _PLAIN.match(text) and text.casefold() not in _WORDS:
        return str(text)
    return '"' + "".join(c if _is_harmless(c) else f"\\U{ord(c):08x}" for c in text) + '"'


def _is_harmless(char: str) -> bool:
    return char.isprintable() and char not in '"\\'
