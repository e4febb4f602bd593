"""Azure Resource Manager, as far as it says where a storage account is: strictly that one request.

learn.microsoft.com/rest/api/storagerp/storage-accounts/get-properties (read 2026-11).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

from .http import Answer, Received, http_server


class ResourceManager:
    """A subscription with one resource group and one storage account. Made by ``resource_manager``."""

    def __init__(self, account: str, may_read: Callable[[str], bool]) -> None:
        self.resource_id = (
            "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/documents"
            f"/providers/Microsoft.Storage/storageAccounts/{account}"
        )
        """Of the account."""
        self.primary, self.secondary = "westeurope", ""
        """Where it is, and where it is copied to."""
        self.port = 0
        """On 127.0.0.1."""
        self._account, self._may_read = account, may_read

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self, received: Received) -> Answer:
        """Answer one request."""
        scheme, _, token = received.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return _error(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        if not self._may_read(token):
            return _error(403, "AuthorizationFailed", "The client does not have authorization to perform action.")
        if "api-version" not in parse_qs(received.query):
            return _error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if received.method != "GET" or received.path.lower() != self.resource_id.lower():
            return _error(404, "ResourceNotFound", "The Resource was not found.")
        properties: dict[str, object] = {"primaryLocation": self.primary, "statusOfPrimary": "available"}
        if self.secondary:
            properties |= {"secondaryLocation": self.secondary, "statusOfSecondary": "available"}
        found = {"id": self.resource_id, "name": self._account, "location": self.primary, "properties": properties}
        return _json(200, found)


@contextmanager
def resource_manager(account: str, may_read: Callable[[str], bool]) -> Iterator[ResourceManager]:
    """Run one that knows *account* until the context ends; *may_read* says whether a token has the role Reader."""
    found = ResourceManager(account, may_read)
    with http_server(found.serve) as port:
        found.port = port
        yield found


def _error(status: int, code: str, message: str) -> Answer:
    return _json(status, {"error": {"code": code, "message": message}})


def _json(status: int, found: object) -> Answer:
    headers = {"content-type": "application/json; charset=utf-8", "x-ms-request-id": secrets.token_hex(16)}
    return Answer(status=status, headers=headers, body=json.dumps(found).encode())
