"""Test Connection: a verification whose steps are told as they end (server-sent events), or as one report.

The verification runs on a thread and records its outcome itself: a browser that goes away changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ..errors import StorageError
from ..organisations.records import ProviderRecord
from ..organisations.service import Organisations
from ..secrecy.masking import redact
from ..serving.headers import API_HEADERS
from ..verification.reports import Check, VerificationReport
from ..verification.verify import verify_provider
from .access import Action
from .models import CheckModel, OrganisationId, ProviderId, VerificationModel
from .problems import documented, of_storage
from .route import ACTION, RATE
from .service import StorageService
from .shown import Shown

EVENTS: Final = "text/event-stream"

_EXAMPLE: Final = (
    'event: step\ndata: {"name":"list","status":"passed","seconds":0.041}\n\n'
    'event: step\ndata: {"name":"write","status":"failed","seconds":0.03,"detail":"...","diagnosis":"the key may only '
    'read","fix":"grant Object Read & Write"}\n\n'
    'event: report\ndata: {"ok":false,"location":"kazinex-documents","seconds":0.2,"steps":[],"provider":{}}\n\n'
)
_RESPONSES: Final[dict[int | str, dict[str, object]]] = {
    200: {
        "description": "The steps as they end, then the report; or only the report, for who accepts JSON alone",
        "content": {EVENTS: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    },
    **documented(403, 404, 409, 422, 429),
}


class VerificationRoutes:
    """``/organisations/{organisation}/providers/{provider}/verification``."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the route."""
        router.add_api_route(
            "/organisations/{organisation}/providers/{provider}/verification",
            self.verify,
            methods=["POST"],
            response_model=VerificationModel,
            summary="Test Connection",
            tags=["providers"],
            responses=_RESPONSES,
            openapi_extra={ACTION: Action.MANAGE_PROVIDERS.value, RATE: "verification"},
        )

    async def verify(self, request: Request, organisation: OrganisationId, provider: ProviderId) -> Response:
        """Verify the provider and record the outcome; about nine requests to the service, 30 seconds at most."""
        organisations = self._service.acting(request)
        record = await run_in_threadpool(organisations.find, organisation, provider)
        verified = partial(_verified, organisations, record)
        run = _Run(record, partial(self._service.shared, organisation, verified))
        accepted = request.headers.get("accept", "*/*")
        if "application/json" in accepted and EVENTS not in accepted:
            return JSONResponse((await run.report()).model_dump(mode="json"))
        return StreamingResponse(run.events(), media_type=EVENTS, headers={**API_HEADERS, "X-Accel-Buffering": "no"})


class _Run:
    """One verification, and who listens to it."""

    def __init__(
        self,
        record: ProviderRecord,
        verified: Callable[[Callable[[Check], object]], Coroutine[object, object, VerificationModel]],
    ) -> None:
        self._secrets = tuple(_secrets_of(record))
        self._verified = verified
        self._steps: asyncio.Queue[CheckModel | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    async def report(self) -> VerificationModel:
        """Verify, and return the report."""
        return await self._verified(self._heard)

    async def events(self) -> AsyncIterator[bytes]:
        """Verify, and yield each step as it ends, then the report."""
        running = asyncio.ensure_future(self.report())
        running.add_done_callback(lambda _: self._steps.put_nowait(None))
        told = set[str]()
        try:
            while (step := await self._steps.get()) is not None:
                told.add(step.name)
                yield _event("step", step)
            report = await running
        except StorageError as error:  # it was changed or removed meanwhile
            yield b"event: problem\ndata: " + bytes(of_storage(error, manager=True).body) + b"\n\n"
            return
        finally:
            running.add_done_callback(lambda over: over.cancelled() or over.exception())
        for step in report.steps:
            if step.name not in told:  # what hung, and what was not tried because of that
                yield _event("step", step)
        yield _event("report", report)

    def _heard(self, check: Check) -> None:
        with suppress(RuntimeError):  # the loop was closed, and nobody listens any more
            self._loop.call_soon_threadsafe(self._steps.put_nowait, step_of(check, self._secrets))


def step_of(check: Check, secrets: Iterable[str]) -> CheckModel:
    """Return *check* without *secrets*, which a service may have quoted."""
    secrets = tuple(secrets)
    clean = [None if text is None else redact(text, secrets) for text in (check.error, check.diagnosis, check.fix)]
    return CheckModel(
        name=check.name,
        status=check.status.value,
        seconds=round(check.seconds, 3),
        detail=clean[0],
        diagnosis=clean[1],
        fix=clean[2],
    )


def _steps(report: VerificationReport, secrets: Iterable[str]) -> list[CheckModel]:
    secrets = tuple(secrets)
    return [step_of(check, secrets) for check in report.checks]


def _secrets_of(record: ProviderRecord) -> Iterable[str]:
    try:
        return record.secrets.reveal().values()
    except StorageError:
        return ()  # verification reports what is wrong with them


def _event(name: str, data: BaseModel) -> bytes:
    return f"event: {name}\ndata: {data.model_dump_json(exclude_none=name == 'step')}\n\n".encode()


def _verified(
    organisations: Organisations, record: ProviderRecord, on_check: Callable[[Check], object]
) -> VerificationModel:
    report = verify_provider(organisations, record.organisation, record.id, on_check=on_check)
    after = organisations.find(record.organisation, record.id)
    return VerificationModel(
        ok=report.ok,
        location=report.location,
        seconds=round(report.seconds, 3),
        steps=_steps(report, _secrets_of(record)),
        provider=Shown(organisations, record.organisation).one(after),
    )
