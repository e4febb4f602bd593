"""SharePointProvider: the contract for a document library; each method runs one of ``exchanges.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ...bodies.source import Source
from ...keys import MAX_KEY_BYTES, ObjectKey
from ...network_provider import NetworkProvider
from ...transport import Exchange, Transport, TransportSettings
from ...types import (
    Capability,
    ObjectInfo,
    ProviderInfo,
    PutMode,
    PutOptions,
    UploadState,
)
from ..settings.entra import GivenStore, Tokens
from .exchanges import SharePointExchanges
from .hashing import WRITTEN_ANEW
from .target import Target

if TYPE_CHECKING:
    from .settings import SharePointSettings

# Microsoft counts 3,000 requests in 5 minutes for a user and 1,250 units a minute for an app; more at once only meets
# the limit earlier — facts of the throttling page, see ``transport/gate.py``.
CONCURRENCY = 8
"""Requests at once that pay off in bulk work."""

CAPABILITIES = frozenset(
    {
        Capability.CREATE_ONLY,
        Capability.CONDITIONAL,
        Capability.SERVER_COPY,
        Capability.SERVER_MOVE,
        Capability.BULK_DELETE,
        Capability.RESUME,
    }
)
"""What a library can do. It keeps no metadata, and signs no requests."""


class SharePointProvider(NetworkProvider[SharePointExchanges]):
    """A folder of one document library. Thread-safe and fork-safe; ``exchanges.py`` says what operations cost."""

    def __init__(self, target: Target, *, transport: Transport | None = None) -> None:
        """Use *target*; nothing is asked before the first call."""
        info = ProviderInfo(
            kind="sharepoint",
            location=target.location,
            place=target.place,
            capabilities=CAPABILITIES,
            max_object_bytes=target.max_object_bytes,
            max_key_bytes=MAX_KEY_BYTES,
            hierarchical=True,
            concurrency=CONCURRENCY,
            remote=True,
            rewrites=WRITTEN_ANEW,
            ignores_case=True,
        )
        super().__init__(SharePointExchanges(target), info, transport)
        self._tokens = target.tokens

    def use_settings(self, settings: TransportSettings) -> None:
        """Ask for tokens by *settings*."""
        if isinstance(self._tokens, Tokens):
            self._tokens.use_settings(settings)

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Give the object another key; it stays the same item.

        Raises:
            StorageError: as in ``ServerMover.move``.
        """
        return self._transport.run(self.exchanges.move(source, target, mode))

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> UploadState:
        """Begin an upload that another process can go on with; two requests. Its state is a secret.

        Raises:
            StorageError: as in ``UploadResumer.begin_upload``; *sha256* is demanded.
        """
        return self._transport.run(self.exchanges.parts.begin_upload(key, size, options, sha256))

    def resume_upload(self, state: UploadState, source: Source) -> ObjectInfo:
        """Go on with an upload; one request, and one for each 10 MiB that are missing.

        Raises:
            StorageError: as in ``UploadResumer.resume_upload``.
        """
        return self._transport.run(self.exchanges.parts.resume_upload(state, source))

    def abort_upload(self, key: ObjectKey, upload_id: str) -> None:
        """Throw an upload away; one request.

        Raises:
            StorageError: the service refuses.
        """
        self._transport.run(self.exchanges.parts.abort_upload(key, upload_id))

    def list_libraries(self) -> list[tuple[str, str]]:
        """Return (name, URL) of each library of the site, for a chooser; two requests.

        Raises:
            StorageError: the service refuses.
        """

        def libraries() -> Exchange[list[tuple[str, str]]]:
            library = self.exchanges.library
            found = yield from library.libraries((yield from library.site()))
            return [(name, url) for _, name, url in found]

        return self._transport.run(libraries())

    def list_sites(self, words: str) -> list[tuple[str, str]]:
        """Return (name, URL) of the sites that have *words* in their names, for a chooser; one request.

        Under Sites.Selected Graph finds none; the site has to be named then.

        Raises:
            StorageError: the service refuses.
        """
        return self._transport.run(self.exchanges.library.sites(words))

    def state_secret(self) -> bytes | None:
        """Return what the app proves itself with; a refresh token changes at each use."""
        tokens = self.exchanges.library.target.tokens
        proof = tokens.app_secret if isinstance(tokens, Tokens) else None
        return proof.encode() if proof else None

    @property
    def rotating_secret(self) -> str | None:
        """The refresh token, when a person has connected."""
        tokens = self.exchanges.library.target.tokens
        return "refresh_token" if isinstance(tokens, Tokens) and tokens.store is not None else None

    def keep_secret(self, load: Callable[[], str], swap: Callable[[str, str], bool]) -> None:
        """Keep the refresh token where *load* and *swap* reach."""
        tokens = self.exchanges.library.target.tokens
        if isinstance(tokens, Tokens):
            tokens.store = GivenStore(load, swap)

    @property
    def learned(self) -> Mapping[str, object]:
        """The ids of site and library, for the settings."""
        found = self.exchanges.library.looked_up
        return {"looked_up": found} if found is not None else {}

    def learn_anew(self) -> None:
        """Look the ids up at the next use."""
        self.exchanges.library.look_up_anew()

    def sweep(self, scope: str, *, dry_run: bool) -> int:  # noqa: ARG002  # sessions know no scope
        """Throw away the upload sessions that this process remembers to have left, of whatever *scope*."""
        sessions = self.exchanges.sessions
        return sessions.left if dry_run else self._transport.run(sessions.sweep(most=sessions.left))


def open_sharepoint(settings: SharePointSettings) -> SharePointProvider:
    """Make the provider for a document library."""
    return SharePointProvider(settings.target())
