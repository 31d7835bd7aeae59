"""Has a controller say when it writes to its history, so that it can be struck there."""

_PRELUDE = """
import http.client
from reconciler.adapters.history.database import DatabaseHistory
def stepping(port, real=DatabaseHistory.append):
    def says(when):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/-/history/" + when)
        connection.getresponse().read()
        connection.close()
    def append(self, events):
        says("before")
        real(self, events)
        says("after")
    DatabaseHistory.append = append
stepping(PORT)
"""


def stepping(url: str) -> str:
    """Gives a prelude that tells a proxy before and after each append.

    Args:
        url: The proxy's.
    """
    return _PRELUDE.replace("PORT", url.rpartition(":")[2])
