"""Copies inside one container, made by the service: in one request up to 256 MiB, else in blocks.

A copy carries a write token of its own, as a write does, so it is safe to repeat. It is of one version of its source,
even when that is replaced in the meantime.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from ...bodies.checksums import kept_here
from ...bodies.part_plan import plan_parts
from ...errors import NotFoundError, StorageError, UnavailableError
from ...transport import Exchange, Response
from ...types import MIB, ByteRange, ObjectInfo, PutMode, PutOptions
from ..objectstore.header_text import condition_headers, etag_of
from ..objectstore.part_copies import copy_parts, replaced_source
from .answers import parse_object
from .blocks import Block, new_write_token
from .errors import AZURE, BLOB, code_of, is_azure
from .headers import metadata_headers
from .labels import tags_header
from .objects import Objects
from .requests import Headers
from .target import PART_RULE

MAX_COPY_BYTES: Final = 256 * MIB
"""The largest blob that Copy Blob From URL copies (learn.microsoft.com/rest/api/storageservices/copy-blob-from-url)."""

COPY_BLOCK_BYTES: Final = 256 * MIB
"""Bytes of one block of a larger copy: nothing passes through this process, so fewer requests are better."""

_SOURCE_CHANGED: Final = "SourceConditionNotMet"


class Copying:
    """Copies in one container. Its verbs raise what the contract says, and what is added here."""

    def __init__(self, objects: Objects, sources: Objects | None = None) -> None:
        """Copy in the container of *objects*; *sources* name what is copied otherwise, as a version."""
        self._objects = objects
        self._requests = objects.requests
        self._sources = sources if sources is not None else objects

    def copy(self, source: str, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy one version of an object; two requests up to 256 MiB, else two and one for each 256 MiB; one
        more for tags.

        Raises:
            UnavailableError: the object was replaced in the meantime; nothing was copied.
        """
        response: Response = yield self._sources.requests.head(source)
        looked = BLOB.judge(response, key=source).headers
        found = parse_object(source, looked)
        tags = yield from tags_header(self._sources, source, looked)
        options = PutOptions.of(found, mode)
        token = new_write_token()
        if found.size > MAX_COPY_BYTES:
            return (yield from self._in_blocks(found, target, options, token, tags))
        kept = kept_here(found.checksum)
        headers = (*metadata_headers(found.metadata, kept, token), *condition_headers(options), *tags)
        response = yield self._requests.copy(self._sources.requests.url(source), found.etag, target, headers)
        if response.status == 202 and is_azure(response.headers):
            # An asynchronous copy would go on after this returns, from a source that may change.
            if response.headers.get("x-ms-copy-status", "success") != "success":
                raise UnavailableError("the service answered before the copy had ended; look at the object", key=target)
            etag = etag_of(BLOB.judge(response, (202,), target).headers["etag"])
            return replace(found, key=target, etag=etag, last_modified=None)
        if code_of(response) == _SOURCE_CHANGED:
            raise replaced_source(source)
        return (yield from self._objects.written(target, response, found.size, kept, options, token))

    def _in_blocks(
        self, found: ObjectInfo, key: str, options: PutOptions, token: str, tags: Headers
    ) -> Exchange[ObjectInfo]:
        yield from self._objects.check(key, options)
        plan = plan_parts(found.size, PART_RULE, wanted_part_bytes=COPY_BLOCK_BYTES)
        block_ids = yield from copy_parts(plan.spans(), partial(self._copy_block, found, key, token))
        kept = kept_here(found.checksum)
        listed = self._requests.put_block_list(key, block_ids, kept, options, token)
        response: Response = yield replace(listed, headers=(*listed.headers, *tags))
        return (yield from self._objects.written(key, response, found.size, kept, options, token))

    def _copy_block(self, source: ObjectInfo, key: str, token: str, number: int, span: ByteRange) -> Exchange[str]:
        block_id = Block(token, number).id
        source_url = self._sources.requests.url(source.key)
        request = self._requests.copy_block(source_url, source.etag, span, key, block_id)
        try:
            yield from AZURE.send(request, ok=(201,), key=key)
        except StorageError as error:
            if isinstance(error, NotFoundError) or error.code == _SOURCE_CHANGED:
                raise replaced_source(source.key) from error
            raise
        return block_id
