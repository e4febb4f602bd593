"""Asks a time stamp service (RFC 3161) when it saw a line. Its address is the host's choice, never a tenant's."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ...errors import IntegrityError, SettingsError, UnavailableError
from ...transport import Exchange, Request, Response
from ...values import value
from .lines import STAMP, Happening, SignedLine
from .stamp_checking import decoded, stamped_at

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest

# RFC 3161, 3.4: over HTTP.
_HEADERS: Final = (("Content-Type", "application/timestamp-query"), ("Accept", "application/timestamp-reply"))

# A token with the certificates of its service has 2 to 8 kB; a line holds it in base64.
_MAX_BYTES: Final = 64 * 1024


@value
class Stamp:
    """The time at which a service saw the end of a chain, and so all that is before it."""

    organisation: str
    project: str
    number: int
    """Of the line that it saw."""
    hash: str
    """Of that line."""
    at: datetime
    """By the clock of the service; aware UTC."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "organisation": self.organisation,
            "project": self.project,
            "number": self.number,
            "hash": self.hash,
            "at": self.at.isoformat(),
        }


def asked(url: str, line: SignedLine) -> Exchange[bytes]:
    """Return what the service at *url* answers when it is asked to stamp *line*. One request.

    Raises:
        UnavailableError: it does not answer, or refuses.
        IntegrityError: it stamped something else.
        SettingsError: the extra is not installed, or the address is wrong.
    """
    request = _request(line)
    response: Response = yield Request(
        method="POST", url=url, headers=_HEADERS, body=request.as_bytes(), operation="stamp"
    )
    if response.status in (401, 403, 404, 405):
        raise SettingsError(
            f"the time stamp service answers {response.status}; check the address in KAZINEX_STORAGE_TIME_STAMP_URL"
        )
    if response.status != 200 or len(response.body) > _MAX_BYTES:
        raise UnavailableError(
            f"the time stamp service answers {response.status} with {len(response.body)} bytes; try again",
            operation="stamp",
        )
    try:
        stamped_at(response.body, bytes.fromhex(line.hash))
        nonce = decoded(response.body).tst_info.nonce
    except ValueError as error:
        raise IntegrityError(
            f"the time stamp service answers with no stamp of this line: {error}", operation="stamp"
        ) from error
    if nonce != request.nonce:
        raise IntegrityError("the time stamp service answers another question; try again", operation="stamp")
    return response.body


def stamp_line(number: int, line: SignedLine, response: bytes) -> tuple[datetime, Happening]:
    """Return the time in *response*, and the line that keeps the stamp of the line *number*.

    Raises:
        ValueError: it is of something else.
    """
    at = stamped_at(response, bytes.fromhex(line.hash))
    said = {
        "number": number,
        "hash": line.hash,
        "at": at.isoformat(),
        "response": base64.b64encode(response).decode(),
    }
    return at, Happening(kind=STAMP, said=said)


def _request(line: SignedLine) -> TimeStampRequest:
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    except ModuleNotFoundError as error:
        raise SettingsError("time stamps need rfc3161-client; pip install 'kazinex-storage[evidence]'") from error
    return TimestampRequestBuilder().data(line.text).hash_algorithm(HashAlgorithm.SHA256).build()
