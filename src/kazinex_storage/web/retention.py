"""What keeps documents: retained until a date, held and released, and kept by default."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from ..documents.retentions import DefaultRetention
from ..retention import RetentionMode
from ..serving.headers import version_of, version_tag
from .access import Action
from .document_models import FILE_PATH, FileKey
from .models import IfMatch, OrganisationId, ProjectId
from .retention_models import DefaultGiven, DefaultModel, HoldGiven, RetentionGiven, RetentionModel
from .service import StorageService, caller_of
from .table import Route, add_routes

_RETENTION: Final = f"{FILE_PATH}/retention"
_HOLD: Final = f"{FILE_PATH}/hold"
_OF_ALL: Final = "/organisations/{organisation}/retention"
_OF_PROJECT: Final = "/organisations/{organisation}/projects/{project}/retention"

Needed: TypeAlias = Annotated[str, Query(min_length=1, max_length=2_000, description="Why, for the audit.")]
Optional: TypeAlias = Annotated[str | None, Query(min_length=1, max_length=2_000, description="Why, for the audit.")]


class RetentionRoutes:
    """Retention and holds."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        read, keep, restrict = Action.READ, Action.KEEP, Action.MANAGE_RESTRICTIONS
        looks, changes, rules = (403, 422, 503), (403, 404, 422, 423, 502, 503), (403, 409, 412, 413, 422)
        add_routes(
            router,
            "retention",
            *(
                Route(method=method, path=path, handler=handler, action=action, summary=summary, problems=problems)
                for method, path, handler, action, summary, problems in (
                    ("GET", _RETENTION, self.show, read, "What keeps the file of a revision", looks),
                    ("PUT", _RETENTION, self.retain, keep, "Keep it until a date", changes),
                    ("DELETE", _RETENTION, self.lift, restrict, "End a governance retention early", changes),
                    ("PUT", _HOLD, self.hold, keep, "Hold it until its release", changes),
                    ("DELETE", _HOLD, self.release, keep, "Release it", changes),
                    ("GET", _OF_ALL, self.default, restrict, "How long an organisation keeps new files", (403, 422)),
                    ("PUT", _OF_ALL, self.set_default, restrict, "Set how long it keeps new files", rules),
                    ("GET", _OF_PROJECT, self.of_project, restrict, "How long a project keeps new files", (403, 422)),
                    ("PUT", _OF_PROJECT, self.set_of_project, restrict, "Set how long it keeps new files", rules),
                )
            ),
        )

    async def show(self, request: Request, key: FileKey) -> RetentionModel:
        """Show the retention and the hold, by the register; no provider is asked."""
        return RetentionModel.of(await self._service.documents(request, key.organisation).retention(key))

    async def retain(self, request: Request, key: FileKey, given: RetentionGiven) -> RetentionModel:
        """Keep the file from change and removal until then. It may be made longer, and by nobody shorter."""
        documents = self._service.documents(request, key.organisation)
        mode = RetentionMode(given.mode)
        return RetentionModel.of(await documents.retain(key, given.until, mode, reason=given.reason))

    async def lift(self, request: Request, key: FileKey, reason: Needed) -> RetentionModel:
        """End a governance retention before its time, in the name of the caller; compliance is never ended."""
        documents = self._service.documents(request, key.organisation)
        return RetentionModel.of(await documents.lift_retention(key, by=caller_of(request).name, reason=reason))

    async def hold(self, request: Request, key: FileKey, given: HoldGiven) -> RetentionModel:
        """Keep the file until its release; a hold that there is stays as it is."""
        documents = self._service.documents(request, key.organisation)
        return RetentionModel.of(await documents.hold(key, given.reason))

    async def release(self, request: Request, key: FileKey, reason: Optional = None) -> RetentionModel:
        """End the hold; a retention goes on."""
        documents = self._service.documents(request, key.organisation)
        return RetentionModel.of(await documents.release(key, reason=reason))

    def default(self, organisation: OrganisationId, response: Response) -> DefaultModel:
        """Show how long new files of projects without a rule of their own are kept; the ETag is its version."""
        return _shown(self._service.organisations.retention(organisation), response)

    def of_project(self, organisation: OrganisationId, project: ProjectId, response: Response) -> DefaultModel:
        """Show how long new files of the project are kept; the ETag is its version."""
        return _shown(self._service.organisations.retention(organisation, project), response)

    def set_default(
        self,
        request: Request,
        organisation: OrganisationId,
        given: DefaultGiven,
        response: Response,
        if_match: IfMatch = None,
    ) -> DefaultModel:
        """Keep each new file from its upload on; what is stored already is not touched."""
        return self._set(request, (organisation, None), given, response, if_match)

    def set_of_project(
        self,
        request: Request,
        organisation: OrganisationId,
        project: ProjectId,
        given: DefaultGiven,
        response: Response,
        if_match: IfMatch = None,
    ) -> DefaultModel:
        """Keep each new file of the project from its upload on; what is stored already is not touched."""
        return self._set(request, (organisation, project), given, response, if_match)

    def _set(
        self,
        request: Request,
        place: tuple[str, str | None],
        given: DefaultGiven,
        response: Response,
        if_match: str | None,
    ) -> DefaultModel:
        period = timedelta(seconds=given.period_s) if given.period_s is not None else None
        found = self._service.acting(request).set_retention(
            *place, period, RetentionMode(given.mode), version=version_of(if_match)
        )
        return _shown(found, response)


def _shown(rule: DefaultRetention, response: Response) -> DefaultModel:
    response.headers["ETag"] = version_tag(rule.version)
    return DefaultModel.of(rule)
