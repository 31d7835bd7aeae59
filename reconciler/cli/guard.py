"""`plumbline guard ACTION [TARGET…]`: admission policies, and the immutability audit."""

import argparse

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.looking import duration_of
from reconciler.cli.options import (
    add_cluster_options,
    add_live_option,
    add_namespace_option,
    add_output_options,
    add_source_options,
    add_target_names,
)
from reconciler.core.errors import ConfigError

_ACTIONS = ("render", "install", "status", "uninstall", "audit")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument(
        "action",
        choices=_ACTIONS,
        metavar="render|install|status|uninstall|audit",
        help="write the policies; install them; say how they are; take them away; audit manifests "
        "or, with --running or --live, workloads",
    )
    add_target_names(parser)
    add_source_options(parser, None, "compare this repository or folder")
    add_cluster_options(parser)
    add_namespace_option(parser)
    where = parser.add_mutually_exclusive_group()
    add_live_option(where)
    where.add_argument("--running", action="store_true", help="audit what the cluster holds")
    add_output_options(parser, ("text", "json", "yaml", "markdown"))
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="don't ask")
    how.add_argument("--dry-run", action="store_true", help="show the plan, and do nothing")
    how.add_argument(
        "--write", action="store_true", help="audit --fix: edit the files of --repo DIR in place"
    )
    parser.add_argument(
        "--fix",
        action="store_true",
        help="audit: open or update one pull request with the fixes that are safe",
    )
    parser.add_argument(
        "--measured",
        action="append",
        default=[],
        metavar="FILE|agents",
        help="audit: what containers wrote, by `plumbline containers --node-local -o json`, or as "
        "node agents told the controller: says which could do with a read-only root; may be "
        "repeated",
    )
    parser.add_argument(
        "--measured-for",
        type=duration_of,
        metavar="DURATION",
        help="audit --measured: so long a container must have run (default: 1h)",
    )
    parser.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="ID",
        help="audit --fix: fix this rule's findings alone, be it one that may break a program; "
        "may be repeated",
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Does what the action's word says.

    Raises:
        PlumblineError: It couldn't be done or told.
    """
    stray = [
        name
        for name in ("fix", "write", "rule", "measured", "measured_for")
        if getattr(options, name)
    ]
    if stray and options.action != "audit":
        flag = stray[0].replace("_", "-")
        raise ConfigError(f"--{flag} goes with guard audit", fix="leave it out")
    match options.action:
        case "render":
            from reconciler.cli.guard_policies import render

            return render(options)
        case "status":
            from reconciler.cli.guard_policies import status

            return status(options)
        case "install":
            from reconciler.cli.guard_install import install

            return install(options)
        case "uninstall":
            from reconciler.cli.guard_install import uninstall

            return uninstall(options)
        case _:
            from reconciler.cli.guard_audit import audit

            return audit(options)
