"""Writes of bodies whose length is not known, as parts: begun, filled and completed, or aborted however they fail.

The object carries no sha256, which is known only at the end, when metadata can no longer be set. Every part is proven
by its CRC-32 instead, and the checksum of the whole is in what the put returns.
"""

from __future__ import annotations

from functools import partial

from ...bodies.part_plan import PartPlan
from ...bodies.stream import Stream
from ...bodies.stream_parts import send_stream
from ...errors import NotFoundError, NotSupportedError, UnavailableError
from ...transport import Exchange
from ...types import ObjectInfo, PutMode, PutOptions, UploadState
from ..objectstore.header_text import info_of
from .multipart import Multipart
from .objects import Objects


def put_stream(
    objects: Objects, multipart: Multipart, key: str, stream: Stream, options: PutOptions
) -> Exchange[ObjectInfo]:
    """Write all that *stream* gives; two requests and one for each part, one more under a condition.

    Raises:
        NotSupportedError: there is a condition, which the service cannot check when an upload is completed.
        UnavailableError: the service lost the upload.
        StorageError: as in ``StreamWriter.put_stream``; the upload was aborted.
    """
    preset = objects.requests.target.preset
    if not preset.conditional_puts and (options.mode is PutMode.CREATE or options.if_match is not None):
        raise NotSupportedError(f"{preset.title} has no conditions for uploads in parts")
    yield from objects.check(key, options)
    plan = PartPlan(size=0, part_bytes=1, count=1)  # only its size is kept, and that is not known
    state = yield from multipart.begin(key, plan, options, None)
    try:
        return (yield from multipart.guarded(state, _fill(multipart, state, stream, options, objects)))
    except NotFoundError as error:
        raise UnavailableError("the service lost the upload; repeat it", key=key, code=error.code) from error


def _fill(
    multipart: Multipart, state: UploadState, stream: Stream, options: PutOptions, objects: Objects
) -> Exchange[ObjectInfo]:
    rule = objects.requests.target.preset.part_rule
    parts = yield from send_stream(stream, rule, partial(multipart.put_part, state), objects)
    etag, moment = yield from multipart.complete(state, parts)
    return info_of(state.key, stream.size, options, etag=etag, last_modified=moment, checksum=stream.checksum)
