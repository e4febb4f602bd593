"""The audit trail over HTTP, and the metrics of all organisations."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ..monitoring.metrics import CONTENT_TYPE, metrics_text
from ..organisations.audit.entries import AuditEntry, AuditQuery
from ..organisations.audit.log import AuditLog
from ..serving.headers import API_HEADERS
from ..types import MIB
from .access import Action
from .models import OrganisationId
from .service import StorageService
from .table import Route, add_routes

_AUDIT: Final = "/organisations/{organisation}/audit"
_CHUNK: Final = 256 * 1024


class AuditFilter(BaseModel):
    """Which entries are wanted: those that fit all that is given."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """Only those with a larger number."""
    before: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    """Only those with a smaller number."""
    event: str | None = Field(default=None, max_length=64)
    """A name; with a dot at its end all that begin so."""
    by: str | None = Field(default=None, max_length=2_000)
    provider: str | None = Field(default=None, max_length=200)
    project: str | None = Field(default=None, max_length=128)
    since: AwareDatetime | None = None
    """Those that happened then or later."""
    until: AwareDatetime | None = None
    """Those that happened before."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    """Entries at most."""
    newest: bool = False


class EntryModel(BaseModel):
    """One event in the chain of its organisation."""

    number: int
    """1 for the first, without gaps."""
    at: datetime
    """UTC."""
    event: str
    by: str | None
    provider: str | None
    project: str | None
    outcome: str
    fields: dict[str, JsonValue]
    """All that the event says."""
    hash: str

    @classmethod
    def of(cls, entry: AuditEntry) -> EntryModel:
        """Return the model of *entry*."""
        plain = ("number", "at", "event", "by", "provider", "project", "outcome", "hash")
        return cls.model_validate({**{name: getattr(entry, name) for name in plain}, "fields": entry.said()})


class EntriesModel(BaseModel):
    """Entries of the audit."""

    entries: list[EntryModel]


class AuditProblemModel(BaseModel):
    """What is wrong with one entry."""

    number: int | None
    """Of the entry; null is the chain as a whole."""
    problem: str


class ReportModel(BaseModel):
    """What verifying a chain found."""

    organisation: str
    ok: bool
    entries: int
    """How many there are."""
    first: int
    """The number of the first that is kept."""
    number: int
    """The number of the last."""
    hash: str
    sealed: bool
    problems: list[AuditProblemModel]


class AuditRoutes:
    """Audit and metrics."""

    def __init__(self, service: StorageService) -> None:
        self._organisations = service.organisations
        self._audit = AuditLog(service.organisations.catalogue)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        see = Action.SEE_AUDIT
        add_routes(
            router,
            "audit",
            *(
                Route(
                    method="GET",
                    path=path,
                    handler=handler,
                    action=action,
                    summary=summary,
                    problems=(403, 422),
                    media=media,
                )
                for path, handler, action, summary, media in (
                    (_AUDIT, self.entries, see, "The audit trail", None),
                    (f"{_AUDIT}/verification", self.verify, see, "Whether the chain is as it was written", None),
                    (f"{_AUDIT}/export", self.export, see, "The chain as JSON lines", "application/jsonl"),
                    ("/metrics", self.metrics, Action.SEE_METRICS, "Figures for Prometheus", "text/plain"),
                )
            ),
        )

    def entries(self, organisation: OrganisationId, asked: Annotated[AuditFilter, Query()]) -> EntriesModel:
        """List entries by their numbers, or the newest first. One query."""
        fields = asked.model_dump()
        wanted = AuditQuery(newest_first=fields.pop("newest"), **fields)
        return EntriesModel(entries=[EntryModel.of(entry) for entry in self._audit.query(organisation, wanted)])

    def verify(self, organisation: OrganisationId) -> ReportModel:
        """Check the whole chain: that nothing was changed, taken out, put in, moved or cut off."""
        return ReportModel.model_validate(self._audit.verify_audit(organisation).to_dict())

    def export(self, organisation: OrganisationId) -> Response:
        """Send the whole chain; `verify_exported` of the library checks it without this service."""
        file = tempfile.SpooledTemporaryFile(MIB, "w+", encoding="utf-8")  # noqa: SIM115  # closed when it was sent
        try:
            self._audit.export(organisation, file)  # at once: a slow client is not to hold a transaction open
            file.seek(0)
        except BaseException:
            file.close()
            raise
        headers = {**API_HEADERS, "Content-Disposition": 'attachment; filename="audit.jsonl"'}
        return StreamingResponse(_sent(file), media_type="application/jsonl", headers=headers)

    def metrics(self, request: Request) -> Response:  # noqa: ARG002  # no other parameter is a handler's
        """Show usage, quotas, requests and states of providers; labels are ids."""
        return Response(metrics_text(self._organisations), headers={**API_HEADERS, "Content-Type": CONTENT_TYPE})


def _sent(file: IO[str]) -> Iterator[str]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
