"""Large bodies as blocks: Put Block for each, then Put Block List, which makes them the blob at once.

The list carries the condition and the metadata, so the sha256 of the whole is always kept. Blocks that are never listed
are seen by nobody and dropped by the service after a week, or when another write to the key ends.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from functools import partial
from typing import cast

from ..._internal.sending import send_parts
from ...errors import IntegrityError, NotFoundError, UnavailableError
from ...parts import plan_parts
from ...source import Source
from ...transport import Call, Exchange, Response
from ...types import Buffer, ObjectInfo, PartInfo, PutMode, PutOptions
from .mapping import is_azure, map_error, stranger
from .objects import Objects
from .protocol import md5_of
from .target import PART_RULE


class Blocks:
    """Writes in blocks to one container; keys as the service spells them."""

    def __init__(self, objects: Objects) -> None:
        """Work on the same container as *objects*."""
        self._objects = objects
        self._protocol = objects.protocol

    def put(self, key: str, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a large body; one request for each block and one for the list.

        Raises:
            IntegrityError: the body changed while it was being sent.
            UnavailableError: the service lost the blocks.
            StorageError: as in ``StorageProvider.put``.
        """
        if options.mode is PutMode.CREATE or options.if_match is not None:
            yield from self._objects.check(key, options)  # before gibibytes are sent in vain; the end decides
        mark = secrets.token_hex(8)
        plan = plan_parts(source.size, PART_RULE)
        parts = yield from send_parts(source, plan, partial(self._put_block, key, mark))
        found, declared = source.checksum, source.declared_sha256
        if found is None or (declared is not None and found.value != declared):
            raise IntegrityError("the body changed while it was being sent; nothing was stored, repeat it")
        query = yield from self._objects.query()
        response: Response = yield self._protocol.put_block_list(
            key, [part.etag for part in parts], found.value, options, mark, query
        )
        return (yield from self._objects.written(key, response, source.size, found.value, options, mark))

    def _put_block(self, key: str, mark: str, number: int, data: Buffer) -> Exchange[PartInfo]:
        md5 = cast(str, (yield Call(md5_of, data)))
        block_id = block_id_of(mark, number)
        query = yield from self._objects.query()
        response: Response = yield self._protocol.put_block(key, block_id, data, md5, query)
        if response.status != 201:
            error = map_error(response, key)
            if isinstance(error, NotFoundError):
                raise UnavailableError("the service lost the write; repeat it", key=key, code=error.code)
            raise error
        if not is_azure(response.headers):
            raise stranger(response, key)
        return PartInfo(number=number, size=len(data), etag=block_id)


def block_id_of(mark: str, number: int) -> str:
    """Return how the block *number* of the write *mark* is called.

    All ids of a blob have one length (Put Block, read 2026-08), and another writer's blocks have other ids.
    """
    digest = hashlib.sha256(mark.encode()).digest()[:10]
    return b64encode(digest + number.to_bytes(5)).decode()
