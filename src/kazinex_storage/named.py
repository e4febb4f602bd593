"""Storages and document stores that travel: a pickle has their name, and the process it arrives in has their secrets.

Queues and pools of processes keep pickles in clear, so a storage that was opened with secrets stays where it is
(``secrecy/pickling.py``). One that is opened by name is made of what the environment says here, and there again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Final, Self, SupportsIndex, TypeAlias, cast

from .documents.store import DocumentStore
from .errors import SettingsError
from .policy import UploadPolicy
from .providers.settings.environment import settings_from_environment
from .registry import default_registry
from .secrecy.pickling import refusal
from .storage.disk_cache import DiskCache
from .storage.opening import named_url, variables_prefix
from .storage.sync import Storage
from .types import DigestChoice

if TYPE_CHECKING:
    from .organisations import Resolver

_Given: TypeAlias = Mapping[str, str | int | bool | None]
_Step: TypeAlias = tuple[str, tuple[object, ...], tuple[tuple[str, object], ...]]

_NONE: Final[Mapping[str, object]] = MappingProxyType({})


class NamedStorage(Storage):
    """A storage that was opened by ``open_named``; it and its views can be pickled."""

    _name: str
    _given: _Given
    _steps: tuple[_Step, ...]

    def scoped(self, prefix: str) -> Self:
        """Return a view of a folder; see ``Storage.scoped``.

        Raises:
            InvalidKeyError: the prefix is no folder.
        """
        return self._after(super().scoped(prefix), "scoped", prefix)

    def with_policy(self, policy: UploadPolicy | None) -> Self:
        """Return a view that puts under another policy."""
        return self._after(super().with_policy(policy), "with_policy", policy)

    def with_digest(self, digest: DigestChoice) -> Self:
        """Return a view with another digest; see ``Storage.with_digest``.

        Raises:
            ValueError: there is no such *digest*.
        """
        return self._after(super().with_digest(digest), "with_digest", digest)

    def read_only(self) -> Self:
        """Return a view that only reads, also where its pickle arrives; see ``Storage.read_only``."""
        return self._after(super().read_only(), "read_only")

    def cached(self, cache: DiskCache, *, space: str = "") -> Self:
        """Return a view that reads through *cache*, or one of the same path elsewhere; see ``Storage.cached``."""
        return self._after(super().cached(cache, space=space), "cached", cache, options={"space": space})

    def limited(self, *, bandwidth: str | int | None = None, requests: float | None = None) -> Self:
        """Return a view that is held to a rate, each process to its own; see ``Storage.limited``.

        Raises:
            SettingsError: the text means no bandwidth.
            ValueError: a limit is not positive.
        """
        view = super().limited(bandwidth=bandwidth, requests=requests)
        return self._after(view, "limited", options={"bandwidth": bandwidth, "requests": requests})

    def _after(self, view: Self, verb: str, *arguments: object, options: Mapping[str, object] = _NONE) -> Self:
        if "_steps" not in vars(self):  # of ``from_url``, which is not opened by a name
            return view
        view._name, view._given = self._name, self._given
        view._steps = (*self._steps, (verb, arguments, tuple(options.items())))
        return view

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[object, ...]:
        if "_steps" not in vars(self):
            raise refusal(
                "NamedStorage that open_named did not open", "send one that it did; of a view, send what it views"
            )
        return _again, (self._name, dict(self._given), self._steps)


def open_named(name: str, settings: _Given | None = None) -> NamedStorage:
    """Open the storage that the environment calls *name*; it can be pickled, and is opened again where it arrives.

    Its URL is ``KAZINEX_STORAGE_<NAME>_URL``, see ``Storage.from_url``, or its kind ``KAZINEX_STORAGE_<NAME>_KIND``,
    which is by default the name itself, such as ``r2``; its settings are ``KAZINEX_STORAGE_<NAME>_<FIELD>``. No
    request.

    Args:
        name: Letters, digits and underscores.
        settings: Further settings, which are no secrets: they are in the pickle.

    Raises:
        SettingsError: the name is none, settings are missing or wrong, or one that is given is a secret.
    """
    given = dict(settings or {})
    prefix = variables_prefix(name)
    named = named_url(name)
    registry, kind = default_registry(), named.kind
    secret = sorted(
        field for field, hidden in registry.names(kind).items() if hidden and field.partition(".")[0] in given
    )
    if secret:
        variables = ", ".join(f"{prefix}{field.upper()}" for field in secret)
        raise SettingsError(f"{', '.join(secret)} would be in the pickle; set {variables} in each process instead")
    found = {**settings_from_environment(registry.settings_model(kind), prefix), **named.settings, **given}
    storage = NamedStorage(registry.open(kind, registry.parse_settings(kind, found)), prefix=named.prefix)
    storage._name, storage._given, storage._steps = name, given, ()
    return storage


class NamedDocumentStore(DocumentStore):
    """The documents of the catalogue that the environment names; it can be pickled, and is opened again elsewhere."""

    def __init__(
        self, *, organisation: str | None = None, upload_route: str | None = None, by: str | None = None
    ) -> None:
        """Open the catalogue, see ``open_organisations``; close what it opened by ``close``. See ``DocumentStore``.

        Raises:
            SettingsError: the environment names no catalogue that can be opened.
            InvalidKeyError: no organisation can have that id.
        """
        from .organisations import Resolver, open_organisations

        self._opened: Resolver | None = Resolver(open_organisations())
        self._reference = (organisation, upload_route, by, False)
        super().__init__(self._opened, organisation=organisation, upload_route=upload_route, by=by)

    def acting(self, by: str | None) -> NamedDocumentStore:
        """Return this store for calls in the name of *by*; see ``DocumentStore.acting``.

        Raises:
            ValueError: *by* is empty, or longer than 2,000 characters.
        """
        view = cast("NamedDocumentStore", super().acting(by))
        organisation, route, _, reading = self._reference
        view._reference, view._opened = (organisation, route, by, reading), None
        return view

    def read_only(self) -> NamedDocumentStore:
        """Return this store for those who shall only read, also where its pickle arrives."""
        view = cast("NamedDocumentStore", super().read_only())
        view._reference, view._opened = (*self._reference[:3], True), None
        return view

    def close(self) -> None:
        """Close the catalogue and the providers, unless this is a view."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()
            opened.organisations.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[object, ...]:
        return _documents_again, self._reference


def _again(name: str, settings: _Given, steps: tuple[_Step, ...]) -> NamedStorage:
    opened = storage = open_named(name, settings)
    for verb, arguments, options in steps:
        storage = getattr(storage, verb)(*arguments, **dict(options))
    if storage is not opened:  # nobody else will close what the view looks at
        storage._provider, storage._own_transport = opened._provider, opened._own_transport
    return storage


def _documents_again(
    organisation: str | None, upload_route: str | None, by: str | None, reading: bool
) -> NamedDocumentStore:
    store = NamedDocumentStore(organisation=organisation, upload_route=upload_route, by=by)
    if not reading:
        return store
    view = store.read_only()
    view._opened = store._opened  # as above
    return view
