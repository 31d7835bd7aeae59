"""Has Git declare fixes: finds the edits of a target's files, and proposes them."""

from reconciler.bootstrap import open_source
from reconciler.core.fixes import Fixing, Purpose, Wanted
from reconciler.forging import repository_of
from reconciler.settings import Settings, TargetSettings
from reconciler.submitting import submit_fixes


def fixing_of(
    settings: Settings,
    target: TargetSettings,
    purpose: Purpose,
    wanted: Wanted,
    revision: str,
    namespace: str,
) -> Fixing:
    """Finds the edits by which Git declares what is wanted. Writes nothing; see `fixing.fix`.

    Args:
        settings: For the programs and folders.
        target: Whose files.
        purpose: Why.
        wanted: What is to be declared.
        revision: At which commit (or plain folder) that was found.
        namespace: Of objects whose manifests name none.

    Raises:
        PlumblineError: Git or a renderer can't be asked.
    """
    from reconciler.adapters.manifests.editor import TextEditor
    from reconciler.adopting.fixing import fix

    source = open_source(settings, target, lambda: namespace)
    with source.draft(revision) as draft:
        return fix(purpose, target.name, revision, namespace, wanted, draft, TextEditor())


def propose_fixes(settings: Settings, target: TargetSettings, fixing: Fixing) -> str:
    """Opens the fixes' pull request, or brings it up to date, and gives its URL; empty for none.

    Raises:
        ConfigError: No forge is configured, or not as it must be.
        ForgeError: The forge can't be asked, or refuses.
        SourceError: The branch can't be pushed.
    """
    pull = submit_fixes(fixing, repository_of(settings, target))
    return pull.url if pull is not None else ""
