"""Index tags and access tiers of blobs, as exchanges; ``label_headers.py`` has those of writes.

learn.microsoft.com/rest/api/storageservices/set-blob-tags and .../set-blob-tier (read 2026-11). Accounts with a
hierarchical namespace have no tags, and a given signature needs the permission ``t`` for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...transport import Exchange, Request
from ...types import ObjectInfo
from ..objectstore.xml_text import parse_xml, text_of
from .checksums import md5_proof
from .errors import AZURE
from .label_headers import TIER, checked_tier, tags_query
from .objects import Objects
from .requests import VERSION, Headers

_BARE: Final[Headers] = (("x-ms-version", VERSION),)


def tags_of(objects: Objects, key: str) -> Exchange[dict[str, str]]:
    """Return the tags; one request.

    Raises:
        NotFoundError: no such key.
    """
    requests = objects.requests
    request = Request(method="GET", url=requests.tags_url(key), headers=_BARE, auth=requests.auth, operation="tags")
    response = yield from AZURE.send(request, key=key)
    tags = parse_xml(response.body, "Azure").iterfind("TagSet/Tag")
    return {text_of(tag, "Key") or "": text_of(tag, "Value") or "" for tag in tags}


def set_tags(objects: Objects, key: str, tags: Mapping[str, str]) -> Exchange[None]:
    """Replace the tags; one request.

    Raises:
        NotFoundError: no such key.
    """
    pairs = "".join(f"<Tag><Key>{_text(name)}</Key><Value>{_text(value)}</Value></Tag>" for name, value in tags.items())
    body = f'<?xml version="1.0" encoding="utf-8"?><Tags><TagSet>{pairs}</TagSet></Tags>'.encode()
    requests = objects.requests
    request = Request(
        method="PUT",
        url=requests.tags_url(key),
        headers=(*_BARE, ("Content-Type", "application/xml"), md5_proof(body).header),
        body=body,
        auth=requests.auth,
        operation="set_tags",
    )
    yield from AZURE.send(request, ok=(204,), key=key)


def set_storage_class(objects: Objects, key: str, storage_class: str) -> Exchange[ObjectInfo]:
    """Give the blob another tier, in place; two requests. Out of Archive it takes hours (``ArchivedError`` till then).

    Its ETag stays: learn.microsoft.com/rest/api/storageservices/set-blob-tier, "does not update the blob's ETag".

    Raises:
        NotFoundError: no such key.
        NotSupportedError: there is no such tier.
    """
    requests = objects.requests
    request = Request(
        method="PUT",
        url=f"{requests.url(key)}?comp=tier",
        headers=(*_BARE, (TIER, checked_tier(storage_class))),
        body=b"",
        auth=requests.auth,
        operation="set_storage_class",
    )
    yield from AZURE.send(request, ok=(200, 202), key=key)
    return (yield from objects.head(key))


def tags_header(objects: Objects, source: str, headers: Mapping[str, str]) -> Exchange[Headers]:
    """Return the header that gives a copy the tags of *source*, whose HEAD gave *headers*; a request if it has any."""
    if headers.get("x-ms-tag-count", "0") == "0":
        return ()
    tags = yield from tags_of(objects, source)
    return (("x-ms-tags", tags_query(tags)),) if tags else ()


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
