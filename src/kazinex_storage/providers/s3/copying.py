"""Copies made by the service, inside a bucket or from another one: in one request, or in parts where need be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from ...bodies.checksums import kept_here
from ...bodies.part_plan import plan_parts
from ...bodies.source import Source
from ...errors import PreconditionFailedError
from ...lazy import module
from ...transport import Exchange, Response
from ...types import WHOLE, ByteRange, ObjectInfo, PartInfo, PutMode, PutOptions, UploadState
from ..objectstore.part_copies import copy_parts, replaced_source
from ..objectstore.writing import already_exists
from .answers import parse_result_etag
from .errors import failure_of, request_id_of
from .multipart import Multipart
from .objects import Objects
from .requests import Headers
from .target import GIB, CreateCopy

if TYPE_CHECKING:
    import secrets
else:
    secrets = module(__name__, "secrets")


COPY_PART_BYTES: Final = GIB
"""Bytes of one part of a copy: nothing passes through this process, so fewer requests are better."""


class Copying:
    """Copies into one bucket. Its verbs raise what the contract says, and what is added here."""

    def __init__(self, objects: Objects, multipart: Multipart, source: Objects | None = None) -> None:
        """Copy into the bucket of *objects*, from the same one unless *source* is given."""
        self._objects = objects
        self._source = source if source is not None else objects
        self._multipart = multipart
        self._requests = objects.requests
        self._part_requests = multipart.requests

    def copy(
        self, source: str, target: str, mode: PutMode, more: Mapping[str, str] | None = None
    ) -> Exchange[ObjectInfo]:
        """Copy one version of an object; two requests up to 5 GiB, else four and one for each GiB; one more for tags.

        A copy that creates gets *more* metadata where the source has none of that name.

        Raises:
            UnavailableError: the object was replaced in the meantime; nothing was copied.
        """
        found, others, tagged = yield from self._source.look(source)
        if more:
            found = replace(found, metadata={**more, **found.metadata})
        preset = self._requests.target.preset
        in_parts = mode is PutMode.CREATE and preset.create_copy is CreateCopy.PARTS and preset.conditional_puts
        in_parts = in_parts or found.size > preset.max_copy_bytes
        if in_parts and tagged and preset.tags:  # a copy in one request takes the tags along by itself
            others = (*others, *(yield from self._tags(source)))
        if in_parts and found.size == 0:  # there is no part to copy
            return (yield from self._objects.write(target, Source.of(b""), PutOptions.of(found, mode), others))
        if in_parts:
            return (yield from self._in_parts(found, others, target, mode))
        written, token = None, ""
        if mode is PutMode.CREATE:
            # It carries a token of its own, so that it is recognised after a lost response.
            token = secrets.token_hex(8)
            written = self._requests.written(PutOptions.of(found, mode), kept_here(found.checksum), token, others)
        response: Response = yield self._requests.copy(
            self._source.requests.copy_source(source), found.etag, target, mode, written
        )
        error = failure_of(response, source)
        if error is not None:
            if mode is PutMode.CREATE and (response.status == 412 or response.attempts > 1):
                own = yield from self._objects.find_own_write(target, token)
                if own is not None:
                    return own
            if isinstance(error, PreconditionFailedError):
                # Two conditions may have failed: the source is another version, or an object is in the way.
                yield from self._still(found)
                error = (
                    already_exists(target, request_id_of(response))
                    if mode is PutMode.CREATE
                    else replaced_source(source)
                )
            raise error
        return replace(found, key=target, etag=parse_result_etag(response.body).strip('"'), last_modified=None)

    def _tags(self, source: str) -> Exchange[Headers]:
        from .label_headers import option_headers
        from .labels import tags_of

        tags = yield from tags_of(self._source, source)
        return option_headers(self._requests.target.preset, PutOptions(tags=tags))

    def _in_parts(self, found: ObjectInfo, others: Headers, key: str, mode: PutMode) -> Exchange[ObjectInfo]:
        options = PutOptions.of(found, mode)
        yield from self._objects.check(key, options)
        rule = self._requests.target.preset.part_rule
        plan = plan_parts(found.size, rule, wanted_part_bytes=COPY_PART_BYTES)
        kept = kept_here(found.checksum)
        state = yield from self._multipart.begin(key, plan, options, kept, others=others, checked=False)
        spans = plan.spans() if plan.count > 1 else [(1, WHOLE)]
        etag, made_at = yield from self._multipart.guarded(state, self._fill(found, state, spans))
        return replace(found, key=key, etag=etag, last_modified=made_at)

    def _fill(
        self, found: ObjectInfo, state: UploadState, spans: Iterable[tuple[int, ByteRange]]
    ) -> Exchange[tuple[str | None, datetime | None]]:
        parts = yield from copy_parts(spans, partial(self._copy_part, found, state))
        yield from self._still(found)  # a service without conditions may have copied parts of two versions
        return (yield from self._multipart.complete(state, parts))

    def _still(self, found: ObjectInfo) -> Exchange[None]:
        """Check that the object is still the one that was *found*; one request.

        Raises:
            UnavailableError: it is another version.
            NotFoundError: it is gone.
        """
        now = yield from self._source.head(found.key)
        if (now.etag, now.last_modified) != (found.etag, found.last_modified):
            raise replaced_source(found.key)

    def _copy_part(self, source: ObjectInfo, state: UploadState, number: int, span: ByteRange) -> Exchange[PartInfo]:
        name = self._source.requests.copy_source(source.key)
        response: Response = yield self._part_requests.copy_part(name, source.etag, state, number, span)
        error = failure_of(response, source.key)
        if error is not None:
            raise replaced_source(source.key) if isinstance(error, PreconditionFailedError) else error
        start, end = span.resolve(state.size)
        return PartInfo(number=number, size=end - start, etag=parse_result_etag(response.body))
