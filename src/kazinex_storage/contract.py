"""The contract: what a storage service must do to become a provider.

A provider is small and thin: a class with the plain methods of ``StorageProvider``, and those of the further protocols
whose capability it declares. ``Storage`` passes it a valid key, a source of known size that can be opened again, and a
sane span; it owes atomic writes and the errors of ``errors.py``, and nothing else. Read ``providers/memory``, the
reference, next; ``lifting.py`` is how ``Storage`` runs it. ``kazinex_storage.testing`` proves an implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .errors import StorageError
from .keys import ObjectKey, Prefix
from .types import (
    Buffer,
    ByteRange,
    Diagnosis,
    Folder,
    ObjectInfo,
    PartInfo,
    PartRule,
    PendingUpload,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutMode,
    PutOptions,
    Sink,
    UploadState,
)
from .values import value

if TYPE_CHECKING:
    from .bodies.source import Source
    from .transport import TransportSettings


class StorageProvider(Protocol):
    """One place that holds objects. Thread-safe and fork-safe; only ``StorageError`` leaves it; it caches nothing."""

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do; constant for its life."""
        ...

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        """Write the whole of *source* under *key*.

        Atomic: readers see the old object or the new one, and after an error the old one. ``PutMode.CREATE`` and
        ``if_match`` are passed only when the capability is declared. The source checks itself: once it has been read to
        the end without an error, it is what was declared, and ``source.checksum`` is the sha256.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists; of racing writers exactly one succeeds.
            PreconditionFailedError: ``if_match`` and the object is another version or absent.
            IntegrityError: from the source.
            QuotaExceededError: the store is full.
            InvalidKeyError: this service cannot hold the key.
        """
        ...

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        """Push the bytes of *span* into *sink*, in order, all of one version, and return what the object is.

        A buffer given to the sink is valid only during that call. What the sink raises is passed on. Whole objects from
        a remote provider are compared with the checksum in the result, where it can be computed here.

        Raises:
            NotFoundError: no such key.
            PreconditionFailedError: the object is not the version *if_match*.
        """
        ...

    def head(self, key: ObjectKey) -> ObjectInfo:
        """Return what is known of the object.

        Raises:
            NotFoundError: no such key.
        """
        ...

    def delete(self, key: ObjectKey) -> None:
        """Remove the object; no error when there is none, so a retry is safe."""
        ...

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with *prefix*, lazily, in the order of the service."""
        ...

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        """Yield what is one level below: objects, and folders for keys with another slash after *prefix*."""
        ...

    def close(self) -> None:
        """Release connections and descriptors; calling it twice is harmless.

        A provider that is garbage-collected releases them by itself: a resolver drops providers without closing them,
        because a storage that is still in use may need them.
        """
        ...


@runtime_checkable
class ServerCopier(Protocol):
    """What a provider adds to declare ``Capability.SERVER_COPY``."""

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Copy bytes, content type and metadata without moving them through this process; atomic like a put.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
        """
        ...


