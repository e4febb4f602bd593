"""Uploads in parts that outlive a process, by keys, over ``multipart.py``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ...bodies.part_plan import plan_parts
from ...errors import NotSupportedError, UnavailableError
from ...keys import ObjectKey, Prefix
from ...transport import Exchange
from ...types import Buffer, Checksum, ObjectInfo, PartInfo, PendingUpload, PutMode, PutOptions, UploadState
from ..objectstore.key_codec import KeyCodec
from .multipart import Multipart
from .objects import Objects


class PartUploads:
    """Uploads in parts to one bucket, or to the part of it below a prefix."""

    def __init__(self, objects: Objects, multipart: Multipart, codec: KeyCodec) -> None:
        """Work on the bucket of *objects*."""
        self._objects = objects
        self._multipart = multipart
        self._codec = codec
        self._preset = objects.requests.target.preset

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin; one request, two under a condition, which is looked at before gibibytes are sent in vain.

        Raises:
            NotSupportedError: a condition, and the service knows none when an upload ends.
            StorageError: as in ``PartUploader.begin_upload``.
        """
        name = self._codec.name_of(key)
        if options.mode is PutMode.CREATE or options.if_match is not None:
            if not self._preset.conditional_puts:
                raise NotSupportedError(
                    f"{self._preset.title} ends uploads in parts without conditions, so it would replace what stands "
                    "there by then; put the file whole, or allow it to replace"
                )
            yield from self._objects.check(name, options)
        plan = plan_parts(size, self._preset.part_rule)
        # No algorithm is named: a client that sends the parts itself could not know that it has to compute it.
        state = yield from self._multipart.begin(name, plan, options, sha256, checked=False)
        return replace(state, key=key)

    def put_part(self, state: UploadState, number: int, data: Buffer) -> Exchange[PartInfo]:
        """Write one part; one request."""
        return (yield from self._multipart.put_part(self._named(state), number, data, checked=False))

    def list_parts(self, state: UploadState) -> Exchange[Sequence[PartInfo]]:
        """List the parts; one request for 1,000."""
        return (yield from self._multipart.parts(self._named(state)))

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> Exchange[ObjectInfo]:
        """Complete, and look what came of it; two requests.

        Raises:
            StorageError: as in ``PartUploader.complete_upload``.
        """
        parts = [replace(part, crc32=None) for part in parts]  # the upload was begun without
        named = self._named(state)
        etag, moment = yield from self._multipart.complete(named, parts)
        with suppress(UnavailableError):  # it is complete, whatever can be read of it
            found = yield from self._objects.find_own_write(named.key, state.write_token)
            if found is not None:
                return replace(found, key=state.key)
        # Replaced or removed meanwhile, or it cannot be read with these credentials: this is what was written.
        checksum = Checksum(algorithm="sha256", value=state.sha256) if state.sha256 is not None else None
        return ObjectInfo(key=state.key, size=state.size, etag=etag, last_modified=moment, checksum=checksum)

    def find_upload(self, state: UploadState) -> Exchange[ObjectInfo | None]:
        """Look whether the object carries the token of the upload; one request.

        Raises:
            UnavailableError: the service does not say which object stands there.
        """
        found = yield from self._objects.find_own_write(self._codec.name_of(state.key), state.write_token)
        return None if found is None else replace(found, key=state.key)

    def abort_upload(self, key: ObjectKey, upload_id: str) -> Exchange[None]:
        """Abort; one request."""
        yield from self._multipart.abort(self._codec.name_of(key), upload_id)

    def pending_uploads(self, prefix: Prefix) -> Exchange[Sequence[PendingUpload]]:
        """List the unfinished; one request for 1,000."""
        found = yield from self._multipart.pending(self._codec.name_prefix(prefix))
        named = ((upload, self._codec.key_of(upload.key)) for upload in found)
        return [replace(upload, key=key) for upload, key in named if key is not None and key.startswith(prefix)]

    def _named(self, state: UploadState) -> UploadState:
        return replace(state, key=self._codec.name_of(state.key))
