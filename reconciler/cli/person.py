"""Who speaks: as the history will name the person at this machine."""

import getpass
import os
import socket


def person() -> str:
    """Names the user and the machine, such as `jane@bastion`."""
    return f"{_user()}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return f"uid-{os.getuid()}"
