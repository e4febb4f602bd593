"""Storage: what users hold, over any provider. Thread-safe and fork-safe; ``AsyncStorage`` is the same for asyncio."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Self, overload

from ..capabilities import Capability
from ..keys import Prefix
from ..secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ..transport import Outcome, Transport
from ..types import (
    DEFAULTS,
    WHOLE,
    ByteRange,
    DigestChoice,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    Progress,
    ProviderInfo,
    PutMode,
    PutOptions,
)
from ..verbs import AnyProvider, transport_for
from .operation import Context
from .operations import LINK, Operations
from .ranges import GAP_BYTES
from .reading import ByteStream
from .records import RecordVerbs, UploadVerbs
from .views import StorageViews

if TYPE_CHECKING:
    from ..encryption.age import Age
    from ..policy import UploadPolicy
    from .files import StorageFile
    from .rules import Body, WriteOnce
    from .states import StateKeys


@not_pickled(SEND_A_FILE_SYSTEM)
class Storage(StorageViews, UploadVerbs, RecordVerbs):
    """The objects of one provider, or of one folder of it.

    Example:
        >>> from kazinex_storage.providers.memory import MemoryProvider
        >>> Storage(MemoryProvider()).put("plans/a.pdf", b"%PDF").size
        4
    """

    def __init__(
        self,
        provider: AnyProvider,
        *,
        prefix: str = "",
        policy: UploadPolicy | None = None,
        transport: Transport | None = None,
        write_once: WriteOnce = False,
        state_key: bytes | StateKeys | None = None,
        digest: DigestChoice = "service",
        encryption: Age | None = None,
    ) -> None:
        """Use *provider*, which this storage closes; every key is below the folder *prefix*, nothing else can be named.

        Args:
            policy: What may be put; without one, all that the provider can hold.
            transport: Shared by the storages of a process; without one this storage has its own.
            write_once: Which objects are created and never replaced, by whatever call; see ``rules.WriteOnce``.
            state_key: At least 16 secret bytes that seal upload states; by default derived from the provider's secret.
            digest: What proves a body that is put: the checksum that the service verifies, or the sha256.
            encryption: Keys by which every object is encrypted here, before it is sent; all speaks of the plain text.

        Raises:
            InvalidKeyError: the prefix is no folder; ``ValueError``: the key is too short, or there is no such digest.
        """
        if encryption is not None:
            from ..providers.encrypted import encrypted

            provider = encrypted(provider, encryption)
        self._provider: AnyProvider | None = provider
        self._transport = transport_for(provider, transport)
        self._run = self._transport.run  # all that AsyncStorage does otherwise; see ``awaiting.awaited``
        self._own_transport = self._transport is not transport
        context = Context(provider, Prefix.folder(prefix), policy, write_once, state_key, digest)
        keep = context.info.keeps_deleted_for
        if keep is not None and Capability.UNDELETE in context.info.capabilities:
            context.keep_deleted_for(keep)
        self._operations = Operations(context)

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self._operations.context.info

    @property
    def prefix(self) -> Prefix:
        """The folder that every key is below; empty for the whole provider."""
        return self._operations.context.scope.prefix

    @property
    def policy(self) -> UploadPolicy | None:
        """What may be put."""
        return self._operations.context.rules.policy

    @property
    def operations(self) -> Operations:
        """The operations as exchanges, for code that composes them."""
        return self._operations

    @property
    def transport(self) -> Transport:
        """What runs the exchanges."""
        return self._transport

    def put(
        self,
        key: str,
        body: Body,
        options: PutOptions = DEFAULTS,
        *,
        sha256: str | None = None,
        on_progress: Progress | None = None,
    ) -> ObjectInfo:
        """Write the whole of *body* under *key* and return what the service recorded, with the checksum of the bytes.

        Atomic: readers see the old object or the new one; after any error the old one. The checksum is the one that the
        service verified, or the sha256 where the storage or *options* ask for it; a *sha256* that is given is compared
        and kept. A body of unknown length is collected up to 8 MiB, and goes out in parts beyond that; where a service
        must know the length, it is spooled on disk. One request up to 8 MiB.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE``, or written once, and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            PolicyError: the extension is not allowed, or the body is over the limit, checked while it is read.
            IntegrityError: the body changed, or has another sha256; ``QuotaExceededError``: the store is full.
            NotSupportedError: the provider cannot do what *options* ask for; ``InvalidKeyError``: nor hold the key.
        """
        return self._run(self._operations.put(key, body, options, sha256=sha256, on_progress=on_progress))

    def put_many(self, items: Iterable[tuple[str, Body]], options: PutOptions = DEFAULTS) -> builtins.list[ObjectInfo]:
        """Write many (key, body) pairs, as many at once as pays off here; return what was recorded, in their order.

        Each put is atomic, the whole is not: all items are tried, but for a key that came before, which fails.

        Raises:
            BulkError: some failed; it lists their errors.
        """
        return self._run(self._operations.put_many(items, options))

    def get_bytes(
        self,
        key: str,
        span: ByteRange = WHOLE,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
        version: str | None = None,
    ) -> bytes:
        """Return the bytes of *span*, all of one version. One request. Holds them in memory.

        Args:
            version: One of ``versions``; by default, what the key names now.

        Raises:
            NotFoundError: no such key; ``IntegrityError``: the whole has another checksum than the service keeps.
            PreconditionFailedError: the object is not the version *if_match*.
            NotModifiedError: it is the version *if_none_match*, and no byte was sent.
            ValueError: both conditions are given.
        """
        return self._run(
            (self._operations if version is None else self._operations.of_version(version)).get_bytes(
                key, span, if_match, if_none_match
            )
        )

    def get_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Outcome[bytes]]]:
        """Yield (key, outcome) as whole objects arrive; ``outcome.result()`` gives the bytes or raises."""
        from .bulk import arriving

        return arriving(keys, self._operations.get_bytes, self._transport, self.info.concurrency)

    def download(
        self,
        key: str,
        path: str | os.PathLike[str],
        *,
        on_progress: Progress | None = None,
        if_none_match: str | None = None,
        version: str | None = None,
    ) -> ObjectInfo:
        """Write the object into the file *path*, whole or not at all; the info has the checksum it was compared with.

        They land in a hidden file first. The digest sha256 computes that in any case. One request for each 16 MiB.

        Raises:
            NotFoundError: no such key; ``IntegrityError``: the bytes are not those that were stored; *path* stays.
            NotModifiedError: the object is the version *if_none_match*; *path* stays, and no byte was sent.
            OSError: *path* cannot be written.
        """
        return self._run(
            self._operations.of_version(version).download(key, path, on_progress, if_none_match=if_none_match)
        )

    def stream(self, key: str, span: ByteRange = WHOLE, *, version: str | None = None) -> ByteStream:
        """Return an iterator over the bytes of *span*, all of one version; a request a chunk, the first is made now.

        Raises:
            NotFoundError: no such key; ``PreconditionFailedError``: while iterating, the object was replaced meanwhile.
        """
        return ByteStream(self._operations.of_version(version).range_reader(key, span), self._transport)

    def read_ranges(self, key: str, spans: Sequence[ByteRange], *, gap: int = GAP_BYTES) -> builtins.list[bytes]:
        """Return the bytes of every span, all of one version, in order.

        One request for each block of up to 4 MiB in which spans lie at most *gap* bytes apart, or for each longer span.

        Raises:
            NotFoundError: no such key; ``PreconditionFailedError``: the object was replaced meanwhile, ask again.
            ValueError: *gap* is negative.
        """
        return self._run(self._operations.read_ranges(key, spans, gap))

    def head(self, key: str, *, if_none_match: str | None = None, version: str | None = None) -> ObjectInfo:
        """Return what is known of the object, or of one *version* of it. One request.

        Raises:
            NotFoundError: no such key; ``NotModifiedError``: the object is the version *if_none_match*.
        """
        return self._run(
            (self._operations if version is None else self._operations.of_version(version)).head(key, if_none_match)
        )

    def exists(self, key: str) -> bool:
        """Say whether an object has that key. One request.

        Raises:
            StorageError: the service did not say.
        """
        return self._run(self._operations.exists(key))

    def delete(self, key: str) -> None:
        """Remove the object; silent when there is none. One request; where it is kept, see ``deleted``, a move.

        Raises:
            AccessDeniedError: it may not be removed.
        """
        return self._run(self._operations.delete(key))

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove many objects; absent ones are no error. One request per 1,000 where the service can, else each.

        Raises:
            BulkError: some could not be removed; it lists their errors.
        """
        return self._run(self._operations.delete_many(keys))

    @overload
    def list(self, prefix: str = "", *, recursive: Literal[True] = True) -> Iterator[ObjectInfo]: ...

    @overload
    def list(self, prefix: str = "", *, recursive: bool) -> Iterator[ObjectInfo | Folder]: ...

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[ObjectInfo] | Iterator[ObjectInfo | Folder]:
        """Yield the objects whose keys begin with *prefix*, as text, lazily; memory stays flat.

        Not *recursive*, one level: objects, and folders. One request a page; one page ahead after half of the first.

        Raises:
            InvalidKeyError: no key can begin with *prefix*.
        """
        listing = self._operations.scan(prefix) if recursive else self._operations.children(prefix)
        return listing.entries(self._transport)

    def copy(self, source: str, target: str, *, mode: PutMode = PutMode.REPLACE) -> ObjectInfo:
        """Copy bytes, content type and metadata, on the server where it can; atomic like a put.

        Raises:
            NotFoundError: there is no *source*; ``ValueError``: both keys are the same.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
            PolicyError: the policy does not allow the new name or the size, which is one more request.
        """
        return self._run(self._operations.copy(source, target, mode))

    def move(self, source: str, target: str, *, mode: PutMode = PutMode.REPLACE) -> ObjectInfo:
        """Give an object another key; atomic where the service moves, else a copy, and then a delete.

        Raises:
            PreconditionFailedError: *source* was replaced while it was copied; both are there.
            StorageError: as ``copy``.
        """
        return self._run(self._operations.move(source, target, mode))

    def presign(self, key: str, options: PresignOptions = LINK) -> PresignedUrl:
        """Sign a request that a client without credentials may send until it expires; by default a GET, 15 minutes.

        A PUT of a key that is written once creates. What the service does not bind (``bound``) needs ``confirm``.

        Raises:
            NotSupportedError: the provider does not sign, or not such a request: a DELETE of what is written once.
            PolicyError: a PUT that the policy does not allow, or one without the size under a policy.
            ValueError: the method, the size or the expiry makes no sense.
        """
        return self._run(self._operations.presign(key, options))

    def confirm(self, key: str, options: PresignOptions, *, write_token: str | None = None) -> ObjectInfo:
        """Compare what a signed PUT brought with the *options* it was signed with and the policy of now.

        Looks at size, type, first bytes where the policy restricts types, and reads the whole for a sha256. What does
        not fit is removed, if it carries the *write_token* of the URL; without that nothing is.

        Raises:
            NotFoundError: nothing has arrived.
            AlreadyExistsError: what is there did not come by the URL with that *write_token*, and is left alone; or
                its revision has, or had, another file, and what came is removed.
            PolicyError: the policy does not allow it.
            IntegrityError: it is not what was signed for.
            ValueError: the options are not those of a PUT, or the file of a revision comes without *write_token*.
        """
        return self._run(self._operations.confirm(key, options, write_token))

    def open(self, key: str, mode: str = "rb", options: PutOptions = DEFAULTS) -> StorageFile:
        """Return a binary file: ``rb`` reads one version, ``wb`` replaces, ``xb`` creates.

        Read in order to its end, it is proved as ``get_bytes`` is. Writing publishes on ``close``; leaving a ``with``
        block by an exception, or ``discard``, publishes nothing.

        Raises:
            NotFoundError: reading, and no such key; ``ValueError``: another mode.
            AlreadyExistsError: on closing an ``xb`` file, when the key exists.
        """
        from .files import open_file

        return open_file(self, key, mode, options)

    def close(self) -> None:
        """Close the provider, unless this is a view. Using a closed storage raises ``ClosedError``."""
        self._operations.context.closed_flag.close()
        provider, self._provider = self._provider, None
        if provider is not None:
            provider.close()
            if self._own_transport:
                self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Storage({self.info.kind} {self.info.location}{f', prefix={self.prefix!r}' if self.prefix else ''})"
