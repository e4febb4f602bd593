"""Storages by URL and by the environment: ``Storage.from_url`` and ``from_environment``, in ``views.py``.

A URL says where objects are and how they are reached, never with which secrets. Its path means itself, character by
character, as in the URLs of file systems; ``?`` begins the settings, whose values are percent-decoded. ADR 0074.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from ..errors import InvalidKeyError, InvalidUrlError, SettingsError
from ..keys import ObjectKey, Prefix, check_identifier
from ..lazy import regex
from ..providers.settings.environment import PREFIX, settings_from_environment, variables_below
from ..registry import Registry, default_registry
from ..secrecy.masking import Masked, masked
from ..values import value

if TYPE_CHECKING:
    from ..provider_kinds import ProviderKind
    from ..verbs import AnyProvider

_SHOWN: Final = regex(r"[A-Za-z][A-Za-z0-9_.]{0,39}")
_DRIVE: Final = regex(r"/[A-Za-z]:(/|$)")
_KIND: Final = "KIND"
_URL: Final = "URL"
_SECRETS: Final = "give it in settings=, or as the variable"


@value
class StorageUrl:
    """A URL of ``Storage.from_url``, taken apart."""

    kind: str
    """As the registry has it."""
    settings: Mapping[str, str]
    """What the URL says of the settings of the kind: the bucket, and what is behind the question mark."""
    prefix: str
    """The folder that every key is below: empty, or it ends with a slash."""


def parse_storage_url(url: str, registry: Registry | None = None) -> StorageUrl:
    """Take *url* apart: ``r2://bucket/folder?jurisdiction=eu``, ``kazinexlocal:///srv/documents``.

    Raises:
        InvalidUrlError: no kind has the scheme, the message lists them; it holds user information or a fragment of a
            secret, which is not repeated; a setting is unknown or comes twice; a name is not legal.
        SettingsError: the kind does not load.

    Example:
        >>> parse_storage_url("kazinexlocal:///srv/documents?durable=false").kind
        'local'
    """
    registry = registry or default_registry()
    url = Masked(url)
    before, mark, rest = map(Masked, url.partition("://"))
    if not mark:
        raise InvalidUrlError("it is no URL of a storage: write scheme://place?setting=value, such as r2://bucket")
    scheme = str(before)  # what stands before it is no secret, or no scheme, which is not shown
    kind = registry.kind_of_scheme(scheme)
    path, _, query = map(Masked, rest.partition("?"))
    settings = _settings_in(query, kind, registry)
    if "@" in path.partition("/")[0]:
        raise InvalidUrlError(
            f"the {scheme}:// URL has something before an @, where credentials stand; leave it out and "
            f"{_SECRETS}s {PREFIX}{kind.kind.upper()}_<FIELD>"
        )
    place, folder = _place(kind, path)
    twice = sorted(place.keys() & settings.keys())
    if twice:
        raise InvalidUrlError(f"the {scheme}:// URL gives {twice[0]} in its path and again behind the question mark")
    try:
        return StorageUrl(kind=kind.kind, settings={**place, **settings}, prefix=Prefix.folder(folder))
    except InvalidKeyError as error:
        raise InvalidUrlError(f"the {scheme}:// URL names no folder: {error.message}") from error


def open_url(url: str, settings: Mapping[str, object] | None = None) -> tuple[AnyProvider, str]:
    """Return the provider that *url* names and the prefix that it names there; no request.

    What neither the URL nor *settings* say, the variables ``KAZINEX_STORAGE_<KIND>_<FIELD>`` do.

    Raises:
        InvalidUrlError: as ``parse_storage_url``.
        SettingsError: settings are missing, wrong, or given twice.
    """
    url, settings = Masked(url), masked(settings)
    found = parse_storage_url(url)
    return _open(found, settings or {}, f"{PREFIX}{found.kind.upper()}_"), found.prefix


def open_from_environment(name: str | None = None) -> tuple[AnyProvider, str]:
    """Return the provider that the environment calls *name*, and the prefix there; no request.

    Raises:
        SettingsError: the name is none, nothing is set for it, or settings are missing or wrong.
        InvalidUrlError: the variable holds no URL of a storage.
    """
    if name is None:
        url = variables_below(PREFIX, (_URL,)).get(_URL)
        if not url:
            raise SettingsError(f"{PREFIX}URL is not set; set it to a URL such as r2://bucket, or give a name")
        return open_url(url)
    prefix = variables_prefix(name)
    found = named_url(name)
    return _open(found, {}, prefix), found.prefix


def named_url(name: str) -> StorageUrl:
    """Return what the variables of *name* say: its URL, else its kind, by default the name itself.

    Raises:
        SettingsError: the name is none.
        InvalidUrlError: its variable holds no URL of a storage.
    """
    prefix = variables_prefix(name)
    variables = variables_below(prefix, (_URL, _KIND))
    if _URL in variables:
        return parse_storage_url(variables[_URL])
    return StorageUrl(kind=variables.get(_KIND, name.lower()), settings={}, prefix="")


def variables_prefix(name: str) -> str:
    """Return what the names of the variables of *name* begin with.

    Raises:
        SettingsError: it is no name.
    """
    if not name.isidentifier() or not name.isascii():
        raise SettingsError(f"{name[:40]!r} is no name; give letters, digits and underscores, such as r2")
    return f"{PREFIX}{name.upper()}_"


def _open(found: StorageUrl, given: Mapping[str, object], variables: str) -> AnyProvider:
    registry = default_registry()
    twice = sorted(found.settings.keys() & given.keys())
    if twice:
        raise SettingsError(f"{', '.join(twice)}: given by the URL and by settings=; give it once", provider=found.kind)
    model = registry.settings_model(found.kind)
    read = settings_from_environment(model, variables)
    try:
        settings = registry.parse_settings(found.kind, {**read, **found.settings, **given})
    except SettingsError as error:
        raise SettingsError(
            f"{error.message}; give them in the URL, in settings= or as variables {variables}<FIELD>",
            provider=found.kind,
        ) from error
    return registry.open(found.kind, settings)


def _place(kind: ProviderKind, path: str) -> tuple[dict[str, str], str]:
    """Return what the path says of the settings, and the folder below that."""
    if kind.place == "root":  # of a disk: a path of its own is the root, any other one is below that of the settings
        if not path.startswith("/"):
            return {}, path
        return {"root": path[1:] if os.name == "nt" and _DRIVE.match(path) else path}, ""
    if kind.place is None:
        return {}, path
    place, _, folder = path.partition("/")
    if not place and folder:
        raise InvalidUrlError(
            f"the URL has a folder and no {kind.place} before it; write {kind.schemes[0]}://.../folder"
        )
    if not place:
        return {}, ""
    try:
        if kind.place in ("library", "name"):  # those may have any legal name
            ObjectKey(place)
        else:
            check_identifier(place, kind.place)
    except InvalidKeyError as error:
        raise InvalidUrlError(f"the URL cannot be opened: {error.message}") from error
    return {kind.place: place}, folder


def _settings_in(query: str, kind: ProviderKind, registry: Registry) -> dict[str, str]:
    if not query:
        return {}
    found: dict[str, str] = {}
    fields = registry.names(kind.kind)
    for part in map(Masked, query.split("&")):
        name, _, text = map(Masked, part.partition("="))
        if fields.get(name):
            variable = f"{PREFIX}{kind.kind.upper()}_{name.upper()}"
            raise InvalidUrlError(f"{name} is a secret, and URLs are logged and shown; {_SECRETS} {variable}")
        if name not in fields or "." in name:
            shown = repr(str(name)) if _SHOWN.fullmatch(name) else "what stands there"
            legal = ", ".join(sorted(each for each, hidden in fields.items() if not hidden and "." not in each))
            raise InvalidUrlError(f"the URL gives the setting {shown}, which {kind.kind} has not; it has {legal}")
        if name in found:
            raise InvalidUrlError(f"the URL gives the setting {name} twice")
        found[str(name)] = Masked(unquote(text))
    return found
