"""What a provider adds on the side of writing: bodies of unknown length; tags and storage classes, which can change;
lasting URLs, and forms, for those without credentials. ``contract.py`` has the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .keys import ObjectKey
from .secrecy.pickling import not_pickled
from .types import ObjectInfo, PutOptions
from .values import value

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


@runtime_checkable
class Tagger(Protocol):
    """What a provider adds to declare ``Capability.TAGS``: ``PutOptions.tags`` are then written with the object."""

    def tags(self, key: ObjectKey) -> Mapping[str, str]:
        """Return the tags of the object.

        Raises:
            NotFoundError: no such key.
        """
        ...

    def set_tags(self, key: ObjectKey, tags: Mapping[str, str]) -> None:
        """Replace all tags of the object; none removes them.

        Raises:
            NotFoundError: no such key.
        """
        ...


@runtime_checkable
class ClassSetter(Protocol):
    """What a provider adds to declare ``Capability.STORAGE_CLASS``: a put then takes ``PutOptions.storage_class``."""

    def set_storage_class(self, key: ObjectKey, storage_class: str) -> ObjectInfo:
        """Give the object another storage class, and return what it is now; the bytes stay.

        Raises:
            NotFoundError: no such key.
            NotSupportedError: the service has no such class.
        """
        ...


@runtime_checkable
class Publisher(Protocol):
    """What a provider adds to declare ``Capability.PUBLIC_URL``."""

    def public_url(self, key: ObjectKey) -> str:
        """Return where anyone reads the object; nothing is asked of the service."""
        ...


@value
class PostOptions:
    """What a form may upload."""

    expires_in: timedelta = timedelta(minutes=15)
    """Positive; S3 signs for at most 7 days."""
    max_bytes: int | None = None
    """The largest file; under a policy it defaults to the limit of that."""
    min_bytes: int = 0
    """The smallest file."""
    content_type: str | None = None
    """The type that has to be sent, or a family of them such as ``image/*``; None is any."""
    write_token: str | None = None
    """What the object is to carry; made by ``Storage.presign_post``."""


@not_pickled("it is as good as a password: hand it to the client that it was signed for")
@value
class PostForm:
    """A form that a client without credentials may send by POST, until it expires: multipart/form-data."""

    url: str
    fields: Mapping[str, str] = field(repr=False)
    """To be sent before the field ``file``; hold a signature: treat them as a secret."""
    expires_at: datetime
    """Aware UTC."""
    write_token: str | None = None
    """What the object carries, for ``Storage.confirm``."""


@runtime_checkable
class FormSigner(Protocol):
    """What a provider adds to declare ``Capability.POST_POLICY``."""

    def presign_post(self, key: ObjectKey, options: PostOptions) -> PostForm:
        """Sign a form that uploads *key* within the limits of *options*, all of which the service enforces.

        Raises:
            SettingsError: the credentials at hand cannot sign, or not for that long.
            ValueError: the expiry is longer than the service signs for.
        """
        ...
