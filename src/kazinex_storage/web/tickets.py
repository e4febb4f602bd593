"""Direct uploads: a ticket, the route that takes the file where the provider cannot, confirm and abort.

A ticket is as good as a password for one file of one revision until it expires. The project that it is for is asked
about again when it is confirmed: who may upload is decided then, not by who has the token.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from ..integrations.incoming import IncomingFile
from ..keys import DocumentKey
from .access import Action
from .document_models import DocumentId, ReceiptModel, RevisionId
from .models import OrganisationId, ProjectId
from .problems import not_found
from .service import StorageService
from .table import FILE_BODY, Route, add_routes
from .ticket_models import NewTicket, TicketModel, TokenGiven

_ORGANISATION: Final = "/organisations/{organisation}"
_REVISION: Final = f"{_ORGANISATION}/projects/{{project}}/documents/{{document}}/revisions/{{revision}}"
_ONE: Final = f"{_ORGANISATION}/tickets/{{ticket}}"

TicketId: TypeAlias = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0" * 32])]
Token: TypeAlias = Annotated[str, Path(pattern=r"^[A-Za-z0-9._~-]{1,400}$")]


class TicketRoutes:
    """Tickets and the signed route."""

    def __init__(self, service: StorageService, public_url: str | None) -> None:
        self._service = service
        self._public_url = public_url.rstrip("/") if public_url is not None else None

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        common = (403, 409, 413, 422, 502, 503)
        add_routes(
            router,
            "direct uploads",
            *(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    action=Action.UPLOAD,
                    summary=summary,
                    problems=(*common, *more),
                    status=status,
                )
                for method, path, handler, summary, more, status in (
                    ("POST", f"{_REVISION}/tickets", self.begin, "Begin a direct upload", (415, 507), 201),
                    ("POST", f"{_ONE}/confirm", self.confirm, "Confirm a direct upload", (404, 415), 200),
                    ("DELETE", _ONE, self.abort, "Abort a direct upload and remove what it brought", (404,), 204),
                )
            ),
            Route(
                method="PUT",
                path="/direct/{token}",
                handler=self.receive,
                action=None,
                summary="Send the file of a ticket whose plan is `route`",
                problems=(*common, 400, 404),
                status=204,
                extra=FILE_BODY,
            ),
        )

    async def begin(
        self,
        request: Request,
        organisation: OrganisationId,
        project: ProjectId,
        document: DocumentId,
        revision: RevisionId,
        new: NewTicket,
    ) -> TicketModel:
        """Return what a browser needs to send the file by itself, on any provider.

        Send each part as its request says; the last step is to confirm. Nothing is visible before that.
        """
        key = DocumentKey(organisation, project, document, revision, new.filename)
        documents = self._service.documents(request, organisation, upload_route=self._route(request))
        ticket = await documents.begin_direct_upload(
            key, new.size, new.content_type, sha256=new.sha256, expires_in=timedelta(seconds=new.expires_in)
        )
        return TicketModel.model_validate(ticket.to_dict())

    async def confirm(
        self, request: Request, organisation: OrganisationId, ticket: TicketId, given: TokenGiven
    ) -> ReceiptModel:
        """Check what has arrived, record it as the file of the revision and return the receipt.

        Repeating it gives the same receipt. What does not fit what was declared, or the policy of now, is removed.
        """
        documents = self._service.documents(request, organisation)
        await self._check(request, organisation, ticket, given.token)
        return ReceiptModel.of(await documents.confirm_direct_upload(given.token))

    async def abort(self, request: Request, organisation: OrganisationId, ticket: TicketId, given: TokenGiven) -> None:
        """End the ticket; silent when it has ended already."""
        await self._check(request, organisation, ticket, given.token)
        await self._service.documents(request, organisation).abort_direct_upload(given.token)

    async def receive(self, request: Request, token: Token) -> Response:
        """Take the file of a ticket; the URL is the permission. Exactly as many bytes as the ticket says, once."""
        file = IncomingFile(request, self._service.limits.upload_bytes)
        async with file.refusing():
            await self._service.anyones_documents().receive_direct_upload(token, file.blocks(), file.length)
        return Response(status_code=204)

    async def _check(self, request: Request, organisation: str, ticket: str, token: str) -> None:
        found = await self._service.documents(request, organisation).find_direct_upload(token)
        if found.id != ticket:
            raise not_found("the token is of another ticket")
        await self._service.check_project(request, Action.UPLOAD, organisation, found.document.project)

    def _route(self, request: Request) -> str:
        """Return where clients send the files of tickets; a path, unless the host gave the URL of the API."""
        if self._public_url is not None:
            return f"{self._public_url}/direct"
        tail = _REVISION.format_map(request.path_params) + "/tickets"
        return f"{request.url.path.removesuffix(tail)}/direct"
