"""What outlives a run: keys, sightings, inventories, the history. Where it is kept, by settings."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.errors import ConfigError
from reconciler.settings import DecryptProvider, Settings, TargetSettings, VerifyMode, surroundings
from reconciler.settings.named_files import bytes_named

if TYPE_CHECKING:
    from reconciler.adapters.history.database import DatabaseHistory
    from reconciler.adapters.sources.sops import Sops
    from reconciler.adapters.sources.verifying import Verification
    from reconciler.core.redact import Redaction
    from reconciler.ports import AcceptedRevision, InventoryStore, Sightings

_LEAST_KEY = 16


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered about one target.

    Attributes:
        redaction: Masks secrets, always by the same key, so that digests can be compared.
        sightings: Remembers since when drifts are seen.
        inventory: Remembers what was declared.
    """

    redaction: "Redaction"
    sightings: "Sightings"
    inventory: "InventoryStore"


def memory_of(settings: Settings, identity: str) -> Memory:
    """Gives what this installation remembers about a target, in its state folder.

    Args:
        settings: Where that is.
        identity: Names the target, its source and its cluster.
    """
    from reconciler.adapters.history.inventory import InventoryFile
    from reconciler.adapters.history.key import installation_key
    from reconciler.adapters.history.sightings import SightingFile
    from reconciler.core.redact import Redaction

    state = state_folder(settings)
    return Memory(
        Redaction(installation_key(state / "digest.key")),
        SightingFile(state / identity / "sightings.json"),
        InventoryFile(state / identity / "inventory.json"),
    )


def shared_memory_of(
    settings: Settings, target: str, identity: str, history: "DatabaseHistory"
) -> Memory:
    """Gives what all replicas remember about a target that is kept true.

    Raises:
        ConfigError: The file that holds the key can't be read, or holds too little.
    """
    from reconciler.adapters.history.inventory import InventoryFile
    from reconciler.adapters.history.sightings import KnownSightings
    from reconciler.core.redact import Redaction

    file = InventoryFile(state_folder(settings) / identity / "inventory.json")
    return Memory(
        Redaction(history_key(settings)),
        KnownSightings(history, target),
        history.inventory(target) if settings.history.database else file,
    )


def verification_of(
    settings: Settings, target: TargetSettings, history: "DatabaseHistory | None"
) -> "Verification | None":
    """Gives whose commits of a target are good; None where no signature is asked for.

    Args:
        settings: For the folder of what was accepted last.
        target: Whose source.
        history: Where that is kept in place of the folder, if given.
    """
    verify = target.source.verify
    if not verify.keys:
        return None
    from reconciler.adapters.sources.verifying import Verification

    forward = verify.mode is VerifyMode.FORWARD
    return Verification(
        keys=tuple(map(Path, verify.keys)),
        accepted=accepted_of(settings, target, history) if forward else None,
        exception=verify.accept,
        environ=surroundings().variables,
    )


def sops_of(settings: Settings, target: TargetSettings) -> "Sops | None":
    """Gives what decrypts a target's encrypted files; None where nothing does."""
    decrypt = target.source.decrypt
    if decrypt.provider is DecryptProvider.NONE:
        return None
    from reconciler.adapters.sources.sops import Sops

    return Sops(
        program=settings.programs.sops,
        environ=surroundings().variables,
        age_key_file=Path(decrypt.age_key_file) if decrypt.age_key_file else None,
        kms=tuple(str(each) for each in decrypt.kms),
    )


def accepted_of(
    settings: Settings, target: TargetSettings, history: "DatabaseHistory | None"
) -> "AcceptedRevision":
    """Gives what remembers the commit that a target was last compared with.

    Args:
        settings: Where that is.
        target: Which target; another branch or folder of the repository is another one.
        history: What all replicas share, where the target is kept true; None for a file.
    """
    from reconciler.adapters.history.accepted import AcceptedFile, SharedAccepted

    if history is not None:
        return SharedAccepted(history.notices(target.name), lambda: datetime.now(UTC))
    source = target.source
    text = "\0".join((target.name, source.repo, source.ref, source.path))
    named = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=10).hexdigest()
    return AcceptedFile(state_folder(settings) / "accepted" / named)


def open_history(settings: Settings, *, create: bool = True) -> "DatabaseHistory":
    """Opens the history: the configured database, or a file in the state folder.

    Raises:
        ConfigError: The setting names no database.
        HistoryError: It can't be reached, or there is none and none is to be made.
    """
    from reconciler.adapters.history.database import DatabaseHistory

    database = settings.history.database or str(state_folder(settings) / "history.db")
    return DatabaseHistory.open(database, history_key(settings), create=create)


def history_key(settings: Settings) -> bytes:
    """Gives the secret key of the history's chain, and of the digests that it holds.

    Raises:
        ConfigError: The file that holds it can't be read, or holds too little.
    """
    from reconciler.adapters.history.key import installation_key

    if not settings.history.key_file:
        return installation_key(state_folder(settings) / "digest.key")
    key = bytes_named("history.key_file", settings.history.key_file)
    if len(key) < _LEAST_KEY:
        raise ConfigError(
            f"history.key_file: the key is shorter than {_LEAST_KEY} bytes",
            fix="make one: head -c 32 /dev/urandom | base64",
        )
    return hashlib.sha256(key).digest()


def state_folder(settings: Settings) -> Path:
    """Gives the folder of what can't be had again."""
    return Path(settings.state_dir) if settings.state_dir else surroundings().state_dir


def cache_folder(settings: Settings) -> Path:
    """Gives the folder of what can be had again."""
    return Path(settings.cache_dir) if settings.cache_dir else surroundings().cache_dir
