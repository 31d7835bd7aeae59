"""Addresses to listen at, as people write them: `127.0.0.1:8080`, `:8443`."""

from reconciler.core.errors import ConfigError


def address_of(field: str, text: str) -> tuple[str, int]:
    """Reads a host and a port; without a host, all of this machine's addresses are meant.

    Args:
        field: The setting's name, for the message.
        text: As `HOST:PORT`.

    Raises:
        ConfigError: There is no port.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal():
        raise ConfigError(f"{field}: {text!r} has no port", fix="write HOST:PORT")
    return host or "0.0.0.0", int(port)  # noqa: S104 - asked for
