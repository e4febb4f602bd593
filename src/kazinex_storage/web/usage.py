"""What an organisation takes up and may take up, and whether its providers work; nothing is asked of services."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from ..documents.quotas import Quota
from ..organisations.records import ProviderStatus
from ..serving.headers import version_of, version_tag
from .access import Action
from .models import IfMatch, OrganisationId, ProjectId
from .service import StorageService
from .table import Route, add_routes
from .usage_models import ProviderState, QuotaGiven, QuotaModel, StatusModel, UsageModel

_ORGANISATION: Final = "/organisations/{organisation}"
_QUOTA: Final = f"{_ORGANISATION}/quota"
_PROJECT: Final = f"{_ORGANISATION}/projects/{{project}}/quota"

Days: TypeAlias = Annotated[int, Query(ge=1, le=366, description="How many days of requests.")]


class UsageRoutes:
    """Usage, quotas and status."""

    def __init__(self, service: StorageService) -> None:
        self._service = service
        self._organisations = service.organisations

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        see, restrict = Action.SEE_USAGE, Action.MANAGE_RESTRICTIONS
        changes = (403, 409, 412, 413, 422)
        add_routes(
            router,
            "usage",
            *(
                Route(method=method, path=path, handler=handler, action=action, summary=summary, problems=problems)
                for method, path, handler, action, summary, problems in (
                    ("GET", f"{_ORGANISATION}/usage", self.usage, see, "What is stored and asked for", (403, 422)),
                    ("GET", f"{_ORGANISATION}/status", self.status, see, "Whether its providers work", (403, 422)),
                    ("GET", _QUOTA, self.quota, restrict, "The quota of an organisation", (403, 422)),
                    ("PUT", _QUOTA, self.set_quota, restrict, "Set the quota of an organisation", changes),
                    ("GET", _PROJECT, self.project_quota, restrict, "The quota of a project", (403, 422)),
                    ("PUT", _PROJECT, self.set_project_quota, restrict, "Set the quota of a project", changes),
                )
            ),
        )

    def usage(self, organisation: OrganisationId, days: Days = 31) -> UsageModel:
        """Show what is stored by project and provider, the quotas, and the requests by day and class; four queries."""
        return UsageModel.model_validate(self._organisations.usage(organisation, days=days).to_dict())

    def status(self, organisation: OrganisationId) -> StatusModel:
        """Show the state of every provider, as verifications, the monitor and calls left it."""
        default = self._organisations.organisation(organisation).default_provider
        overrides = self._organisations.overrides(organisation)
        states = [
            ProviderState(
                id=record.id,
                label=record.label,
                kind=record.kind,
                status=record.status.value,
                last_verified_at=record.last_verified_at,
                failed_at=record.failed_at,
                is_default=record.id == default,
                overrides=[found.project for found in overrides if found.provider == record.id],
            )
            for record in self._organisations.providers(organisation)
        ]
        used = [state for state in states if state.is_default or state.overrides]
        return StatusModel(
            ok=default is not None and all(state.status == ProviderStatus.VERIFIED.value for state in used),
            default_provider=default,
            providers=states,
        )

    def quota(self, organisation: OrganisationId, response: Response) -> QuotaModel:
        """Show what the organisation may take up at most; the ETag is its version."""
        return self._quota(organisation, None, response)

    def project_quota(self, organisation: OrganisationId, project: ProjectId, response: Response) -> QuotaModel:
        """Show what the project may take up at most; the ETag is its version."""
        return self._quota(organisation, project, response)

    def set_quota(
        self,
        request: Request,
        organisation: OrganisationId,
        given: QuotaGiven,
        response: Response,
        if_match: IfMatch = None,
    ) -> QuotaModel:
        """Limit what the organisation takes up. What is over the limit already stays, and nothing is added to it."""
        return self._set(request, (organisation, None), given, response, if_match)

    def set_project_quota(
        self,
        request: Request,
        organisation: OrganisationId,
        project: ProjectId,
        given: QuotaGiven,
        response: Response,
        if_match: IfMatch = None,
    ) -> QuotaModel:
        """Limit what the project takes up. What is over the limit already stays, and nothing is added to it."""
        return self._set(request, (organisation, project), given, response, if_match)

    def _set(
        self,
        request: Request,
        place: tuple[str, str | None],
        given: QuotaGiven,
        response: Response,
        if_match: str | None,
    ) -> QuotaModel:
        found = self._service.acting(request).set_quota(
            *place, max_bytes=given.max_bytes, max_objects=given.max_objects, version=version_of(if_match)
        )
        return _shown(found, response)

    def _quota(self, organisation: str, project: str | None, response: Response) -> QuotaModel:
        return _shown(self._organisations.catalogue.usage.quota(organisation, project), response)


def _shown(quota: Quota, response: Response) -> QuotaModel:
    response.headers["ETag"] = version_tag(quota.version)
    return QuotaModel(
        project=quota.project, max_bytes=quota.max_bytes, max_objects=quota.max_objects, version=quota.version
    )
