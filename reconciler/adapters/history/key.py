"""The secret key of this installation's digests."""

import secrets
from contextlib import suppress
from pathlib import Path

from reconciler.adapters.files import write_private

_SIZE = 32


def installation_key(path: Path) -> bytes:
    """Gives the key that is kept in a file, made when it's first wanted.

    Where it can't be kept, a key for this run alone: digests then differ from run to run.
    """
    with suppress(OSError):
        key = path.read_bytes()
        if len(key) == _SIZE:
            return key
    key = secrets.token_bytes(_SIZE)
    with suppress(OSError):
        write_private(path, key)
    return key
