"""The contract: what a storage service must do to become a provider.

A provider is small and thin. ``Storage`` gives it a valid key, a source of known size that can be opened again, and a
sane span; it owes atomic writes, the errors of ``errors.py`` and nothing else. Read ``providers/memory.py`` next: it is
the reference. ``kazinex_storage.testing`` proves an implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar, runtime_checkable

from .bodies.source import Source
from .errors import StorageError
from .keys import ObjectKey, Prefix
from .part_uploads import PartExchanges, ResumeExchanges
from .transport import Exchange, TransportSettings
from .types import (
    ByteRange,
    Checksum,
    Diagnosis,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutMode,
    PutOptions,
    Sink,
)

_Entry = TypeVar("_Entry", bound="ObjectInfo | Folder", covariant=True)


class StorageProvider(Protocol):
    """One place that holds objects. Thread-safe and fork-safe; only ``StorageError`` leaves it; it caches nothing."""

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do; constant for its life."""
        ...

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        """Write the whole of *source* under *key*.

        Atomic: readers see the old object or the new one, and after an error the old one. ``PutMode.CREATE`` and
        ``if_match`` come only when the capability is declared. The source checks itself: when reading it to the end
        has not raised, it is what was declared, and ``source.checksum`` is the sha256.

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

        A buffer given to the sink is valid during that call only. What the sink raises passes through. What comes from
        a remote provider as a whole is compared with the checksum in what is returned, where it can be computed here.

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
        """Remove the object; silent when there is none, so that a retry is safe."""
        ...

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with *prefix*, lazily, in the order of the service."""
        ...

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        """Yield what stands one level below: objects, and folders for what has a further slash after *prefix*."""
        ...

    def close(self) -> None:
        """Release connections and descriptors; calling it twice is harmless.

        A provider that nobody holds any more releases them by itself: a resolver lets providers go without closing
        them, because a storage that is still in use may need them.
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
            AlreadyExistsError: *target* exists, and *mode* is ``PutMode.CREATE``, or the service moves to free keys
                only; ``Storage`` copies over it where that is wanted.
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
        """Sign one request; what the service cannot bind it to is left out, except for a create-only mode.

        Raises:
            SettingsError: the credentials at hand cannot sign, or not for that long.
        """
        ...


@runtime_checkable
class Sweeper(Protocol):
    """What a provider adds when killed writers leave files behind that only it can tell from those of the living."""

    def sweep(self, prefix: Prefix = ..., *, dry_run: bool = False) -> int:
        """Remove what is left of keys that begin with *prefix*, or only count it; safe while others write.

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
        """Read the secret by *load*, and replace it by *swap* (old, new), which is atomic and says whether it did."""
        ...


@runtime_checkable
class Learner(Protocol):
    """What a provider adds when it looks things up that are better kept with its settings."""

    @property
    def learned(self) -> Mapping[str, object]:
        """Fields to set in the settings, JSON values; empty when nothing was looked up. They change no meaning."""
        ...

    def learn_anew(self) -> None:
        """Forget what the settings brought along of it, so that it is looked up at the next use."""
        ...


@runtime_checkable
class Diagnoser(Protocol):
    """What a provider may add when it knows better than the class of an error what went wrong."""

    def diagnose(self, error: StorageError, check: str) -> Diagnosis | None:
        """Explain *error*, met by the check of ``verify`` named *check*; None leaves it to the general advice.

        It may ask the service, within a few seconds; it never writes.
        """
        ...


@runtime_checkable
class ExtraChecks(Protocol):
    """What a provider may add when there is more to verify than what every provider promises."""

    def checks(self) -> Mapping[str, Callable[[], Diagnosis | None]]:
        """Return further checks of ``verify`` by name; they are run in that order when the common ones passed.

        A check returns None when all is well, a ``Diagnosis`` to warn, and raises a ``StorageError`` when it fails.
        Which checks there are follows from the settings alone: nothing is asked here.
        """
        ...


@runtime_checkable
class SettingsUser(Protocol):
    """What a provider adds when it also reaches a server by itself, such as one that gives tokens."""

    def use_settings(self, settings: TransportSettings) -> None:
        """Reach it as the transport of the storage reaches servers: proxy, trust, and what may be connected to."""
        ...


class Pages(Protocol, Generic[_Entry]):
    """A listing that is fetched page by page."""

    def next(self) -> Exchange[Sequence[_Entry] | None]:
        """Return an exchange for the next page; its result is None after the last one."""
        ...

    def close(self) -> None:
        """Release what the listing holds open."""
        ...


class ProviderExchanges(Protocol):
    """The same contract as exchanges: what ``Storage`` really calls.

    A network provider offers this as its attribute ``exchanges``; for every other provider ``Lifted`` makes it.
    """

    @property
    def parts(self) -> PartExchanges | ResumeExchanges:
        """Uploads that outlive their process; used only when ``Capability.PARTS`` or ``RESUME`` is declared."""
        ...

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write as in ``StorageProvider.put``."""
        ...

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Read as in ``StorageProvider.get``."""
        ...

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Look as in ``StorageProvider.head``."""
        ...

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Remove as in ``StorageProvider.delete``."""
        ...

    def scan(self, prefix: Prefix) -> Pages[ObjectInfo]:
        """List as in ``StorageProvider.scan``."""
        ...

    def children(self, prefix: Prefix) -> Pages[ObjectInfo | Folder]:
        """List as in ``StorageProvider.children``."""
        ...

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy as in ``ServerCopier``; called only when declared."""
        ...

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove as in ``BulkDeleter``; called only when declared."""
        ...

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign as in ``Presigner``; called only when declared."""
        ...

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Explain as in ``Diagnoser``."""
        ...

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return further checks as in ``ExtraChecks``."""
        ...


class ChecksumExchanges(Protocol):
    """What exchanges offer besides when a read of a part does not tell the checksum of the whole."""

    def checksum(self, key: ObjectKey, info: ObjectInfo) -> Exchange[Checksum | None]:
        """Ask for the checksum of the version *info*; None when there is none that can be computed here."""
        ...


class MoveExchanges(Protocol):
    """``ServerMover`` as exchanges."""

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Move as in ``ServerMover``."""
        ...
