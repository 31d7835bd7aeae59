"""What `propose --mode profile` does: learned profiles of images, as a file in Git."""

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.cli.editing import folder_of, refuse_no_way
from reconciler.cli.exit_codes import ExitCode
from reconciler.core.errors import ConfigError, ManifestError
from reconciler.core.resource import JsonObject

if TYPE_CHECKING:
    from reconciler.core.learned import ProfileProposal, Window
    from reconciler.core.profiles import Profiles
    from reconciler.ports import Draft
    from reconciler.settings import Settings, TargetSettings


def refuse_for_profile(options: argparse.Namespace) -> None:
    """Refuses flags that say nothing of profiles.

    Raises:
        ConfigError: One was given, or no file was.
    """
    stray = [name for name in ("id", "live", "offline", "fresh") if getattr(options, name)]
    if stray:
        raise ConfigError(f"--{stray[0]} is about objects, not profiles", fix="leave it out")
    if not options.learned:
        raise ConfigError(
            "--mode profile proposes what was learned, and --learned names no file",
            fix="`plumbline containers --node-local --learn FILE` writes one on each machine",
        )


def propose_profile(
    settings: "Settings",
    target: "TargetSettings",
    options: argparse.Namespace,
    documents: list[JsonObject],
) -> ExitCode:
    """Opens the pull request of a target's profiles, or brings the open one up to date.

    Raises:
        PlumblineError: A file can't be read, or Git or the forge can't be asked.
    """
    folder = folder_of(target)
    refuse_no_way(target, options, folder)
    repository = None
    if not (options.dry_run or options.write):
        from reconciler.forging import repository_of

        repository = repository_of(settings, target)
    proposal = _proposal(settings, target, options.learned)
    url = ""
    if options.write and folder is not None:
        from reconciler.adapters.sources.inplace import write_files

        write_files(folder, {proposal.path: proposal.before}, proposal.files)
    elif repository is not None:
        from reconciler.submitting import submit_profile

        pull = submit_profile(proposal, repository)
        url = pull.url if pull is not None else ""
    _show(proposal, url, options, documents)
    return ExitCode.DRIFT if options.dry_run and proposal.files else ExitCode.DONE


def _proposal(
    settings: "Settings", target: "TargetSettings", files: Sequence[str]
) -> "ProfileProposal":
    from reconciler.bootstrap import open_source
    from reconciler.core.learned import ProfileProposal
    from reconciler.core.profile_merging import beyond, merged
    from reconciler.render.profile_documents import profiles_text

    learned, windows = _learned(files)
    source = open_source(settings, target, lambda: target.namespace or "default")
    revision = source.fetch().revision
    path = settings.agents.profiles
    with source.draft(revision) as draft:
        before = draft.text(path)
        base = _held(path, before)
        made = merged(base, learned)
        text, added = profiles_text(made), beyond(base, made)
        if added.images and before is None:
            _refuse_as_manifest(draft, path, text)
    return ProfileProposal(target.name, revision, path, before, text, added, tuple(windows))


def _refuse_as_manifest(draft: "Draft", path: str, text: str) -> None:
    """Refuses a place where the file would be read as a manifest, and be none.

    Raises:
        ConfigError: It is one.
        SourceError: The renderer can't be asked.
    """
    try:
        draft.rendered({path: text})
    except ManifestError:
        raise ConfigError(
            f"agents.profiles: the target's manifests couldn't be read with {path} beside them",
            fix="name a file in a hidden folder, such as .plumbline/profiles.json",
        ) from None


def _learned(files: Sequence[str]) -> "tuple[Profiles, list[Window]]":
    from reconciler.cli.profiles_file import read_learned
    from reconciler.core.profile_merging import merged
    from reconciler.core.profiles import Profiles

    profiles = Profiles()
    windows: list[Window] = []
    for file in files:
        more, seen = read_learned(file, "--learned")
        profiles = merged(profiles, more)
        windows += seen
    return profiles, windows


def _held(path: str, text: str | None) -> "Profiles":
    """Reads the file that Git has.

    Raises:
        ConfigError: It is something else.
    """
    from reconciler.core.profiles import Profiles, profiles_of

    if text is None:
        return Profiles()
    try:
        return profiles_of(json.loads(text))
    except (ValueError, RecursionError):
        raise ConfigError(f"{path} in Git is no JSON", fix="mend it, or move it away") from None
    except ConfigError as error:
        raise ConfigError(f"{path} in Git: {error.message}", fix=error.fix) from None


def _show(
    proposal: "ProfileProposal", url: str, options: argparse.Namespace, documents: list[JsonObject]
) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.profile_proposals import proposal_document, proposal_text

    if options.output == "json":
        documents.append(proposal_document(proposal, url))
        return
    write(proposal_text(proposal, style_of(options)))
    if url:
        write(f"Pull request: {url}")
    elif options.write and proposal.files:
        write("Written; look at it, and commit it.")