@runtime_checkable
class ServerMover(Protocol):
    """What a provider adds to declare ``Capability.SERVER_MOVE``."""

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Give the object *source* the key *target*; atomic: it has the one key or the other.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: *target* exists, and *mode* is ``PutMode.CREATE`` or the service only moves to free
                keys; ``Storage`` then copies over it where that is wanted.
        """
        ...


@runtime_checkable
class BulkDeleter(Protocol):
    """What a provider adds to declare ``Capability.BULK_DELETE``."""

    def delete_many(self, keys: Sequence[ObjectKey]) -> Sequence[StorageError | None]:
        """Remove up to 1,000 objects and return an error or None for each, in order."""
        ...


@runtime_checkable
class Presigner(Protocol):
    """What a provider adds to declare ``Capability.PRESIGN``."""

    def presign(self, key: ObjectKey, options: PresignOptions) -> PresignedUrl:
        """Sign one request; conditions that the service cannot sign are left out, except for a create-only mode.

        Raises:
            SettingsError: the credentials at hand cannot sign, or not for that long.
        """
        ...


@runtime_checkable
class PartUploader(Protocol):
    """What a provider adds to declare ``Capability.PARTS``: uploads that outlive the process that began them.

    Any process that has the ``UploadState`` can continue it. Nothing of it is visible before it is completed. Keys are
    the provider's, not relative to a storage.
    """

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> UploadState:
        """Begin an upload of *size* bytes in parts that the provider chooses; *sha256* is of the whole, when known.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists; may be left to completion, which decides.
            PreconditionFailedError: ``if_match`` and the object is another version or absent; likewise.
            NotSupportedError: a condition that works for puts, but not for uploads in parts on this service.
            InvalidKeyError: this service cannot hold the key.
        """
        ...

    def put_part(self, state: UploadState, number: int, data: Buffer) -> PartInfo:
        """Write part *number*, from 1, in any order; writing it again replaces it.

        *data* is valid during the call only.

        Raises:
            NotFoundError: the upload is gone.
        """
        ...

    def list_parts(self, state: UploadState) -> Sequence[PartInfo]:
        """Return the parts that the service holds, in order.

        Raises:
            NotFoundError: the upload is gone: completed, aborted or expired.
        """
        ...

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> ObjectInfo:
        """Make the *parts*, in order and complete, the object; atomic, under the condition given at the beginning.

        Raises:
            AlreadyExistsError: it was create-only, and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            NotFoundError: the upload is gone.
        """
        ...

    def find_upload(self, state: UploadState) -> ObjectInfo | None:
        """Return the object that the upload became, after an answer was lost; None when it did not, or that is unknown.

        Raises:
            StorageError: the service refuses.
        """
        ...

    def abort_upload(self, key: ObjectKey, upload_id: str) -> None:
        """Discard the upload and its parts; no error when it is gone.

        Raises:
            StorageError: the service refuses.
        """
        ...

    def pending_uploads(self, prefix: Prefix) -> Sequence[PendingUpload]:
        """Return the uploads that are neither completed nor aborted and whose keys begin with *prefix*.

        Raises:
            StorageError: the service refuses.
        """
        ...


@runtime_checkable
class UploadResumer(Protocol):
    """What a provider adds to declare ``Capability.RESUME``, when its service takes a body in order and lists nothing.

    ``begin_upload`` and ``abort_upload`` are those of ``PartUploader``; *sha256* may be required.
    """

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> UploadState:
        """Begin as in ``PartUploader.begin_upload``."""
        ...

    def resume_upload(self, state: UploadState, source: Source) -> ObjectInfo:
        """Send what is missing of *source*, which has the size of the state, and make it the object; atomic.

        Raises:
            IntegrityError: it is another body than the upload was begun for; nothing of it becomes part of an object.
            AlreadyExistsError: it was create-only, and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            NotFoundError: the upload is gone, and what it was to become is not there.
        """
        ...

    def abort_upload(self, key: ObjectKey, upload_id: str) -> None:
        """Abort as in ``PartUploader.abort_upload``."""
        ...


@value
class ClientSession:
    """A URL of the service that takes one body, in order, from anyone who has it."""

    url: str = field(repr=False)
    """Holds a credential: treat it as a secret."""
    rule: PartRule
    """How the body is cut; each part is a PUT with a Content-Range."""
    part_bytes: int
    """Bytes in every part but the last."""


@runtime_checkable
class SessionOpener(Protocol):
    """What a provider adds when its service gives a URL for one body to clients that hold no credentials."""

    def begin_session(self, key: ObjectKey, size: int, options: PutOptions) -> ClientSession:
        """Begin a create-only upload of *size* bytes, at least one; nothing is visible before the last of them.

        Raises:
            AlreadyExistsError: the key exists.
            InvalidKeyError: this service cannot hold the key.
        """
        ...

    def is_session_open(self, url: str) -> bool:
        """Say whether the service still waits for bytes; not once it is complete, ended, or expired.

        Raises:
            StorageError: the service does not say.
        """
        ...

    def end_session(self, url: str) -> None:
        """Discard the session and what was sent; no error when it is gone, or cannot be reached for now."""
        ...


@runtime_checkable
class StateSecret(Protocol):
    """What a provider adds when it is opened by a secret: upload states are sealed under a key derived from that."""

    def state_secret(self) -> bytes | None:
        """Return a secret known only to those who can open the provider; None when it has no lasting one. May block.

        It is the same in every process with the same settings, for as long as they are valid.

        Raises:
            StorageError: the credentials cannot be looked up.
        """
        ...


@runtime_checkable
class Sweeper(Protocol):
    """What a provider adds when killed writers leave files behind that only it can tell from those still in use."""

    def sweep(self, prefix: Prefix = ..., *, dry_run: bool = False) -> int:
        """Remove such remains of keys that begin with *prefix*, or only count them; safe while others write.

        Raises:
            UnavailableError: the store does not answer.
        """
        ...


@runtime_checkable
class SecretRotator(Protocol):
    """What a provider adds when its service replaces a secret of the settings while it is in use."""

    @property
    def rotating_secret(self) -> str | None:
        """The field of the settings that holds it; None when these settings have none."""
        ...

    def keep_secret(self, load: Callable[[], str], swap: Callable[[str, str], bool]) -> None:
        """Read the secret with *load*; replace it with *swap* (old, new), which is atomic and says whether it did."""
        ...


@runtime_checkable
class DiscoveryCache(Protocol):
    """What a provider adds when it looks up things that are better kept with its settings."""

    @property
    def discovered(self) -> Mapping[str, object]:
        """Fields to set in the settings, as JSON values; empty when nothing was looked up. They change no behaviour."""
        ...

    def refresh(self) -> None:
        """Forget what came with the settings, so that it is looked up at the next use."""
        ...


@runtime_checkable
class KeyChecker(Protocol):
    """What a provider adds when it refuses keys by itself, so that they are known before anything is moved to it."""

    def check_key(self, key: ObjectKey) -> None:
        """Refuse a key that the service cannot hold. Nothing is asked of the service.

        Raises:
            InvalidKeyError: it cannot.
        """
        ...


@runtime_checkable
class Diagnoser(Protocol):
    """What a provider may add when it can say more than the class of an error about what went wrong."""

    def diagnose(self, error: StorageError, check: str) -> Diagnosis | None:
        """Explain *error*, met by the check of ``verify`` named *check*; None leaves it to the general advice.

        It may ask the service, for a few seconds at most; it never writes.
        """
        ...


@runtime_checkable
class ExtraChecks(Protocol):
    """What a provider may add when there is more to verify than what every provider promises."""

    def checks(self) -> Mapping[str, Callable[[], Diagnosis | None]]:
        """Return further checks of ``verify`` by name; they run in that order once the common ones have passed.

        A check returns None when all is well, a ``Diagnosis`` to warn, and raises a ``StorageError`` when it fails.
        Which checks there are depends on the settings alone: nothing is asked here.
        """
        ...


@runtime_checkable
class SettingsUser(Protocol):
    """What a provider adds when it also contacts a server by itself, such as one that issues tokens."""

    def use_settings(self, settings: TransportSettings) -> None:
        """Contact it by the rules of the storage's transport: proxy, trust, and permitted addresses."""
        ...
