"""`plumbline explain KIND/NAME`: every field of one object, and where it comes from."""

import argparse
from datetime import UTC, datetime

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import add_output_options, add_target_options, settings_of, targets_of
from reconciler.core.errors import ConfigError
from reconciler.core.explain import Explanation, Origin


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument("object", metavar="KIND/NAME", help="such as deployment/web or deploy/web")
    add_target_options(parser, many=False)
    add_output_options(parser, ("text", "json"))


def run(options: argparse.Namespace) -> ExitCode:
    """Explains one object.

    Raises:
        PlumblineError: A side couldn't be read at all, or there is no such object.
    """
    from reconciler.bootstrap import How, open_target
    from reconciler.cli.progress import Progress, announced
    from reconciler.explanation import explain_object

    kind, slash, name = options.object.partition("/")
    if not (kind and slash and name):
        raise ConfigError(
            f"{options.object!r} names no object", fix="write KIND/NAME, such as deployment/web"
        )
    settings = settings_of(options)
    names = [options.target] if options.target else []
    how = How(dump=options.live, offline=options.offline, fresh=options.fresh)
    namespace = options.namespace[0] if options.namespace else ""
    targets = targets_of(options, settings, names)
    with Progress() as progress, open_target(settings, targets[0], how) as opened:
        explanation = explain_object(announced(opened.target, progress), kind, name, namespace)
    _print(explanation, options)
    if explanation.note.startswith("unreadable"):
        return ExitCode.COULD_NOT
    drifted = not explanation.fields or any(f.origin is Origin.DRIFT for f in explanation.fields)
    return ExitCode.DRIFT if drifted else ExitCode.DONE


def _print(explanation: Explanation, options: argparse.Namespace) -> None:
    from reconciler.cli.output import style_of, write

    if options.output == "json":
        from reconciler.render.document import explanation_document
        from reconciler.render.serialized import json_text

        write(json_text(explanation_document(explanation)))
        return
    from reconciler.render.explanations import explanation_text

    write(explanation_text(explanation, style_of(options), datetime.now(UTC)))
