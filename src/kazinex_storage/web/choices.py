"""Where new documents go and which files are taken: default, override of a project, allowlist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, Response
from starlette.requests import Request

from ..content_types import UNKNOWN, guess_content_type
from ..file_rules import NEVER_ALLOWED, PRESET, FileRules
from ..organisations.records import OrganisationRecord
from ..policy import normal_extensions
from ..serving.headers import version_of, version_tag
from .access import Action
from .models import (
    Allowlist,
    CandidateModel,
    Choice,
    Chosen,
    FileRulesModel,
    IfMatch,
    OrganisationId,
    OverrideModel,
    ProjectChoiceModel,
    ProjectId,
    SettingsModel,
    UploadRulesModel,
)
from .service import StorageService
from .table import Route, add_routes

# docs.kazinex.com, workflows/admin/security-hardening and guides/storage-integrations/file-restrictions (read 2026-08).
RECOMMENDED: Final = tuple(
    "pdf doc docx xls xlsx ppt pptx txt csv png jpg jpeg tif tiff dwg dxf ifc zip".split()  # noqa: SIM905
)
"""What the documentation recommends for construction."""
_ORGANISATION: Final = "/organisations/{organisation}"
_PROBLEMS: Final = (403, 404, 409, 412, 413, 422)


class ChoiceRoutes:
    """Default, override and allowlist."""

    def __init__(self, service: StorageService) -> None:
        self._service = service
        self._organisations = service.organisations

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        override = f"{_ORGANISATION}/projects/{{project}}/override"
        rules = f"{_ORGANISATION}/projects/{{project}}/upload-rules"
        manage, restrict, choose = Action.MANAGE_PROVIDERS, Action.MANAGE_RESTRICTIONS, Action.CHOOSE_FOR_PROJECT
        add_routes(
            router,
            "settings",
            *(
                Route(method=method, path=path, handler=handler, action=action, summary=summary, problems=_PROBLEMS)
                for path, handler, method, action, summary in (
                    (f"{_ORGANISATION}/settings", self.settings, "GET", manage, "Default and file restrictions"),
                    (f"{_ORGANISATION}/default", self.set_default, "PUT", manage, "Set as Default"),
                    (f"{_ORGANISATION}/allowlist", self.set_allowlist, "PUT", restrict, "File Type Restrictions"),
                    (f"{_ORGANISATION}/file-rules", self.set_file_rules, "PUT", restrict, "Refused files"),
                    (override, self.override, "GET", choose, "The provider of a project, and which there are"),
                    (override, self.set_override, "PUT", choose, "Choose a provider for a project"),
                    (override, self.clear_override, "DELETE", choose, "Give a project the default again"),
                    (rules, self.rules, "GET", Action.UPLOAD, "Which files a project takes"),
                )
            ),
        )

    def settings(self, organisation: OrganisationId, response: Response) -> SettingsModel:
        """Show what is set for the organisation; the ETag is its version."""
        return self._settings(self._organisations.organisation(organisation), response)

    def set_default(
        self,
        request: Request,
        organisation: OrganisationId,
        chosen: Chosen,
        response: Response,
        if_match: IfMatch = None,
    ) -> SettingsModel:
        """Send new documents to a VERIFIED provider; null leaves the organisation without a default. Nothing moves."""
        record = self._service.acting(request).set_default(organisation, chosen.provider, version=version_of(if_match))
        return self._settings(record, response)

    def set_allowlist(
        self,
        request: Request,
        organisation: OrganisationId,
        allowlist: Allowlist,
        response: Response,
        if_match: IfMatch = None,
    ) -> SettingsModel:
        """Allow these types only, as extensions or MIME types; none allows every type. Stored documents stay."""
        acting, version = self._service.acting(request), version_of(if_match)
        record = acting.set_allowlist(organisation, allowlist.extensions, version=version)
        return self._settings(record, response)

    def set_file_rules(
        self,
        request: Request,
        organisation: OrganisationId,
        rules: FileRulesModel,
        response: Response,
        if_match: IfMatch = None,
    ) -> SettingsModel:
        """Say what is refused whatever the allowlist says. Stored documents stay."""
        never = NEVER_ALLOWED if rules.never is None else frozenset(normal_extensions(rules.never))
        files = FileRules(content=rules.content, never=never, plain_names=rules.plain_names)
        acting, version = self._service.acting(request), version_of(if_match)
        return self._settings(acting.set_file_rules(organisation, files, version=version), response)

    def override(self, organisation: OrganisationId, project: ProjectId, response: Response) -> ProjectChoiceModel:
        """Show what is chosen for the project, and the providers that may be."""
        found = self._organisations.catalogue.override(organisation, project)
        default = self._organisations.organisation(organisation).default_provider
        response.headers["ETag"] = version_tag(found.version)
        return ProjectChoiceModel(
            project=project,
            provider=found.provider,
            version=found.version,
            candidates=[
                CandidateModel(
                    id=record.id,
                    label=record.label,
                    kind=record.kind,
                    status=record.status.value,
                    is_default=record.id == default,
                )
                for record in self._organisations.providers(organisation)
            ],
        )

    def set_override(
        self,
        request: Request,
        organisation: OrganisationId,
        project: ProjectId,
        choice: Choice,
        response: Response,
        if_match: IfMatch = None,
    ) -> OverrideModel:
        """Send new documents of the project to a VERIFIED provider."""
        found = self._service.acting(request).set_override(
            organisation, project, choice.provider, version=version_of(if_match)
        )
        response.headers["ETag"] = version_tag(found.version)
        return OverrideModel(project=found.project, provider=found.provider, version=found.version)

    def clear_override(
        self,
        request: Request,
        organisation: OrganisationId,
        project: ProjectId,
        response: Response,
        if_match: IfMatch = None,
    ) -> OverrideModel:
        """Give the project the default of the organisation again."""
        found = self._service.acting(request).clear_override(organisation, project, version=version_of(if_match))
        response.headers["ETag"] = version_tag(found.version)
        return OverrideModel(project=found.project, provider=found.provider, version=found.version)

    def rules(self, organisation: OrganisationId, project: ProjectId) -> UploadRulesModel:
        """Say which types and sizes the provider of the project takes, before anything is sent."""
        chosen = self._service.resolver.chosen(organisation, project)
        policy = chosen.storage.policy
        most = chosen.storage.info.max_object_bytes
        extensions = sorted(policy.extensions) if policy is not None else []
        return UploadRulesModel(
            label=chosen.label,
            kind=chosen.kind,
            extensions=extensions,
            mime_types=mime_types(extensions),
            max_file_bytes=most if policy is None else min(most, policy.max_file_bytes),
        )

    def _settings(self, record: OrganisationRecord, response: Response) -> SettingsModel:
        response.headers["ETag"] = version_tag(record.version)
        files = record.file_rules or PRESET
        never = sorted(files.never)
        return SettingsModel(
            organisation=record.organisation,
            default_provider=record.default_provider,
            allowlist=list(record.allowlist),
            overrides=[
                OverrideModel(project=found.project, provider=found.provider, version=found.version)
                for found in self._organisations.overrides(record.organisation)
            ],
            recommended_extensions=list(RECOMMENDED),
            never_allow=never,
            file_rules=FileRulesModel(
                content=files.content,
                never=None if files.never == NEVER_ALLOWED else never,
                plain_names=files.plain_names,
            ),
            mime_types=mime_types((*record.allowlist, *RECOMMENDED, *never)),
            version=record.version,
        )


def mime_types(extensions: Iterable[str]) -> dict[str, str]:
    """Return the MIME type of each extension that has one."""
    found = {extension: guess_content_type(f"a.{extension}") for extension in extensions}
    return {extension: kind for extension, kind in found.items() if kind != UNKNOWN}
