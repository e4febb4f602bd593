"""The options of other tools for the same place, with names where the secrets belong.

The settings are exported as they would be with placeholders for secrets, so that no secret can be in what comes out, in
whatever form a tool wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Final, TypeAlias, cast

from fastapi import APIRouter, Path
from pydantic import BaseModel, JsonValue, SecretStr

from ..errors import NotSupportedError, SettingsError
from ..organisations.service import Organisations
from .access import Action
from .models import ExportModel, OrganisationId, ProviderId
from .problems import documented
from .route import ACTION
from .service import StorageService

Tool: TypeAlias = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", examples=["rclone"])]

_OBJECTS: Final = frozenset({"boto3", "azure-storage-blob"})
"""Tools whose options are objects of their own, which JSON cannot hold; their users have Python."""

_SHOWN: Final = frozenset({"DefaultEndpointsProtocol", "AccountName", "EndpointSuffix", "BlobEndpoint"})
"""Parts of a connection string of Azure that are no secret."""


class ExportRoutes:
    """``/organisations/{organisation}/providers/{provider}/export/{tool}``."""

    def __init__(self, service: StorageService) -> None:
        self._organisations: Organisations = service.organisations

    def add_to(self, router: APIRouter) -> None:
        """Add the route."""
        router.add_api_route(
            "/organisations/{organisation}/providers/{provider}/export/{tool}",
            self.export,
            methods=["GET"],
            summary="Options of another tool, without secrets",
            tags=["providers"],
            responses=documented(403, 404, 422),
            openapi_extra={ACTION: Action.MANAGE_PROVIDERS.value},
        )

    def export(self, organisation: OrganisationId, provider: ProviderId, tool: Tool) -> ExportModel:
        """Return what s3fs, adlfs, obstore, pyarrow, rclone, duckdb or aws-cli needs; secrets are to be filled in.

        Raises:
            NotSupportedError: the kind, or these settings, cannot be exported.
        """
        record = self._organisations.find(organisation, provider)
        if record.managed:
            raise NotSupportedError("it is managed by the platform, whose storage no other tool can reach")
        if tool in _OBJECTS:
            raise NotSupportedError(f"the options of {tool} are Python objects; export them with the library")
        settings = self._organisations.settings(record)
        if getattr(settings, "borrowed", ()):
            raise NotSupportedError("these settings use credentials of the machine, which are never exported")
        exporter: Callable[[str], object] | None = getattr(without_secrets(settings), "export", None)
        if exporter is None:
            raise NotSupportedError(f"no other tool reaches a provider of the kind {record.kind}")
        found = exporter(tool)
        if isinstance(found, str):
            return ExportModel(tool=tool, text=found)
        return ExportModel(tool=tool, options=_plain(cast("Mapping[str, object]", found)))


def without_secrets(settings: BaseModel) -> BaseModel:
    """Return a copy of *settings* with ``<name>`` in place of each secret; it is good for nothing but showing.

    Raises:
        SettingsError: a secret is nested, which no kind that can be exported has.
    """
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


def _plain(options: Mapping[str, object]) -> dict[str, JsonValue]:
    plain: dict[str, JsonValue] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            plain[name] = _plain(value)
        elif value is None or isinstance(value, bool | int | str):
            plain[name] = str(value) if isinstance(value, str) else value
        else:
            plain[name] = str(type(value).__name__)
    return plain
