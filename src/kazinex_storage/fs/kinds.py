"""File systems over one provider: local disk, memory, or a given storage. Another provider adds four lines here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Unpack, cast

from pydantic import BaseModel

from ..errors import SettingsError
from ..providers.settings.environment import PREFIX, settings_from_environment
from ..registry import Registry, default_registry
from ..secrecy.masking import masked
from ..storage.sync import Storage
from ..transport import Transport
from ..types import DigestChoice
from .filesystem import WITHHELD, ObjectFileSystem
from .options import FileSystemOptions, HonouredOptions, LocalOptions, Options
from .references import REFERENCES, SecretOptions, Withheld
from .spaces import BucketSpace, Space, StorageSpace

_IDENTITIES = "age_identities"  # a secret of every kind, see ``providers/settings/settings_text.py``


class StorageFileSystem(ObjectFileSystem):
    """The objects of a storage that the caller opened and closes. It has no URLs and cannot be pickled."""

    protocol = "kazinex+storage"
    _strip_tokenize_options = ("storage",)

    def __init__(self, *, storage: Storage, **options: Unpack[Options]) -> None:
        """Use *storage*; see ``FileSystemOptions`` for the rest.

        Raises:
            NotImplementedError: *use_listings_cache*.
        """
        common = FileSystemOptions.of(options)
        self._begin(_space_of(storage, common.digest), common, private=True, portable=False)


class ProviderFileSystem(ObjectFileSystem):
    """The objects of one provider, whose settings are options, or else environment variables.

    Secrets given as options stay in this process: copies in it (``to_json``, pickles) refer to them; copies in another
    process take them from the environment.
    """

    kind: ClassVar[str]
    """The name in the registry."""
    registry: ClassVar[Registry] = default_registry()
    """Where the kind is found."""
    _strip_tokenize_options: tuple[str, ...] = ("storage",)  # and the names of the secrets of the kind

    def __init__(self, *, storage: Storage | None = None, **options: object) -> None:
        """Open the provider with the settings in *options*, or use *storage*; see ``FileSystemOptions`` for the rest.

        Raises:
            TypeError: an option is not known, or settings are given with *storage*.
            SettingsError: settings are wrong or missing; the message says where they are looked for. Of a copy, its
                first use raises it.
            NotImplementedError: *use_listings_cache*.
        """
        options = masked(options)
        common, settings = FileSystemOptions.split(options)
        given = sorted(settings)
        held, copied = self._hold(settings)
        if storage is not None and given:
            raise TypeError(f"give either storage or {', '.join(given)}")
        digest = common.digest
        if storage is not None:
            space: Space = _space_of(storage, digest)
        else:
            space = self._space(settings, held, digest or "service", copied=copied)
        self._begin(space, common, private=storage is not None, portable=storage is None, held=held)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = cls._strip_tokenize_options
        cls._strip_tokenize_options = (*own, *(name for name in (_IDENTITIES, WITHHELD) if name not in own))

    def _hold(self, settings: dict[str, object]) -> tuple[SecretOptions, bool]:
        """Take the secrets out of *settings*; the second value says whether this is a copy of another file system."""
        withheld = cast("Withheld | None", settings.pop(WITHHELD, None))
        fields = self.registry.names(self.kind)
        leaking = [name for name, secret in fields.items() if secret and name not in self._strip_tokenize_options]
        if leaking:
            raise SettingsError(f"{type(self).__name__} would pickle {', '.join(leaking)}; report it to its author")
        known = {name.partition(".")[0] for name in fields}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no option {', '.join(map(repr, unknown))}; "
                f"it has {', '.join(sorted(known | {'storage', *HonouredOptions.__annotations__}))}"
            )
        secret = {name: settings.pop(name) for name in self._strip_tokenize_options if name in settings}
        return REFERENCES.hold(settings, secret, withheld), withheld is not None

    @classmethod
    def _space(cls, given: Mapping[str, object], held: SecretOptions, digest: DigestChoice, *, copied: bool) -> Space:
        # On the class: the space keeps this function, and must not keep its file system alive.
        def open_storage() -> Storage:
            model = cls.registry.settings_model(cls.kind)
            provider = cls.registry.open(cls.kind, cls._settings(model, given, held))
            # A transport of the storage's own would wait for its threads when it is closed.
            return Storage(provider, transport=Transport(), digest=digest)

        space = StorageSpace(open_storage, owned=True)
        if not copied:  # a copy can be made where variables that it needs are missing
            space.open()
        return space

    @classmethod
    def _settings(cls, model: type[BaseModel], given: Mapping[str, object], held: SecretOptions) -> BaseModel:
        prefix = f"{PREFIX}{cls.kind.upper()}_"
        found = held.complete({**settings_from_environment(model, prefix), **given}, prefix, cls.kind)
        try:
            return cls.registry.parse_settings(cls.kind, found)
        except SettingsError as error:
            raise SettingsError(
                f"{error.message}; give them as options of {cls._schemes()[0]}:// or as variables {prefix}<FIELD>",
                provider=cls.kind,
            ) from error


class LocalDiskFileSystem(ProviderFileSystem):
    """``kazinexlocal://key``: files below the folder ``root``, an option or ``KAZINEX_STORAGE_LOCAL_ROOT``.

    The URL is the key: the root is never part of it, so no URL leaves the root. ``create`` and ``durable`` are options
    too.
    """

    protocol = ("kazinexlocal", "kazinex+local")
    kind = "local"

    if TYPE_CHECKING:

        def __init__(self, *, storage: Storage | None = None, **options: Unpack[LocalOptions]) -> None: ...


class MemoryFileSystem(ObjectFileSystem):
    """``kazinexmemory://store/key``: objects in the memory of this process; a store exists once it is named.

    Example:
        >>> import fsspec
        >>> with fsspec.open("kazinexmemory://example/plans/a.txt", "w") as file:
        ...     _ = file.write("plan")
        >>> fs = fsspec.filesystem("kazinexmemory")
        >>> fs.cat("kazinexmemory://example/plans/a.txt")
        b'plan'
        >>> fs.rm("example", recursive=True)
    """

    protocol = ("kazinexmemory", "kazinex+memory")

    def __init__(self, **options: Unpack[Options]) -> None:
        """Open the stores of this process; see ``FileSystemOptions``.

        Raises:
            NotImplementedError: *use_listings_cache*.
        """
        space = BucketSpace("kazinexmemory", "store", _open_store, _stores)
        self._begin(space, FileSystemOptions.of(options), private=False)


def _space_of(storage: Storage, digest: DigestChoice | None) -> StorageSpace:
    seen = storage if digest is None else storage.with_digest(digest)
    space = StorageSpace(lambda: seen, owned=False)
    space.open()
    return space


def _open_store(name: str, transport: Transport) -> Storage:
    from ..providers.memory import MemoryProvider, MemorySettings

    # Stores of one name share their objects, and named stores live on in the process.
    return Storage(MemoryProvider(MemorySettings(name=name)), transport=transport)


def _stores() -> list[str]:
    from ..providers.memory.shelf import SHELVES

    return SHELVES.names()
