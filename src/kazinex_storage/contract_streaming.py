"""What a provider adds to write a body whose length is not known before it ends; ``contract.py`` has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .keys import ObjectKey
from .types import ObjectInfo, PutOptions

if TYPE_CHECKING:
    from .bodies.stream import Stream


@runtime_checkable
class StreamWriter(Protocol):
    """What a provider adds to declare ``Capability.STREAMED_WRITES``."""

    def put_stream(self, key: ObjectKey, stream: Stream, options: PutOptions) -> ObjectInfo:
        """Write all that *stream* gives under *key*; atomic, as ``StorageProvider.put`` is.

        The stream checks itself: once it has been read to the end, it is what was declared, within its limit, and
        ``stream.checksum`` is there. It is read once, so what fails after its first byte leaves nothing.

        Raises:
            NotSupportedError: before anything was read, a condition that this service only has for bodies of known
                size; ``Storage`` then spools the body, and puts it.
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists.
            PreconditionFailedError: ``if_match`` and the object is another version or absent.
            FileTooLargeError: the service takes no more parts.
        """
        ...
