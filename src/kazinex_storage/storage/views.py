"""How a storage is opened by name, and views of one: another folder, another policy, another proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ..keys import Prefix
from ..types import DigestChoice
from .operation import Context
from .operations import Operations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..policy import UploadPolicy
    from ..transport import Runner, Transport
    from ..verbs import AnyProvider
    from .disk_cache import DiskCache
    from .rules import WriteOnce


class StorageViews:
    """The methods of ``Storage`` that return another one, which closes with it."""

    _provider: AnyProvider | None
    _own_transport: bool
    _transport: Transport
    _run: Runner
    _operations: Operations

    if TYPE_CHECKING:

        def __init__(
            self,
            provider: AnyProvider,
            *,
            prefix: str = "",
            policy: UploadPolicy | None = None,
            transport: Transport | None = None,
            write_once: WriteOnce = False,
            digest: DigestChoice = "service",
        ) -> None: ...

    @classmethod
    def from_url(
        cls,
        url: str,
        settings: Mapping[str, object] | None = None,
        *,
        policy: UploadPolicy | None = None,
        transport: Transport | None = None,
        write_once: WriteOnce = False,
        digest: DigestChoice = "service",
    ) -> Self:
        """Open the storage that *url* names: ``r2://bucket/folder?jurisdiction=eu``. No request.

        The schemes are those of the file systems; ``kazinexlocal:///srv/documents`` is a folder of the disk. Behind the
        question mark are settings, percent-decoded; what the URL does not say, ``KAZINEX_STORAGE_<KIND>_<FIELD>`` does.
        A URL decides where the secrets of the environment are sent: take it from the operator, not from a client.

        Args:
            url: Never with secrets.
            settings: Further settings of the kind, secrets too.
            policy: This and what follows are those of the constructor.

        Raises:
            InvalidUrlError: no kind has the scheme (the message lists them), it holds a secret or user information,
                which is not repeated, or a setting or a name in it is not legal.
            SettingsError: settings are missing or wrong, or given twice.

        Example:
            >>> from kazinex_storage import Storage
            >>> with Storage.from_url("kazinexmemory://example/plans") as storage:
            ...     storage.put("a.pdf", b"%PDF").key
            'a.pdf'
        """
        from ..secrecy.masking import Masked, masked
        from .opening import open_url

        url, settings = Masked(url), masked(settings)
        provider, prefix = open_url(url, settings)
        return cls(provider, prefix=prefix, policy=policy, transport=transport, write_once=write_once, digest=digest)

    @classmethod
    def from_environment(
        cls,
        name: str | None = None,
        *,
        policy: UploadPolicy | None = None,
        transport: Transport | None = None,
        write_once: WriteOnce = False,
        digest: DigestChoice = "service",
    ) -> Self:
        """Open the storage that the environment describes. No request.

        Without a *name* the variable ``KAZINEX_STORAGE_URL`` has its URL, see ``from_url``. With one, its URL is
        ``KAZINEX_STORAGE_<NAME>_URL``, or its kind ``KAZINEX_STORAGE_<NAME>_KIND``, by default the name itself, such as
        ``r2``; its settings, secrets too, are ``KAZINEX_STORAGE_<NAME>_<FIELD>``.

        Raises:
            SettingsError: nothing is set, or settings are missing or wrong; the message names the variables.
            InvalidUrlError: the variable holds no URL of a storage.
        """
        from .opening import open_from_environment

        provider, prefix = open_from_environment(name)
        return cls(provider, prefix=prefix, policy=policy, transport=transport, write_once=write_once, digest=digest)

    def scoped(self, prefix: str) -> Self:
        """Return a view of the folder *prefix*, which closes with this storage; nothing outside can be named.

        Raises:
            InvalidKeyError: the prefix is no folder.
        """
        context = self._operations.context
        return self._view(context.within(Prefix(context.scope.prefix + Prefix.folder(prefix)), context.rules.policy))

    def with_policy(self, policy: UploadPolicy | None) -> Self:
        """Return a view that puts under another policy."""
        context = self._operations.context
        return self._view(context.within(context.scope.prefix, policy))

    def with_digest(self, digest: DigestChoice) -> Self:
        """Return a view that proves what is put by what the service verifies, or by its sha256; see the constructor.

        Raises:
            ValueError: there is no such *digest*.
        """
        context = self._operations.context
        return self._view(context.within(context.scope.prefix, context.rules.policy, digest))

    def read_only(self) -> Self:
        """Return a view that only reads: whatever would change something raises ``ReadOnlyError`` before any request.

        That holds for all that is made of the view: its own views, files, file systems, and uploads that were begun
        elsewhere. Links are signed for GET and HEAD.
        """
        from .read_only import ReadOnlyOperations, read_only

        view = self._view(self._operations.context)
        view._operations = ReadOnlyOperations(read_only(self._operations.context))
        return view

    def cached(self, cache: DiskCache, *, space: str = "") -> Self:
        """Return a view that reads through *cache*: what has not changed comes from the disk instead of the service.

        Every read asks the service first, by one request without bytes; so nothing is served that was replaced or
        removed, and nothing while the service does not answer. Whole objects are compared with the checksum of the
        service before they are kept, and what is kept is proved by its own before it is used. A piece, which is a whole
        object or a span as it was read, takes at most a quarter of the cache. The cache holds plain bytes.

        Args:
            cache: Shared by any number of storages and processes.
            space: Keeps what is read apart from that of every other space: the organisation.
        """
        from .cached import cached

        return self._view(cached(self._operations.context, cache, space))

    def limited(self, *, bandwidth: str | int | None = None, requests: float | None = None) -> Self:
        """Return a view that is held to a rate: all that is done through it, and through its own views, together.

        Reads come in pieces of about a second, with one request more for what is larger; uploads wait before each
        request, so they are as even as their parts are small. Copies inside the service move no bytes here.

        Args:
            bandwidth: Bytes a second, as a number, or as text: ``50MB/s``, ``12.5MiB/s``, ``400Mbit/s``.
            requests: Requests a second, or calls of a provider that makes none.

        Raises:
            SettingsError: the text means no bandwidth.
            ValueError: a limit is not positive.
        """
        from .limited import limited

        return self._view(limited(self._operations.context, bandwidth, requests))

    def _view(self, context: Context) -> Self:
        view = type(self).__new__(type(self))
        view._provider, view._own_transport = None, False  # views do not close what they look at
        view._transport, view._run = self._transport, self._run
        view._operations = type(self._operations)(context)
        return view
