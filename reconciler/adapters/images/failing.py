"""How a registry failed, in our words: what was asked, why it can't be told, and what helps.

Nothing that a registry says is quoted: who may push to it, or stands before it, writes that.
"""

from dataclasses import dataclass

from requests import exceptions

from reconciler.core.errors import RegistryError


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that a registry was asked.

    Attributes:
        host: The registry, as in an image's name, and the mirror that is asked, if any.
        what: What was asked for, such as `tags of library/nginx`.
    """

    host: str
    what: str

    def refused(self, status: int, *, known: bool) -> RegistryError:
        """Makes an error of an answer that is neither a success nor an absence.

        Args:
            status: HTTP's.
            known: Whether we had credentials to show.
        """
        if status in (401, 403):
            why = "doesn't accept our credentials" if known else "wants credentials"
            return RegistryError(
                f"registry {self.host} {why} ({status})",
                fix=f"`docker login {self.host}`, or let us read the pods' pull secrets",
            )
        if status == 429:
            return RegistryError(
                f"registry {self.host} was asked too often (429)",
                fix="log in, ask it less often, or name a mirror in images.registries",
            )
        if status >= 500:
            return RegistryError(
                f"registry {self.host} has trouble of its own ({status})",
                fix="look at the registry if it lasts",
            )
        return self.strange(f"it answers {status}")

    def unreachable(self, error: exceptions.RequestException) -> RegistryError:
        """Makes an error of a request that got no answer; the error's own words aren't quoted."""
        match error:
            case exceptions.SSLError():
                return RegistryError(
                    f"registry {self.host} has a certificate that isn't trusted, or speaks no TLS",
                    fix="name the file of its authority, or plain_http, in images.registries",
                )
            case exceptions.ProxyError():
                reason = "can't be reached through the proxy"
                fix = "check HTTPS_PROXY and NO_PROXY"
            case exceptions.Timeout():
                reason, fix = "didn't answer in time", "check its address and health"
            case exceptions.ConnectionError():
                reason, fix = "can't be reached", "check its address and the network"
            case _:
                reason, fix = "sends answers that break off or are too long", "check its address"
        return RegistryError(f"registry {self.host} {reason}", fix=fix)

    def strange(self, why: str) -> RegistryError:
        """Makes an error of an answer that isn't as the specification has it."""
        return RegistryError(
            f"registry {self.host}, asked for {self.what}: {why}",
            fix="check its address, and what stands before it",
        )
