"""Versions of the credentials of a provider: proposed, proven while others are in use, activated, dropped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from starlette.requests import Request

from ..errors import StorageError
from ..organisations.credential_versions import CredentialVersion
from ..serving.headers import version_of, version_tag
from ..verification.credentials import verify_credentials
from .access import Action
from .credential_models import (
    Activation,
    CredentialCheckModel,
    CredentialModel,
    CredentialsModel,
    NewCredentials,
)
from .models import IfMatch, OrganisationId, ProviderId, ProviderModel
from .service import StorageService
from .shown import Shown
from .table import Route, add_routes
from .verification import step_of

_PATH = "/organisations/{organisation}/providers/{provider}/credentials"


class CredentialRoutes:
    """``/organisations/{organisation}/providers/{provider}/credentials``."""

    def __init__(self, service: StorageService) -> None:
        self._service = service
        self._organisations = service.organisations

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        changes = (403, 404, 409, 412, 413, 422)
        add_routes(
            router,
            "providers",
            *(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    action=Action.MANAGE_PROVIDERS,
                    summary=summary,
                    problems=problems,
                    status=status,
                    rate=rate,
                )
                for method, path, handler, summary, problems, status, rate in (
                    ("GET", _PATH, self.list, "List the credentials of a provider", (403, 404, 422), 200, None),
                    ("POST", _PATH, self.propose, "Propose other credentials", changes, 201, None),
                    (
                        "POST",
                        f"{_PATH}/verification",
                        self.verify,
                        "Prove credentials that are not in use",
                        (403, 404, 409, 422, 429),
                        200,
                        "verification",
                    ),
                    ("POST", f"{_PATH}/activation", self.activate, "Use proven credentials", changes, 200, None),
                    ("DELETE", f"{_PATH}/{{version}}", self.drop, "Forget credentials", (403, 404, 422), 204, None),
                )
            ),
        )

    def list(self, organisation: OrganisationId, provider: ProviderId) -> CredentialsModel:
        """List every version, the newest first, with how it was last found to be."""
        found = self._organisations.credentials(organisation, provider)
        return CredentialsModel(versions=[_shown(version) for version in found])

    def propose(
        self,
        request: Request,
        organisation: OrganisationId,
        provider: ProviderId,
        new: NewCredentials,
        if_match: IfMatch = None,
    ) -> CredentialModel:
        """Propose other credentials for the same place; those in use stay in use. Nothing is asked of the service."""
        acting = self._service.acting(request)
        return _shown(acting.propose_credentials(organisation, provider, new.settings, version=version_of(if_match)))

    def verify(
        self,
        request: Request,
        organisation: OrganisationId,
        provider: ProviderId,
        version: Annotated[int | None, Query(ge=1, description="By default the proposal.")] = None,
    ) -> CredentialCheckModel:
        """Verify the proposal, or a retired version, and record the outcome with it; 30 seconds at most."""
        acting = self._service.acting(request)
        _, tried = acting.credentials_to_verify(organisation, provider, version)
        report = verify_credentials(acting, organisation, provider, version=tried.version)
        after = next(
            (found for found in acting.credentials(organisation, provider) if found.version == tried.version), tried
        )
        secrets = tuple(_secrets_of(tried))
        return CredentialCheckModel(
            ok=report.ok,
            seconds=round(report.seconds, 3),
            steps=[step_of(check, secrets) for check in report.checks],
            credentials=_shown(after),
        )

    def activate(
        self,
        request: Request,
        organisation: OrganisationId,
        provider: ProviderId,
        response: Response,
        wanted: Activation,
    ) -> ProviderModel:
        """Use what is proven from now on; the credentials in use until now are kept for the days of grace."""
        record = self._service.acting(request).activate_credentials(
            organisation, provider, version=wanted.version, grace=timedelta(days=wanted.grace_days)
        )
        response.headers["ETag"] = version_tag(record.version)
        return Shown(self._organisations, organisation).one(record)

    def drop(
        self,
        request: Request,
        organisation: OrganisationId,
        provider: ProviderId,
        version: Annotated[int, Path(ge=1)],
    ) -> None:
        """Forget a version that is not in use; revoke it at the service then."""
        self._service.acting(request).drop_credentials(organisation, provider, version)


def _shown(version: CredentialVersion) -> CredentialModel:
    return CredentialModel.model_validate(
        {name: found for name, found in version.public().items() if name != "provider"}
    )


def _secrets_of(version: CredentialVersion) -> Iterable[str]:
    try:
        return version.secrets.reveal().values()
    except StorageError:
        return ()
