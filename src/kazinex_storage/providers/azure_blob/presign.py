"""Signed URLs for clients without credentials, made by azure-storage-blob. No request.

A URL is valid for one blob and one operation on it. Azure cannot bind it to a type, a length or a checksum, but can to
an absent key: permission to create does not replace. A block needs permission to write, which also commits and replaces
(learn.microsoft.com/rest/api/storageservices/create-service-sas, read 2026-11), so it goes to a key of its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import quote

from ...errors import NotSupportedError
from ...secrecy.masking import Masked
from ...types import PresignedUrl, PresignOptions, PutMode
from ..objectstore.header_text import plain_header
from .blocks import Block
from .headers import METADATA, WRITE_TOKEN
from .names import encode_metadata_name
from .requests import Requests
from .sas import mint_url
from .target import SigningKey

# A user delegation key is valid for 7 days (learn.microsoft.com/rest/api/storageservices/get-user-delegation-key); a
# URL that cannot be revoked has no reason to live longer because it is signed with the account key.
LONGEST: Final = timedelta(days=7)
"""How long a URL is valid at most."""

_PERMISSIONS: Final = {"GET": "r", "HEAD": "r", "PUT": "w", "DELETE": "d"}


def presign(requests: Requests, signer: SigningKey, key: str, options: PresignOptions) -> PresignedUrl:
    """Sign a request for the blob *key*.

    Raises:
        SettingsError: azure-storage-blob is missing, or the key is not valid.
        NotSupportedError: it belongs to an upload in parts, or a header cannot carry a value.
        ValueError: the expiry is outside of 1 second to 7 days.
    """
    if not timedelta(seconds=1) <= options.expires_in <= LONGEST:
        raise ValueError(f"a URL is valid for 1 second to 7 days, not {options.expires_in}")
    block = ""
    if options.upload is not None:
        if options.method != "PUT" or options.part is None:
            raise NotSupportedError(
                "Azure cannot sign single steps of an upload: a URL for a part would be valid for the whole object, "
                "and nothing discards parts; sign one PUT, which takes up to 4.8 GiB, or resume the upload in this "
                "process"
            )
        block = f"comp=block&blockid={quote(Block(options.upload.upload_id, options.part).id, safe='')}&"
    creates = options.method == "PUT" and options.mode is PutMode.CREATE and not block
    permission = "c" if creates else _PERMISSIONS[options.method]
    disposition = None
    if options.method == "GET" and options.content_disposition is not None:
        disposition = plain_header("content disposition", options.content_disposition)
    query, expires_at = mint_url(
        requests.target, signer, requests.codec.name_of(key), permission, options.expires_in, disposition
    )
    return PresignedUrl(
        method=options.method,
        url=Masked(f"{requests.url(key)}?{block}{query}"),
        headers={} if block else _headers(options),
        expires_at=expires_at,
        bound=frozenset({"create"}) if creates else frozenset(),
        write_token=options.write_token,
    )


def _headers(options: PresignOptions) -> dict[str, str]:
    if options.method != "PUT":
        return {}
    headers = {"x-ms-blob-type": "BlockBlob"}
    if options.content_type is not None:
        headers["Content-Type"] = plain_header("content type", options.content_type)
    if options.write_token is not None:
        headers[METADATA + encode_metadata_name(WRITE_TOKEN)] = options.write_token
    return headers
