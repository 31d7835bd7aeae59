"""The TLS side of what API servers and forges call."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from reconciler.core.errors import ConfigError


@dataclass(frozen=True, slots=True, repr=False)
class Tls:
    """The server's certificate, and whom it lets in.

    Attributes:
        certificate: PEM file: the server's, with those between it and its authority.
        key: PEM file, without a password.
        client_authority: PEM file; if set, a client must show a certificate signed by it.
        client_names: Common names of the clients that are let in; empty for all of that authority.
    """

    certificate: Path
    key: Path
    client_authority: Path | None = None
    client_names: frozenset[str] = frozenset()

    def stamp(self) -> tuple[int, ...]:
        """Tells renewed files from those before; empty where one isn't there."""
        files = (self.certificate, self.key, self.client_authority)
        try:
            return tuple(file.stat().st_mtime_ns for file in files if file is not None)
        except OSError:
            return ()

    def context(self) -> ssl.SSLContext:
        """Makes the context of all connections.

        Raises:
            ConfigError: A file is unusable.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key, password=b"")
            if self.client_authority is not None:
                context.load_verify_locations(self.client_authority)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ValueError) as error:
            # ssl.SSLError is an OSError; its text names no file and no secret.
            files = [str(self.certificate), str(self.key)]
            files += [str(self.client_authority)] if self.client_authority else []
            raise ConfigError(
                f"no TLS server can be made of {', '.join(files)}: {error}",
                fix="give a PEM certificate with its key (without a password)",
            ) from error
        return context


def tls_named(certificate: str, key: str, client_authority: str = "") -> Tls | None:
    """Gives the TLS side of files that settings name; None where no certificate is named."""
    if not certificate:
        return None
    authority = Path(client_authority) if client_authority else None
    return Tls(Path(certificate), Path(key), authority)
