"""Uploads in parts that outlive a process, made of blocks that are not committed yet.

Azure has no uploads, only blocks of a key. So an upload is a token in the ids of its blocks; a block of one byte
records that it was begun, and when, and another that it was aborted, because no request removes blocks: the service
drops them after a week, or when any write to the key completes. That ends every other upload to the key as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, cast

from ...bodies.checksums import sha256_checksum
from ...bodies.part_plan import plan_parts
from ...errors import AlreadyExistsError, NotFoundError, PreconditionFailedError
from ...json_text import TEXT, TEXT_BY_NAME, Schema, optional, parse_own_json, write_json
from ...keys import ObjectKey, Prefix
from ...transport import Exchange, Many, Outcome, Response
from ...types import Buffer, ObjectInfo, PartInfo, PendingUpload, PutMode, PutOptions, UploadState
from ..objectstore.cycle_guard import CycleGuard
from .answers import parse_blocks, parse_page
from .blocks import Block, Blocks, id_of, new_write_token, read_block_id
from .checksums import md5_proof
from .errors import AZURE, code_of
from .objects import Objects
from .target import PART_RULE

_BEGUN: Final = 0
_ABORTED: Final = 0xFFFF_FFFF
"""Numbers of blocks that are not parts: parts are numbered from 1 to 50,000."""

_SIGN: Final = b"\x00"  # Azure does not accept an empty block
_LOOKS_AT_ONCE: Final = 16

_TEXTS: Final = (
    "content_type",
    "content_disposition",
    "cache_control",
    "content_encoding",
    "content_language",
    "storage_class",
)
_KEPT: Final = Schema(
    what="what the upload state keeps of the options",
    fix="begin the upload again",
    fields={**dict.fromkeys(_TEXTS, optional(TEXT)), "metadata": TEXT_BY_NAME, "tags": TEXT_BY_NAME},
    optional={**dict.fromkeys(_TEXTS), "metadata": {}, "tags": {}},
)


class PartUploads:
    """Uploads in parts to one container, from anywhere. See ``PartUploader`` for what they raise."""

    def __init__(self, objects: Objects, blocks: Blocks) -> None:
        """Work on the container of *objects*."""
        self._objects = objects
        self._requests = objects.requests
        self._blocks = blocks

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin; one request, two under a condition, which is checked before gibibytes are sent in vain."""
        yield from self._objects.check(key, options)
        plan = plan_parts(size, PART_RULE)
        token = new_write_token()
        moment = round(datetime.now(UTC).timestamp() * 1000).to_bytes(16)
        yield from self._blocks.stage(key, Block(token, _BEGUN, moment), _SIGN, md5_proof(_SIGN))
        return UploadState(
            key=key,
            upload_id=token,
            size=size,
            part_bytes=plan.part_bytes,
            mode=options.mode,
            if_match=options.if_match,
            write_token=token,
            sha256=sha256,
            provider_state=_provider_state(options),
        )

    def put_part(self, state: UploadState, number: int, data: Buffer) -> Exchange[PartInfo]:
        """Write one part; one request, none for an empty one."""
        if not len(data):
            return _nothing(number)
        return (yield from self._blocks.put_block(state.key, state.upload_id, number, data))

    def list_parts(self, state: UploadState) -> Exchange[Sequence[PartInfo]]:
        """List the parts; one request. A part that was sent twice with different bytes is left out.

        Raises:
            AlreadyExistsError: the upload, which was create-only, is gone because the key now has another object.
            PreconditionFailedError: it is gone because the object was replaced in the meantime.
            NotFoundError: it is gone.
        """
        blocks = [(block, size) for block, size in (yield from self._held(state.key)) if block.token == state.upload_id]
        if not _is_pending([block for block, _ in blocks]):
            raise (yield from self._gone(state))
        parts = [(block, size) for block, size in blocks if block.number not in (_BEGUN, _ABORTED)]
        numbers = [block.number for block, _ in parts]
        found = [block.part(size) for block, size in parts if numbers.count(block.number) == 1]
        return sorted(found, key=lambda part: part.number) if state.size else [_nothing(1)]

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> Exchange[ObjectInfo]:
        """Complete; one request."""
        key, options = state.key, options_of(state)
        ids = [id_of(state.upload_id, part) for part in parts if part.size]
        checksum = sha256_checksum(state.sha256)
        response: Response = yield self._requests.put_block_list(key, ids, checksum, options, state.write_token)
        if code_of(response) in ("InvalidBlockList", "BlobNotFound"):
            found = yield from self._objects.find_own_write(key, state.write_token)
            if found is None:
                raise (yield from self._gone(state))
        else:
            found = yield from self._objects.written(key, response, state.size, checksum, options, state.write_token)
        return found

    def find_upload(self, state: UploadState) -> Exchange[ObjectInfo | None]:
        """Look whether the object carries the token of the upload; see ``writing.find_own_write``."""
        return self._objects.find_own_write(state.key, state.write_token)

    def abort_upload(self, key: ObjectKey, upload_id: str) -> Exchange[None]:
        """Abort; two requests. The service drops what was sent after a week at the latest."""
        blocks = [block for block, _ in (yield from self._held(key)) if block.token == upload_id]
        if _is_pending(blocks):
            yield from self._blocks.stage(key, Block(upload_id, _ABORTED), _SIGN, md5_proof(_SIGN))

    def pending_uploads(self, prefix: Prefix) -> Exchange[Sequence[PendingUpload]]:
        """List the unfinished; one request for 5,000 blobs, and one for each that is empty or has only blocks.

        Uploads over a non-empty object are not listed: the service does not say which objects have them.
        """
        codec = self._requests.codec
        keyed = map(codec.key_of, (yield from self._bare(codec.name_prefix(prefix))))
        keys = [key for key in keyed if key is not None and key.startswith(prefix)]
        outcomes = cast("list[Outcome[list[tuple[Block, int]]]]", (yield Many(map(self._held, keys), _LOOKS_AT_ONCE)))
        found: list[PendingUpload] = []
        for key, outcome in zip(keys, outcomes, strict=True):
            blocks = [block for block, _ in outcome.result()]
            found += [
                PendingUpload(key=key, upload_id=begun.token, begun_at=_moment(begun))
                for begun in blocks
                if begun.number == _BEGUN and _is_pending([block for block in blocks if block.token == begun.token])
            ]
        return found

    def _held(self, key: str) -> Exchange[list[tuple[Block, int]]]:
        """Return the uncommitted blocks of *key* that this library wrote, with their sizes."""
        try:
            response = yield from AZURE.send(self._requests.block_list(key), key=key)
        except NotFoundError:
            return []
        named = ((read_block_id(block_id), size) for block_id, size in parse_blocks(response.body))
        return [(block, size) for block, size in named if block is not None]

    def _bare(self, prefix: str) -> Exchange[list[str]]:
        """Return the names of all empty blobs, including those that have only uncommitted blocks."""
        names: list[str] = []
        marker: str | None = None
        guard = CycleGuard()
        while True:
            response = yield from AZURE.send(self._requests.list(prefix, marker, include="metadata,uncommittedblobs"))
            page = parse_page(response.body)
            names += [name for name, size, _, _ in page.objects if not size]
            if page.token is None:
                return names
            guard.advance(page.token, empty=not page.objects)
            marker = page.token

    def _gone(self, state: UploadState) -> Exchange[NotFoundError | AlreadyExistsError]:
        """Return the error for an upload that is gone: a write to the key may have ended it.

        Raises:
            AlreadyExistsError: another object is there, and the upload was create-only.
            PreconditionFailedError: another version is there, and the upload was for one.
        """
        found: ObjectInfo | None = None
        with suppress(NotFoundError):
            found = yield from self._objects.head(state.key)
        if found is not None and (yield from self._objects.find_own_write(state.key, state.write_token)) is None:
            if state.mode is PutMode.CREATE:
                raise AlreadyExistsError("an object has that key already; nothing was changed", key=state.key)
            if state.if_match is not None and found.etag != state.if_match:
                raise PreconditionFailedError("the object is another version; read it again", key=state.key)
        return NotFoundError(
            "the upload is gone: completed, aborted, ended by another write to the key, or a week old", key=state.key
        )


def _is_pending(blocks: Sequence[Block]) -> bool:
    numbers = {block.number for block in blocks}
    return _BEGUN in numbers and _ABORTED not in numbers


def _nothing(number: int) -> PartInfo:
    return PartInfo(number=number, size=0, etag="d41d8cd98f00b204e9800998ecf8427e")  # the MD5 of nothing


def _moment(begun: Block) -> datetime | None:
    try:
        return datetime.fromtimestamp(int.from_bytes(begun.digest) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _provider_state(options: PutOptions) -> str:
    found = {name: getattr(options, name) for name in _TEXTS} | {
        "metadata": dict(options.metadata),
        "tags": dict(options.tags),
    }
    return write_json({name: value for name, value in found.items() if value})


def options_of(state: UploadState) -> PutOptions:
    """Return the options that the upload was begun with.

    Raises:
        ValueError: the state comes from another release, or was altered.
    """
    kept = _KEPT.read(parse_own_json(state.provider_state or "{}"))
    return PutOptions(mode=state.mode, if_match=state.if_match, **kept)
