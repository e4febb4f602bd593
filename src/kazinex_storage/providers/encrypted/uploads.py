"""Uploads that outlive their process, encrypted: sealed in order, sent in parts, resumed by the same bytes alone.

The header is made when the upload begins and travels in its state, so every process seals to the same bytes, and parts
that the service holds are recognised. One key must never seal two texts: each process hashes the whole body before it
sends anything.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from ...bodies.part_plan import PartPlan
from ...bodies.part_upload import send_parts, sha256_of
from ...bodies.same_part import same_part
from ...bodies.source import Source
from ...encryption.age import stored_size
from ...encryption.header import PREFIX_BYTES
from ...encryption.sealing import resealed
from ...errors import IntegrityError, NotFoundError, NotSupportedError
from ...keys import ObjectKey
from ...transport import Call, Exchange
from ...types import ObjectInfo, PartInfo, PutOptions, UploadState
from .provider import plain_info
from .records import EncryptedRecords


class EncryptedUploads(EncryptedRecords):
    """What a provider whose service takes parts becomes: an ``UploadResumer``."""

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin; as ``UploadResumer.begin_upload``.

        Raises:
            NotSupportedError: no sha256 was given.
        """
        if sha256 is None:
            raise NotSupportedError(
                "an encrypted upload is resumed by the same bytes alone; give the sha256 of the whole body, or put it"
            )
        prefix, _ = self._keys.begin(sha256)
        state = yield from self._inner.begin_upload(key, stored_size(size), options, None)
        kept = base64.b64encode(zlib.compress(prefix)).decode()
        return replace(state, size=size, sha256=sha256, provider_state=f"{kept}:{state.provider_state}")

    def resume_upload(self, state: UploadState, source: Source) -> Exchange[ObjectInfo]:
        """Hash the body, seal it, send what is missing; as ``UploadResumer.resume_upload``.

        Raises:
            IntegrityError: it is another body than the upload was begun for.
            SealError: no identity at hand opens what was begun.
        """
        own, prefix = _inner_state(state)
        found = cast(str, (yield Call(sha256_of, source, cancel=source.cancel)))
        if found != state.sha256:
            raise IntegrityError(
                f"the body has sha256 {found}, but the upload was begun for {state.sha256}; resume it with that body"
            )
        try:
            held = {part.number: part for part in (yield from self._inner.list_parts(own))}
        except NotFoundError:
            return (yield from self._completed(own, found))
        body = resealed(source, self._keys, prefix)
        plan = PartPlan.resumed(own.size, own.part_bytes)
        parts = yield from send_parts(body, plan, partial(self._send, own, held), self._inner)
        try:
            info = yield from self._inner.complete_upload(own, parts)
        except NotFoundError:  # another process resumed it as well, and was faster
            return (yield from self._completed(own, found))
        return plain_info(info, PREFIX_BYTES, found)

    def abort_upload(self, key: ObjectKey, upload_id: str) -> Exchange[None]:
        """Discard the upload; as ``UploadResumer.abort_upload``."""
        return self._inner.abort_upload(key, upload_id)

    def _completed(self, own: UploadState, sha256: str) -> Exchange[ObjectInfo]:
        """Return the object that the upload has become.

        Raises:
            IntegrityError: it is another one.
            NotFoundError: the upload was aborted, or has expired.
        """
        found = yield from self._inner.find_upload(own)
        if found is None:
            raise NotFoundError("the upload is gone: aborted or expired; begin it again", key=own.key)
        known = yield from self._learn(ObjectKey(own.key), found.etag)
        if known.info.size != own.size or known.sha256 != sha256:
            raise IntegrityError("the object is another one than the upload was begun for; look at it")
        return known.plain()

    def _send(
        self, own: UploadState, held: Mapping[int, PartInfo], number: int, data: memoryview
    ) -> Exchange[PartInfo]:
        part = held.get(number)
        if part is not None:
            same = cast("PartInfo | None", (yield Call(same_part, part, data)))
            if same is not None:
                return same
        return (yield from self._inner.put_part(own, number, data))


def _inner_state(state: UploadState) -> tuple[UploadState, bytes]:
    """Return *state* as the provider beneath made it, and what the sealed body begins with."""
    kept, _, rest = state.provider_state.partition(":")
    prefix = zlib.decompress(base64.b64decode(kept))
    return replace(state, size=stored_size(state.size), sha256=None, provider_state=rest), prefix
