"""Calls of Gitea's REST API. No well-kept client of it is published for Python."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
import requests
from requests import exceptions

from reconciler.adapters.forges.access import ForgeAccess, Token
from reconciler.adapters.forges.failing import Attempt
from reconciler.core.errors import ForgeError

_RIGHTS: Final = "the scopes write:repository and write:issue, and write access to the repository"

#: Gitea's own default limit of a page (app.ini: [api] MAX_RESPONSE_ITEMS).
PAGE: Final = 50

#: No answer that we ask for is near to this.
_ANSWER_LIMIT: Final = 32 << 20


class GiteaCalls:
    """Calls of one repository's part of the API."""

    def __init__(self, address: str, access: ForgeAccess, token: Token) -> None:
        """Asks nothing yet.

        Args:
            address: Of the repository in the API.
            access: How the forge is spoken to.
            token: By which right.
        """
        self._address = address
        self._access = access
        self._token = token
        self._session = requests.Session()

    def call(
        self,
        doing: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        none_at: int = 0,
    ) -> Any:
        """Makes a call and gives its answer's JSON.

        Args:
            doing: What it is for, to follow "can't".
            method: HTTP's.
            path: Below the repository, beginning with a slash.
            query: What follows the address.
            body: JSON to send; None for nothing.
            none_at: The status that means "there is none", where one does.

        Returns:
            The JSON, or None at that status.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        token = self._token().strip()
        attempt = Attempt("Gitea", doing, _RIGHTS, (token,))
        headers = {
            "Accept": "application/json",
            "Authorization": f"token {token}",
            "User-Agent": "plumbline",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._session.request(
                method,
                f"{self._address}{path}",
                params=query,
                data=None if body is None else orjson.dumps(body),
                headers=headers,
                timeout=self._access.seconds,
                verify=self._access.verify,
                # A token goes nowhere but where the operator said.
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _read(response)
                status, answered = response.status_code, response.headers
        except exceptions.RequestException as error:
            raise attempt.unreachable(error) from None
        if none_at and status == none_at:
            return None
        if 300 <= status < 400:
            raise attempt.strange()
        if status >= 400:
            raise attempt.refused(status, answered, _words(content))
        return _json(content, attempt) if content else {}

    def pages(self, doing: str, path: str, query: Mapping[str, str | int]) -> Iterator[Any]:
        """Gives the items of all pages of a list, asking for each page when it is wanted.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        page = 1
        while True:
            items = self.call(doing, "GET", path, query={**query, "page": page, "limit": PAGE})
            # Behind the last page comes an empty one, for some lists null; a page may be shorter
            # than the server had it, since what we may not see is left out.
            if not items:
                return
            if not isinstance(items, list):
                raise self.strange(doing)
            yield from items
            page += 1

    def strange(self, doing: str) -> ForgeError:
        """Makes an error of an answer that doesn't read as Gitea's."""
        return Attempt("Gitea", doing, _RIGHTS).strange()


def _read(response: requests.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(1 << 16):
        content += chunk
        if len(content) > _ANSWER_LIMIT:
            raise exceptions.ContentDecodingError
    return bytes(content)


def _json(content: bytes, attempt: Attempt) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise attempt.strange() from None


def _words(content: bytes) -> str:
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        return ""
    words = said.get("message") if isinstance(said, dict) else ""
    return words if isinstance(words, str) else ""
