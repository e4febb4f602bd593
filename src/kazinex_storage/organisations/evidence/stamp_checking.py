"""Checks the time stamps of RFC 3161 that the evidence of receipts holds, without a network."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ...errors import SettingsError
from ..signing import certificates_of

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

# RFC 5754, 2: id-sha256.
_SHA256: Final = "2.16.840.1.101.3.4.2.1"


def decoded(response: bytes) -> TimeStampResponse:
    """Return what a time stamp service answered.

    Raises:
        ValueError: it is no such answer, or it granted nothing.
        SettingsError: the extra is not installed.
    """
    try:
        from rfc3161_client import decode_timestamp_response
    except ModuleNotFoundError as error:
        raise SettingsError("time stamps need rfc3161-client; pip install 'kazinex-storage[evidence]'") from error
    found = decode_timestamp_response(response)
    if found.status != 0:  # RFC 3161, 2.4.2: granted
        raise ValueError(f"the service did not grant it (status {found.status})")
    return found


def stamped_at(response: bytes, digest: bytes) -> datetime:
    """Return the time in a *response*, if it is of *digest*; who signed it is not looked at.

    Raises:
        ValueError: it is of something else, or none.
        SettingsError: the extra is not installed.
    """
    info = decoded(response).tst_info
    imprint = info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != digest:
        raise ValueError("it is the stamp of something else")
    return info.gen_time.astimezone(UTC)


def check_stamp(said: Mapping[str, object], roots: Sequence[bytes]) -> str:
    """Return the time of the stamp that a line holds, in ISO 8601, if a service below *roots* made it.

    Raises:
        ValueError: it is of something else, or by another service; the message says which.
        SettingsError: the extra is not installed, or a root is no certificate.
    """
    try:
        response = base64.b64decode(str(said.get("response")), validate=True)
        digest = bytes.fromhex(str(said.get("hash")))
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is damaged") from error
    time = stamped_at(response, digest)
    from rfc3161_client import VerificationError, VerifierBuilder

    builder = VerifierBuilder()
    for certificate in certificates_of(roots):
        builder = builder.add_root_certificate(certificate)
    try:
        builder.build().verify(decoded(response), digest)
    except VerificationError as error:
        raise ValueError(str(error)) from error
    return time.isoformat()
