"""Runs over HTTP: what is being copied, mirrored or audited, how far it is, what failed, and the report.

Runs are started where they work, by the command line or the library; here they are shown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from ..lazy import module
from ..migration.evidence_writing import CHAIN_ID
from ..migration.journal import EntryState, Journal, Run
from ..migration.progress import WRONG, RunMeter
from ..serving.headers import API_HEADERS
from .access import Action
from .models import IDENTIFIER, OrganisationId
from .problems import not_found
from .run_models import FailureModel, FailuresModel, RunModel, RunsModel
from .service import StorageService
from .table import Route, add_routes

if TYPE_CHECKING:
    from ..migration import report, summary
else:
    report, summary = module(__name__, "..migration.report"), module(__name__, "..migration.summary")

_RUNS: Final = "/organisations/{organisation}/runs"
_RUN: Final = f"{_RUNS}/{{run}}"

MOST_PLOTTED: Final = 100_000
"""Entries that a report reads for its plot, some seconds of work; that of larger runs is made when a pass ends."""
_SHOWN: Final = WRONG | {EntryState.REFUSED, EntryState.RETAINED}

RunId: TypeAlias = Annotated[str, Path(pattern=IDENTIFIER, max_length=64, examples=["copy-0011223344556677"])]
Most: TypeAlias = Annotated[int, Query(ge=1, le=100, description="The newest runs, at most.")]
First: TypeAlias = Annotated[int, Query(ge=0, le=2**63 - 1, description="The number of the first entry.")]
Entries: TypeAlias = Annotated[int, Query(ge=1, le=1000, description="Entries at most.")]


class RunRoutes:
    """Runs of one organisation."""

    def __init__(self, service: StorageService) -> None:
        self._organisations = service.organisations

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        see, manage = Action.SEE_USAGE, Action.MANAGE_PROVIDERS
        add_routes(
            router,
            "runs",
            *(
                Route(
                    method="GET",
                    path=path,
                    handler=handler,
                    action=action,
                    summary=text,
                    problems=(403, 404, 422),
                    media=media,
                )
                for path, handler, action, text, media in (
                    (_RUNS, self.runs, see, "Copies, mirrors, audits, exports and imports", None),
                    (_RUN, self.run, see, "How far one is", None),
                    # Reasons quote what providers said, and keys are those of all projects.
                    (f"{_RUN}/failures", self.failures, manage, "What failed or was refused", None),
                    (f"{_RUN}/report", self.report, manage, "The report", "text/html"),
                )
            ),
        )

    def runs(self, organisation: OrganisationId, limit: Most = 20) -> RunsModel:
        """List runs, the newest first, with how far each one is. Three queries for each."""
        labels = self._labels(organisation)
        found = [run for run in self._journal.runs(organisation, limit=limit) if run.id != CHAIN_ID]
        return RunsModel(runs=[RunModel.of(RunMeter(self._journal, run).read(), labels) for run in found])

    def run(self, organisation: OrganisationId, run: RunId) -> RunModel:
        """Show how far one run is: counts by state, from whatever processes work on it."""
        progress = RunMeter(self._journal, self._find(organisation, run)).read()
        return RunModel.of(progress, self._labels(organisation))

    def failures(
        self, organisation: OrganisationId, run: RunId, first: First = 0, limit: Entries = 100
    ) -> FailuresModel:
        """List the objects that failed, are missing or different, or stay where they are, with the reasons."""
        found = self._find(organisation, run)
        entries = self._journal.entries(found, first=first, states=_SHOWN, limit=limit)
        return FailuresModel(failures=[FailureModel.of(entry) for entry in entries])

    def report(self, organisation: OrganisationId, run: RunId) -> Response:
        """Send the report as one HTML page that can be filed, as `kazinex-storage migrate --report` writes it."""
        found = summary.summary_of(
            self._journal,
            self._find(organisation, run),
            self._labels(organisation),
            at=datetime.now(UTC),
            most_plotted=MOST_PLOTTED,
        )
        policy = f"default-src 'none'; style-src '{report.STYLE_HASH}'; frame-ancestors 'none'; sandbox"
        headers = {
            **API_HEADERS,
            "Content-Security-Policy": policy,
            "Content-Disposition": f'inline; filename="run-{run}.html"',
        }
        return Response(report.report_html(found), headers=headers, media_type="text/html")

    @property
    def _journal(self) -> Journal:
        return self._organisations.catalogue.journal

    def _find(self, organisation: str, run: str) -> Run:
        found = self._journal.run(organisation, run)
        if found is None or found.id == CHAIN_ID:
            raise not_found("there is no such run")
        return found

    def _labels(self, organisation: str) -> dict[str, str]:
        return {record.id: record.label for record in self._organisations.providers(organisation)}
