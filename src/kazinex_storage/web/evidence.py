"""The evidence of receipts over HTTP: the key, the chain of a project, a check of it, and the proof of one receipt.

Time stamps are for the host alone, which names the service: there is no route that asks one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from typing import IO, Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ..errors import NotSupportedError, SettingsError
from ..organisations.evidence.log import ReceiptEvidence
from ..serving.headers import API_HEADERS
from ..types import MIB
from .access import Action
from .document_models import ReceiptGiven
from .models import OrganisationId, ProjectId
from .problems import not_found
from .service import StorageService
from .table import Route, add_routes

_ORGANISATION: Final = "/organisations/{organisation}"
_EVIDENCE: Final = f"{_ORGANISATION}/projects/{{project}}/evidence"
_MEDIA: Final = "application/jsonl"
_CHUNK: Final = 256 * 1024


class EvidenceKeyModel(BaseModel):
    """The public key that evidence is checked with."""

    organisation: str
    id: str
    """Each line names the key that signed it."""
    pem: str
    """SubjectPublicKeyInfo, Ed25519."""


class EvidenceProblemModel(BaseModel):
    """What is wrong with the evidence."""

    line: int | None
    """Of the exported file, from 1; null is the file as a whole."""
    problem: str


class EvidenceReportModel(BaseModel):
    """What a check of the evidence of a project found."""

    organisation: str
    project: str
    ok: bool
    problems: list[EvidenceProblemModel]
    lines: int
    """How many there are."""
    number: int
    """The number of the last; keep it with the hash."""
    hash: str
    kinds: dict[str, int]
    """How many lines there are of each kind."""
    key_ids: list[str]


class EvidenceRoutes:
    """Evidence of receipts."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        see, failures = Action.SEE_AUDIT, (403, 422, 502, 503)
        add_routes(
            router,
            "evidence",
            *(
                Route(
                    method="GET",
                    path=path,
                    handler=handler,
                    action=action,
                    summary=summary,
                    problems=(*failures, 404) if handler == self.key else failures,
                    media=media,
                )
                for path, handler, action, summary, media in (
                    (f"{_ORGANISATION}/evidence/key", self.key, Action.READ, "The key of the evidence", None),
                    (_EVIDENCE, self.export, see, "The signed receipts of a project as JSON lines", _MEDIA),
                    (f"{_EVIDENCE}/verification", self.verify, see, "Whether they are as they were signed", None),
                )
            ),
            Route(
                method="POST",
                path=f"{_ORGANISATION}/documents/proof",
                handler=self.proof,
                action=Action.READ,
                summary="The proof of one receipt as JSON lines",
                problems=(*failures, 404, 413),
                media=_MEDIA,
            ),
        )

    def key(
        self, organisation: OrganisationId, key_id: Annotated[str | None, Query(max_length=64)] = None
    ) -> EvidenceKeyModel:
        """Return the public key of now, or the one that a line names; no secret."""
        evidence = self._evidence
        try:
            return EvidenceKeyModel.model_validate(evidence.key(organisation, key_id).to_dict())
        except SettingsError:
            if key_id is None:
                raise
            raise not_found(f"there is no key {key_id!r}") from None

    def export(
        self, organisation: OrganisationId, project: ProjectId, after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
    ) -> Response:
        """Send the chain, lines up to `after` left out; `kazinex-storage evidence verify` checks it anywhere."""
        file = tempfile.SpooledTemporaryFile(MIB, "w+b")  # noqa: SIM115  # closed when it was sent
        try:
            with closing(self._evidence.lines(organisation, project, after=after)) as lines:
                file.writelines(lines)  # at once: a slow client is not to hold a transaction open
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return StreamingResponse(_sent(file), media_type=_MEDIA, headers=_headers("receipts.jsonl"))

    def verify(self, organisation: OrganisationId, project: ProjectId) -> EvidenceReportModel:
        """Check every line of the chain with the keys of the platform."""
        return EvidenceReportModel.model_validate(self._evidence.verify(organisation, project).to_dict())

    async def proof(self, request: Request, organisation: OrganisationId, given: ReceiptGiven) -> Response:
        """Send what was recorded of a receipt, signed; nothing is asked of a provider."""
        receipt, _ = given.stored(), self._evidence
        await self._service.check_project(request, Action.READ, organisation, receipt.document.project)
        found = await self._service.documents(request, organisation).proof(receipt)
        return Response(found.content, media_type=_MEDIA, headers=_headers("proof.jsonl"))

    @property
    def _evidence(self) -> ReceiptEvidence:
        found = self._service.organisations.evidence
        if not found.is_kept:
            raise NotSupportedError("the catalogue of this service keeps no evidence, as it has no keys")
        return found


def _headers(name: str) -> dict[str, str]:
    return {**API_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
