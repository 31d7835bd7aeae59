"""The TLS side of a connection, from what a kubeconfig says."""

import os
import ssl
import tempfile
from pathlib import Path

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.credentials import ClientCertificate
from reconciler.core.errors import ConfigError


def tls_context(access: Access, certificate: ClientCertificate | None) -> ssl.SSLContext:
    """Makes the context of all connections to one server.

    Raises:
        ConfigError: A certificate or key is unusable.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif access.ca:
        try:
            context.load_verify_locations(cadata=access.ca)
        except (ssl.SSLError, ValueError) as error:
            raise ConfigError(
                f"certificate-authority of {access.described} isn't a PEM certificate",
                fix="let the tool that made this kubeconfig make it anew",
            ) from error
    else:
        context.load_default_certs()
    if certificate is not None:
        _load_pair(context, certificate, access.described)
    return context


def _load_pair(context: ssl.SSLContext, pair: ClientCertificate, described: str) -> None:
    """Hands a key to OpenSSL, which takes it from a file only: ours alone, and gone at once."""
    handle, name = tempfile.mkstemp(prefix="plumbline-")  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pair.certificate.rstrip() + b"\n" + pair.key)
        # A password is never asked for on the terminal: that would hang a controller.
        context.load_cert_chain(name, password=b"")
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(
            f"client-certificate and client-key of {described} aren't a pair of PEM "
            "certificate and key without a password",
            fix="let the tool that made this kubeconfig make it anew",
        ) from error
    finally:
        Path(name).unlink(missing_ok=True)
