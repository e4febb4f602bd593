"""The options of other tools for the place of a provider: with names where the secrets belong, or with the secrets.

Without secrets the settings are exported as they would be with placeholders, so that none can be in what comes out, in
whatever form a tool wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from ..errors import NotSupportedError, SettingsError
from .records import ProviderRecord

if TYPE_CHECKING:
    from pydantic import BaseModel, SecretStr

    from .service import Organisations

Exported: TypeAlias = "str | Mapping[str, object]"
"""A text, such as a section of rclone.conf, or the arguments of a constructor."""

_OBJECTS: Final = frozenset({"boto3", "azure-storage-blob"})
"""Tools whose options are objects of their own, which no text can hold; their users have Python."""

_SHOWN: Final = frozenset({"DefaultEndpointsProtocol", "AccountName", "EndpointSuffix", "BlobEndpoint"})
"""Parts of a connection string of Azure that are no secret."""


def exported(
    organisations: Organisations,
    record: ProviderRecord,
    tool: str,
    *,
    name: str | None = None,
    with_secrets: bool = False,
) -> Exported:
    """Return what *tool* needs to know to reach the place of *record*; no request.

    Args:
        name: What the tool is to call it, where its configuration has names; by default ``kazinex``.
        with_secrets: Whether the secrets are in it; else ``<name>`` stands for each.

    Raises:
        NotSupportedError: the kind, or these settings, cannot be exported to that tool.
        SealError: the secrets cannot be opened.
    """
    if record.managed:
        raise NotSupportedError("it is managed by the platform, whose storage no other tool can reach")
    if tool in _OBJECTS:
        raise NotSupportedError(f"the options of {tool} are Python objects; export them with the library")
    settings = organisations.settings(record)
    if getattr(settings, "borrowed", ()):
        raise NotSupportedError("these settings use credentials of the machine, which are never exported")
    shown = settings if with_secrets else without_secrets(settings)
    exporter: Callable[..., Exported] | None = getattr(shown, "export", None)
    if exporter is None:
        raise NotSupportedError(f"no other tool reaches a provider of the kind {record.kind}")
    found = exporter(tool) if name is None else exporter(tool, name=name)
    return found if isinstance(found, str) else _plain(found)


def without_secrets(settings: BaseModel) -> BaseModel:
    """Return a copy of *settings* with ``<name>`` in place of each secret; it is good for nothing but showing.

    Raises:
        SettingsError: a secret is nested, which no kind that can be exported has.
    """
    from pydantic import BaseModel, SecretStr

    names = [name for name in type(settings).model_fields if isinstance(getattr(settings, name), SecretStr)]
    nested = [name for name in type(settings).model_fields if isinstance(getattr(settings, name), BaseModel | list)]
    if nested:
        raise SettingsError("settings with parts cannot be exported")
    placeholders = {name: _placeholder(name, getattr(settings, name)) for name in names}
    return settings.model_copy(update={name: SecretStr(text) for name, text in placeholders.items()})


def _placeholder(name: str, secret: SecretStr) -> str:
    if name != "connection_string":
        return f"<{name}>"
    # It holds the name of the account as well, without which nothing can be exported.
    parts = [part.partition("=") for part in secret.get_secret_value().split(";")]
    return ";".join(f"{key}={text if key in _SHOWN else f'<{key}>'}" for key, _, text in parts if key)


def _plain(options: Mapping[str, object]) -> dict[str, object]:
    plain: dict[str, object] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            plain[name] = _plain(cast("Mapping[str, object]", value))
        elif value is None or isinstance(value, bool | int | str):
            plain[name] = str(value) if isinstance(value, str) else value
        else:
            plain[name] = str(type(value).__name__)
    return plain
