"""The providers of an organisation: listed, added, changed, removed. Secrets go in and never come out."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.requests import Request

from ..organisations.records import KEEP, ProviderRecord
from ..serving.headers import version_of, version_tag
from .access import Action
from .models import IfMatch, NewProvider, OrganisationId, ProviderChange, ProviderId, ProviderModel, ProvidersModel
from .service import StorageService
from .shown import Shown
from .table import Route, add_routes

_PATH = "/organisations/{organisation}/providers"


class ProviderRoutes:
    """``/organisations/{organisation}/providers``."""

    def __init__(self, service: StorageService) -> None:
        self._service = service
        self._organisations = service.organisations

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        one = f"{_PATH}/{{provider}}"
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
                )
                for method, path, handler, summary, problems, status in (
                    ("GET", _PATH, self.list, "List providers", (403, 422), 200),
                    ("POST", _PATH, self.add, "Add a provider", (403, 409, 413, 422), 201),
                    ("GET", one, self.get, "Show one provider", (403, 404, 422), 200),
                    ("PATCH", one, self.update, "Change a provider", changes, 200),
                    ("DELETE", one, self.remove, "Forget a provider and its secrets", changes, 204),
                )
            ),
        )

    def list(self, organisation: OrganisationId) -> ProvidersModel:
        """List every provider, oldest first."""
        records = self._organisations.providers(organisation)
        return ProvidersModel(providers=Shown(self._organisations, organisation).all(records))

    def get(self, organisation: OrganisationId, provider: ProviderId, response: Response) -> ProviderModel:
        """Show the provider of that id or label; its ETag is its version."""
        return self._shown(self._organisations.find(organisation, provider), response)

    def add(
        self, request: Request, organisation: OrganisationId, new: NewProvider, response: Response
    ) -> ProviderModel:
        """Add a provider, PENDING until it is verified. Nothing is asked of the service yet."""
        record = self._service.acting(request).add_provider(
            organisation, new.kind, new.label, new.settings, max_file_bytes=new.max_file_bytes
        )
        return self._shown(record, response)

    def update(
        self,
        request: Request,
        organisation: OrganisationId,
        provider: ProviderId,
        change: ProviderChange,
        response: Response,
        if_match: IfMatch = None,
    ) -> ProviderModel:
        """Change what is given; other settings or secrets make the provider PENDING again.

        Secrets that are stored stay with their address: a field that decides where they are sent changes only together
        with all of them.
        """
        record = self._service.acting(request).update_provider(
            organisation,
            provider,
            settings=change.settings,
            label=change.label,
            max_file_bytes=change.max_file_bytes if "max_file_bytes" in change.model_fields_set else KEEP,
            version=version_of(if_match),
        )
        return self._shown(record, response)

    def remove(
        self, request: Request, organisation: OrganisationId, provider: ProviderId, if_match: IfMatch = None
    ) -> None:
        """Forget the provider. Its objects stay where they are, but receipts no longer lead to them."""
        self._service.acting(request).remove_provider(organisation, provider, version=version_of(if_match))

    def _shown(self, record: ProviderRecord, response: Response) -> ProviderModel:
        response.headers["ETag"] = version_tag(record.version)
        return Shown(self._organisations, record.organisation).one(record)
