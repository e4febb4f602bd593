"""File systems over one provider: local disk, memory, a storage at hand. Another provider adds four lines here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel

from .._internal.environment import PREFIX, settings_from_environment
from ..errors import SettingsError
from ..registry import Registry, default_registry
from ..storage import Storage
from ..transport import Transport
from .filesystem import ObjectFileSystem
from .spaces import MemorySpace, StorageSpace


class StorageFileSystem(ObjectFileSystem):
    """The objects of a storage that the caller made and closes. It has no URLs and cannot be pickled."""

    protocol = "kazinex+storage"
    _strip_tokenize_options = ("storage",)

    def __init__(
        self,
        *,
        storage: Storage,
        asynchronous: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        batch_size: int | None = None,
        use_listings_cache: bool = False,
    ) -> None:
        """Use *storage*; see ``ObjectFileSystem`` for the rest.

        Raises:
            NotImplementedError: *use_listings_cache*.
        """
        self._begin(
            StorageSpace(storage, owned=False),
            asynchronous=asynchronous,
            loop=loop,
            batch_size=batch_size,
            use_listings_cache=use_listings_cache,
            private=True,
            portable=False,
        )


class ProviderFileSystem(ObjectFileSystem):
    """The objects of one provider, whose settings are options, and else variables of the environment.

    Secrets given as options stay in this process: whoever unpickles it finds them in the environment.
    """

    kind: ClassVar[str]
    """The name in the registry."""
    registry: ClassVar[Registry] = default_registry()
    """Where the kind is found."""
    _strip_tokenize_options: tuple[str, ...] = ("storage",)  # and the names of the secrets of the kind

    def __init__(
        self,
        *,
        storage: Storage | None = None,
        asynchronous: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        batch_size: int | None = None,
        use_listings_cache: bool = False,
        **settings: object,
    ) -> None:
        """Open the provider with *settings*, or use *storage*; see ``ObjectFileSystem`` for the rest.

        Raises:
            TypeError: an option is not known, or *settings* are given with *storage*.
            SettingsError: settings are wrong or missing; the message says where they are looked for.
            NotImplementedError: *use_listings_cache*.
        """
        model = self.registry.settings_model(self.kind)
        self._check_options(settings)
        if storage is not None and settings:
            raise TypeError(f"give either storage or {', '.join(sorted(settings))}")
        if storage is None:
            provider = self.registry.open(self.kind, self._settings(model, settings))
            # The transport is not the storage's own, which would wait for its threads when it is closed.
            space = StorageSpace(Storage(provider, transport=Transport()), owned=True)
        else:
            space = StorageSpace(storage, owned=False)
        self._begin(
            space,
            asynchronous=asynchronous,
            loop=loop,
            batch_size=batch_size,
            use_listings_cache=use_listings_cache,
            private=storage is not None or any(name in settings for name in self._strip_tokenize_options),
            portable=storage is None,
        )

    @property
    def scheme(self) -> str:
        """What its URLs begin with."""
        return _scheme(self.protocol)

    def _check_options(self, settings: Mapping[str, object]) -> None:
        fields = self.registry.fields(self.kind)
        leaking = [field.name for field in fields if field.secret and field.name not in self._strip_tokenize_options]
        if leaking:
            raise SettingsError(f"{type(self).__name__} would pickle {', '.join(leaking)}; tell its author")
        known = {field.name.partition(".")[0] for field in fields}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no option {', '.join(map(repr, unknown))}; "
                f"it has {', '.join(sorted(known | {'storage', 'asynchronous', 'loop', 'batch_size'}))}"
            )

    @classmethod
    def _settings(cls, model: type[BaseModel], given: Mapping[str, object]) -> BaseModel:
        prefix = f"{PREFIX}{cls.kind.upper()}_"
        try:
            return cls.registry.parse_settings(cls.kind, {**settings_from_environment(model, prefix), **given})
        except SettingsError as error:
            raise SettingsError(
                f"{error.message}; give them as options of {_scheme(cls.protocol)}:// or as variables {prefix}<FIELD>",
                provider=cls.kind,
            ) from error


class LocalFileSystem(ProviderFileSystem):
    """``kazinex+local://key``: files below the folder ``root``, an option or ``KAZINEX_STORAGE_LOCAL_ROOT``.

    The URL is the key: the root is never part of it, so no URL leaves the root. ``create`` and ``durable`` are options
    too.
    """

    protocol = "kazinex+local"
    kind = "local"


class MemoryFileSystem(ObjectFileSystem):
    """``kazinex+memory://store/key``: objects in the memory of this process, in stores that exist once named.

    Example:
        >>> import fsspec
        >>> with fsspec.open("kazinex+memory://example/plans/a.txt", "w") as file:
        ...     _ = file.write("plan")
        >>> fs = fsspec.filesystem("kazinex+memory")
        >>> fs.cat("kazinex+memory://example/plans/a.txt")
        b'plan'
        >>> fs.rm("example", recursive=True)
    """

    protocol = "kazinex+memory"

    def __init__(
        self,
        *,
        asynchronous: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        batch_size: int | None = None,
        use_listings_cache: bool = False,
    ) -> None:
        """Open the stores of this process; see ``ObjectFileSystem``.

        Raises:
            NotImplementedError: *use_listings_cache*.
        """
        self._begin(
            MemorySpace(),
            asynchronous=asynchronous,
            loop=loop,
            batch_size=batch_size,
            use_listings_cache=use_listings_cache,
            private=False,
        )


def _scheme(protocol: str | tuple[str, ...]) -> str:
    return protocol if isinstance(protocol, str) else protocol[0]
