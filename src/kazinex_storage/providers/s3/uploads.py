"""Uploads in parts that outlive a process, over ``multipart.py``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ...bodies.checksums import sha256_checksum
from ...bodies.part_plan import plan_parts
from ...errors import NotSupportedError, UnavailableError
from ...keys import ObjectKey
from ...transport import Exchange
from ...types import Buffer, ObjectInfo, PartInfo, PutMode, PutOptions, UploadState
from .multipart import Multipart
from .objects import Objects


class PartUploads:
    """Uploads in parts to one bucket, whose parts may come from anywhere. See ``PartUploader`` for what they raise."""

    def __init__(self, objects: Objects, multipart: Multipart) -> None:
        """Upload to the bucket of *objects*."""
        self._objects = objects
        self._multipart = multipart
        self._preset = objects.requests.target.preset

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin; one request, two under a condition, which is checked before gibibytes are sent in vain.

        Raises:
            NotSupportedError: there is a condition, which the service cannot check when an upload is completed.
        """
        if not self._preset.conditional_puts and (options.mode is PutMode.CREATE or options.if_match is not None):
            raise NotSupportedError(
                f"{self._preset.title} completes uploads in parts without conditions, so it would replace what is "
                "there by then; put the file in one request, or allow it to replace"
            )
        yield from self._objects.check(key, options)
        plan = plan_parts(size, self._preset.part_rule)
        # Without an algorithm: a client that sends the parts itself could not know that it has to compute one.
        return (yield from self._multipart.begin(key, plan, options, sha256_checksum(sha256), checked=False))

    def put_part(self, state: UploadState, number: int, data: Buffer) -> Exchange[PartInfo]:
        """Write one part; one request."""
        return (yield from self._multipart.put_part(state, number, data, checked=False))

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> Exchange[ObjectInfo]:
        """Complete, and look at the object; two requests."""
        parts = [replace(part, crc32=None) for part in parts]  # the upload was begun without checksums
        etag, moment = yield from self._multipart.complete(state, parts)
        with suppress(UnavailableError):  # it is complete, even if it cannot be read
            found = yield from self._objects.find_own_write(state.key, state.write_token)
            if found is not None:
                return found
        # Replaced or removed in the meantime, or not readable with these credentials: this is what was written.
        checksum = sha256_checksum(state.sha256)
        return ObjectInfo(key=state.key, size=state.size, etag=etag, last_modified=moment, checksum=checksum)

    def find_upload(self, state: UploadState) -> Exchange[ObjectInfo | None]:
        """Look whether the object carries the token of the upload; see ``writing.find_own_write``."""
        return self._objects.find_own_write(state.key, state.write_token)
