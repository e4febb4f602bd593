"""The options of other tools for the same place, with names where the secrets belong."""

from __future__ import annotations

from typing import Annotated, TypeAlias, cast

from fastapi import APIRouter, Path
from pydantic import JsonValue

from ..organisations.exporting import exported
from ..organisations.service import Organisations
from .access import Action
from .models import ExportModel, OrganisationId, ProviderId
from .problems import documented
from .route import ACTION
from .service import StorageService

Tool: TypeAlias = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", examples=["rclone"])]


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
        found = exported(self._organisations, self._organisations.find(organisation, provider), tool)
        if isinstance(found, str):
            return ExportModel(tool=tool, text=found)
        return ExportModel(tool=tool, options=cast("dict[str, JsonValue]", found))
