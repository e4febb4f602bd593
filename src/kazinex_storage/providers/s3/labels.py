"""Tags and storage classes of objects in one bucket, as exchanges; ``label_headers.py`` has those of writes."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

from ...bodies.checksums import kept_here
from ...errors import NotSupportedError
from ...transport import Exchange, Request, Response
from ...types import ObjectInfo, PutMode, PutOptions
from .errors import S3, failure_of
from .label_headers import STORAGE_CLASS, checked_class
from .objects import Objects
from .requests import XML
from .xml import parse_xml, tagging_body, text_of


def tags_of(objects: Objects, key: str) -> Exchange[dict[str, str]]:
    """Return the tags; one request.

    Raises:
        NotFoundError: no such key.
    """
    requests = objects.requests
    request = Request(
        method="GET",
        url=f"{requests.url(key)}?tagging=",
        headers=requests.reading,
        auth=requests.auth,
        operation="tags",
    )
    response = yield from S3.send(request, key=key)
    pairs = ((text_of(tag, "Key"), text_of(tag, "Value")) for tag in parse_xml(response.body).iterfind("TagSet/Tag"))
    return {name: value or "" for name, value in pairs if name}


def set_tags(objects: Objects, key: str, tags: Mapping[str, str]) -> Exchange[None]:
    """Replace the tags; one request.

    Raises:
        NotFoundError: no such key.
    """
    requests, body = objects.requests, tagging_body(tags) if tags else b""
    url, auth = f"{requests.url(key)}?tagging=", requests.auth
    if not tags:
        request = Request(method="DELETE", url=url, headers=requests.bare, auth=auth, operation="set_tags")
    else:
        md5 = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = (requests.payload(body), ("Content-MD5", md5), XML)
        request = Request(method="PUT", url=url, headers=headers, body=body, auth=auth, operation="set_tags")
    yield from S3.send(request, ok=(200, 204), key=key)


def set_storage_class(objects: Objects, key: str, storage_class: str) -> Exchange[ObjectInfo]:
    """Copy the object onto itself in another class, which keeps bytes, metadata and tags; three requests.

    Raises:
        NotFoundError: no such key.
        NotSupportedError: the service has no such class, or the object is larger than one copy takes.
        PreconditionFailedError: the object was replaced meanwhile; nothing was changed.
    """
    requests, preset = objects.requests, objects.requests.target.preset
    header = (STORAGE_CLASS, checked_class(preset, storage_class))
    found, others, _ = yield from objects.look(key)
    if found.size > preset.max_copy_bytes:
        raise NotSupportedError(
            f"{preset.title} changes the class of at most {preset.max_copy_bytes:,} bytes by a copy; "
            "let a lifecycle rule of the bucket change it"
        )
    # With its metadata written out: some services refuse a copy onto itself that changes nothing but the class.
    written = requests.written(PutOptions.of(found, PutMode.REPLACE), kept_here(found.checksum), None, others)
    copy = requests.copy(requests.copy_source(key), found.etag, key, PutMode.REPLACE, (*written, header))
    response: Response = yield replace(copy, operation="set_storage_class")
    error = failure_of(response, key)
    if error is not None:
        raise error
    return (yield from objects.head(key))
