"""How to reach one API server, found in a kubeconfig or in a pod."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.adapters.cluster.credentials import Credentials


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """How to reach one API server. Not shown, because of what it holds.

    Attributes:
        server: Its address, such as `https://10.0.0.1:6443`, perhaps with a path.
        credentials: Who we are to it.
        ca: The PEM certificates that it is verified with; empty for the system's own.
        verify: Whether it is verified at all.
        server_name: The name expected in its certificate; empty for the address's own.
        proxy: The proxy's address; empty for none.
        namespace: For what names none; empty where the user's configuration names none either.
        context: The kubeconfig's context; empty for a pod's own account.
        acting_as: As which user, and as which group besides, every request is made; empty for
            nobody but us.
    """

    server: str
    credentials: Credentials
    ca: str = ""
    verify: bool = True
    server_name: str = ""
    proxy: str = ""
    context: str = ""
    namespace: str = ""
    acting_as: tuple[str, str] = ("", "")

    @property
    def described(self) -> str:
        """What the user calls it, for messages."""
        return f"context {self.context!r}" if self.context else "this pod's service account"

    @property
    def address(self) -> str:
        """The server's address, without what else an address may hold, such as a password."""
        parts = urlsplit(self.server)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Where a pod finds the account it runs as.

    Attributes:
        folder: Holds `token` and `ca.crt`.
        server: The API server's address; the name works wherever the cluster's DNS does, and is
            used where a pod isn't told another one.
    """

    folder: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    server: str = "https://kubernetes.default.svc"
