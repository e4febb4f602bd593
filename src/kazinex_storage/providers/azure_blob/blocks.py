"""Large bodies as blocks: Put Block for each, then Put Block List, which makes them the blob in one step.

The list carries the condition and the metadata, so the checksum of the whole is stored, whatever its size. Blocks
that are never listed are invisible; the service drops them after a week, or when another write to the key completes.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from ...bodies.checksums import sha256_checksum
from ...bodies.part_plan import plan_parts
from ...bodies.part_upload import send_parts
from ...bodies.source import Source
from ...errors import NotFoundError, UnavailableError
from ...transport import Call, Exchange, Response
from ...types import Buffer, ObjectInfo, PartInfo, PutOptions
from ...values import value
from ..objectstore.writing import check_unchanged
from .checksums import Proof
from .errors import AZURE
from .objects import CHEAP, Objects
from .target import PART_RULE

if TYPE_CHECKING:
    from ...bodies.stream import Stream

# All block ids of a blob must have the same length (Put Block), so everything that writes blocks here uses this form.
_MAGIC: Final = b"kz"
_MAGIC_CRC32: Final = b"kc"  # with the shorter digest, padded
_TOKEN_BYTES: Final = 8
_ID_BYTES: Final = 30
_DIGEST_BYTES: Final = 16
_CRC32_BYTES: Final = 4


@value(kw_only=False)
class Block:
    """What the id of a block says."""

    token: str
    """The write that it belongs to: 16 hexadecimal digits."""
    number: int
    """From 1; markers, which are not part of the body, have numbers of their own."""
    digest: bytes = bytes(_DIGEST_BYTES)
    """MD5 or CRC-32 of its bytes, where it is known in advance."""

    @property
    def id(self) -> str:
        """Its id in the service."""
        magic = _MAGIC_CRC32 if len(self.digest) == _CRC32_BYTES else _MAGIC
        digest = self.digest.ljust(_DIGEST_BYTES, b"\x00")
        return b64encode(magic + bytes.fromhex(self.token) + self.number.to_bytes(4) + digest).decode()

    def part(self, size: int) -> PartInfo:
        """Return it as a part of *size* bytes, whose etag is the digest."""
        crc32 = b64encode(self.digest).decode() if len(self.digest) == _CRC32_BYTES else None
        return PartInfo(number=self.number, size=size, etag=self.digest.hex(), crc32=crc32)


def new_write_token() -> str:
    """Return a random token for a write in blocks."""
    return secrets.token_hex(_TOKEN_BYTES)


def read_block_id(text: str) -> Block | None:
    """Return the block with the id *text*; None when another program made the id."""
    try:
        found = b64decode(text, validate=True)
    except (BadBase64, ValueError):
        return None
    if len(found) != _ID_BYTES or not found.startswith((_MAGIC, _MAGIC_CRC32)):
        return None
    digest = found[14:] if found.startswith(_MAGIC) else found[14 : 14 + _CRC32_BYTES]
    block = Block(found[2:10].hex(), int.from_bytes(found[10:14]), digest)
    return block if block.id == text else None


class Blocks:
    """Writes in blocks to one container. Its verbs raise what the contract says, and what is added here."""

    def __init__(self, objects: Objects) -> None:
        """Write to the container of *objects*."""
        self._objects = objects
        self._requests = objects.requests

    def upload(self, key: str, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a large body; one request for each block and one for the list.

        Raises:
            IntegrityError: the body changed while it was being sent.
            UnavailableError: the service lost the blocks.
        """
        yield from self._objects.check(key, options)  # before gibibytes are sent in vain; completion decides
        token = new_write_token()
        source.hashed_by(CHEAP)
        plan = plan_parts(source.size, PART_RULE)
        parts = yield from send_parts(source, plan, partial(self.put_block, key, token), self._objects)
        found = check_unchanged(source.checksum, sha256_checksum(source.declared_sha256))
        ids = [id_of(token, part) for part in parts]
        response: Response = yield self._requests.put_block_list(key, ids, found, options, token)
        return (yield from self._objects.written(key, response, source.size, found, options, token))

    def put_stream(self, key: str, stream: Stream, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a body of unknown length; one request for each block and one for the list, which has its checksum.

        Raises:
            UnavailableError: the service lost the blocks.
        """
        from ...bodies.stream_parts import send_stream

        yield from self._objects.check(key, options)
        token = new_write_token()
        parts = yield from send_stream(stream, PART_RULE, partial(self.put_block, key, token), self._objects)
        ids = [id_of(token, part) for part in parts]
        found = stream.checksum
        response: Response = yield self._requests.put_block_list(key, ids, found, options, token)
        return (yield from self._objects.written(key, response, stream.size, found, options, token))

    def put_block(self, key: str, token: str, number: int, data: Buffer) -> Exchange[PartInfo]:
        """Write one block, whose digest becomes the etag of the part; one request.

        Raises:
            UnavailableError: the service lost the write.
        """
        proof = cast(Proof, (yield Call(self._requests.prove, data)))
        block = Block(token, number, proof.digest)
        yield from self.stage(key, block, data, proof)
        return block.part(len(data))

    def stage(self, key: str, block: Block, data: Buffer, proof: Proof) -> Exchange[None]:
        """Write *data*, proved by *proof*, as a block; one request.

        Raises:
            UnavailableError: the service lost the write.
        """
        try:
            yield from AZURE.send(self._requests.put_block(key, block.id, data, proof), ok=(201,), key=key)
        except NotFoundError as error:
            raise UnavailableError("the service lost the write; repeat it", key=key, code=error.code) from error


def id_of(token: str, part: PartInfo) -> str:
    """Return the id of the block that is *part* of the write *token*."""
    return Block(token, part.number, bytes.fromhex(part.etag)).id
