"""Kinds of providers by name: the settings model and the factory of each, found lazily by dotted name.

The built-in kinds are in ``provider_kinds.py``. A third party adds one by an entry point in the group
``kazinex_storage.providers`` whose name is the kind and whose value is a ``ProviderKind``. Nothing here imports a
provider before it is asked for.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .errors import InvalidUrlError, SettingsError, StorageError, UnknownProviderError
from .provider_kinds import BUILT_IN, is_scheme
from .provider_kinds import ProviderKind as ProviderKind
from .providers.settings.fields import SettingsField as SettingsField
from .providers.settings.fields import Way, fields_of, is_model, parsed, ways_of
from .secrecy.masking import masked

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pydantic import BaseModel

    from .verbs import AnyProvider

ENTRY_POINT_GROUP = "kazinex_storage.providers"
"""Where third parties announce their kinds."""


class Registry:
    """Kinds by name. Thread-safe; third-party kinds are imported on the first question that needs them."""

    def __init__(self, *kinds: ProviderKind, entry_points: bool = True) -> None:
        """Register *kinds*; without *entry_points* third parties are not looked for.

        Raises:
            SettingsError: two have the same kind.
        """
        self._kinds: dict[str, ProviderKind] = {}
        self._broken: dict[str, str] = {}
        self._waiting: dict[str, list[EntryPoint]] | None = None if entry_points else {}
        self._lock = threading.RLock()
        for kind in kinds:
            self.register(kind)

    def register(self, kind: ProviderKind) -> None:
        """Add *kind*.

        Raises:
            SettingsError: the kind is registered already.
        """
        with self._lock:
            if kind.kind in self._kinds:
                raise SettingsError(f"the kind {kind.kind!r} is registered already; choose another name")
            self._kinds[kind.kind] = kind

    def kinds(self) -> tuple[ProviderKind, ...]:
        """Return every usable kind, sorted by name; third-party ones that do not load are left to ``broken``."""
        with self._lock:
            for name in list(self._announced()):
                self._load(name)
            return tuple(self._kinds[name] for name in sorted(self._kinds))

    def broken(self) -> Mapping[str, str]:
        """Return, by kind, why third-party kinds cannot be used."""
        self.kinds()
        return dict(self._broken)

    def get(self, kind: str) -> ProviderKind:
        """Return the kind of that name.

        Raises:
            UnknownProviderError: it is not registered; the message lists what is.
            SettingsError: a third party announces it, but it does not load.
        """
        found = self._kinds.get(kind)
        if found is not None:
            return found
        with self._lock:
            self._load(kind)
            if kind in self._kinds:
                return self._kinds[kind]
            if kind in self._broken:
                raise SettingsError(self._broken[kind], provider=kind)
            names = [known.kind for known in self.kinds()]
        import difflib

        close = difflib.get_close_matches(str(kind).lower(), names, n=3)
        hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
        raise UnknownProviderError(f"there is no kind of provider {kind!r}; {hint}known are {', '.join(names)}")

    def kind_of_scheme(self, scheme: str) -> ProviderKind:
        """Return the kind whose URLs begin with *scheme*.

        Raises:
            InvalidUrlError: none has; the message lists those that there are.
        """
        for kinds in (tuple(self._kinds.values()), self.kinds()):  # third parties are imported for their own schemes
            for kind in kinds:
                if scheme in kind.schemes:
                    return kind
        schemes = [kind.schemes[0] for kind in kinds if kind.schemes]
        import difflib

        close = [found for found in schemes if scheme and found.startswith(f"kazinex{scheme.lower()}")]
        close = close or difflib.get_close_matches(scheme.lower(), schemes, n=1, cutoff=0.75)
        hint = f"did you mean {close[0]}://? " if close else ""
        if scheme == "kazinex":
            hint = "it names an organisation, whose documents a DocumentStore and fsspec open; "
        known = ", ".join(f"{found}://" for found in schemes)
        shown = repr(scheme) if is_scheme(scheme.lower()) else "what stands before ://"
        raise InvalidUrlError(f"{shown} is no scheme of a storage; {hint}known are {known}")

    def fields(self, kind: str) -> tuple[SettingsField, ...]:
        """Return the fields that the settings of *kind* have, in the order of the model.

        Raises:
            UnknownProviderError: the kind is not registered.
            SettingsError: the kind does not load.
        """
        return tuple(fields_of(self.settings_model(kind)))

    def ways(self, kind: str) -> tuple[Way, ...]:
        """Return the ways to prove who one is, of which settings of *kind* have exactly one; none where it has one.

        Raises:
            UnknownProviderError: the kind is not registered.
            SettingsError: the kind does not load.
        """
        return ways_of(self.settings_model(kind))

    def names(self, kind: str) -> Mapping[str, bool]:
        """Return the names of those fields, and whether each is a secret; does without their summaries.

        Raises:
            UnknownProviderError: the kind is not registered.
            SettingsError: the kind does not load.
        """
        return {field.name: field.secret for field in fields_of(self.settings_model(kind), summed=False)}

    def settings_model(self, kind: str) -> type[BaseModel]:
        """Import and return the settings model of *kind*.

        Raises:
            UnknownProviderError: the kind is not registered.
            SettingsError: the model does not load, or lets unknown fields in.
        """
        model = _import(self.get(kind), "settings")
        if not is_model(model) or model.model_config.get("extra") != "forbid":
            raise SettingsError(
                'its settings are not a pydantic model with extra="forbid"; report it to its author', provider=kind
            )
        return model

    def parse_settings(self, kind: str, settings: Mapping[str, object]) -> BaseModel:
        """Validate *settings* and return an instance of the model of *kind*.

        Raises:
            UnknownProviderError: the kind is not registered.
            SettingsError: fields are wrong, missing or unknown; each is named, none of their values is.
        """
        settings = masked(settings)
        model = self.settings_model(kind)
        found, wrong = parsed(model, settings)
        if found is not None:
            return found
        problems = "; ".join(_said(name, words) for name, words in wrong)
        legal = ", ".join(
            f"{field.name} (required)" if field.required else field.name for field in fields_of(model, summed=False)
        )
        raise SettingsError(
            f"the settings cannot be used: {problems}; legal fields are: {legal or 'none'}", provider=kind
        )

    def open(self, kind: str, settings: BaseModel) -> AnyProvider:
        """Make the provider of *kind* from its parsed *settings*.

        Raises:
            UnknownProviderError: the kind is not registered.
            SettingsError: the provider does not load, or cannot use the settings.
        """
        factory = _import(self.get(kind), "factory")
        if not callable(factory):
            raise SettingsError("its factory cannot be called; report it to its author", provider=kind)
        try:
            if getattr(settings, "age_keys", None) is not None:
                from .providers.encrypted import open_encrypted  # most encrypt nothing

                return open_encrypted(factory, settings)
            provider: AnyProvider = factory(settings)
            return provider
        except StorageError:
            raise
        except Exception as error:  # a third party's; its text may quote a secret
            kept = type(error).__name__
        raise SettingsError(f"it cannot be made from these settings ({kept}); report it to its author", provider=kind)

    def _announced(self) -> Mapping[str, list[EntryPoint]]:
        if self._waiting is None:
            from importlib.metadata import entry_points  # 10 ms that users of the built-in kinds do not pay

            self._waiting = {}
            for entry in entry_points(group=ENTRY_POINT_GROUP):
                self._waiting.setdefault(entry.name, []).append(entry)
        return self._waiting

    def _load(self, name: str) -> None:
        entries = self._announced().get(name)
        if entries is None or name in self._kinds or name in self._broken:
            return
        try:
            self._kinds[name] = _load_entry(name, entries)
        except SettingsError as error:
            self._broken[name] = error.message


def default_registry() -> Registry:
    """Return the registry of this process: the built-in kinds and those of installed packages."""
    return _REGISTRY


def _load_entry(name: str, entries: list[EntryPoint]) -> ProviderKind:
    origins = sorted(
        {f"{entry.value} of {entry.dist.name if entry.dist else 'an unknown package'}" for entry in entries}
    )
    if len(origins) > 1:
        raise SettingsError(f"{len(origins)} packages announce it: {', '.join(origins)}; uninstall all but one")
    try:
        found = entries[0].load()
    except Exception as error:  # importing a third party's module runs its code, which may raise anything
        raise SettingsError(
            f"{origins[0]} announces it but does not load ({type(error).__name__}: {error}); repair or uninstall it"
        ) from error
    if not isinstance(found, ProviderKind) or found.kind != name:
        raise SettingsError(
            f"{origins[0]} announces it but is not a ProviderKind of that name; report it to its author"
        )
    return found


def _import(kind: ProviderKind, attribute: str) -> object:
    dotted: str = getattr(kind, attribute)
    module, _, path = dotted.partition(":")
    try:
        found: object = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        fix = f"pip install 'kazinex-storage[{kind.extra}]'" if kind.extra else "install what its author asks for"
        raise SettingsError(f"its {attribute} {dotted} does not load ({error}); {fix}", provider=kind.kind) from error
    return found


def _said(name: str, words: str) -> str:
    if not name:
        return words
    return f"{name!r} {words}" if words.startswith(("is missing", "is not a field")) else f"{name!r}: {words}"


_REGISTRY = Registry(*BUILT_IN)
