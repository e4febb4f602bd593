"""``sweep``: what killed writers left behind in the providers of an organisation, shown or removed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from ..documents.receipts import ResolvedProvider
from ..storage.sweeping import DEFAULT_AGE, SweepReport, sweep
from .exits import ExitCode
from .output import format_time
from .provider import OptionalProvider
from .session import Organisation, Session, Yes, confirm, session_of

_HOURS = DEFAULT_AGE / timedelta(hours=1)


def sweep_providers(
    context: typer.Context,
    organisation: Organisation,
    provider: OptionalProvider = None,
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="HOURS", min=0, help="Spare uploads that are younger.")
    ] = _HOURS,
    abort: Annotated[
        bool, typer.Option("--abort", help="Remove what is found; without it nothing is removed.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Show unfinished uploads and other leftovers of killed writers, in one provider or in all; --abort removes them.

    Only what belongs to the organisation is looked at. Exit code 1 when something could not be removed.
    """
    session = session_of(context)
    age = timedelta(hours=older_than)
    providers = _opened(session, _providers(session, organisation, provider))
    found = [(resolved, sweep(resolved.storage, older_than=age)) for resolved in providers]
    uploads = sum(len(report.uploads) for _, report in found)
    leftovers = sum(report.leftovers for _, report in found)
    if abort and (uploads or leftovers):
        confirm(f"Abort {uploads} unfinished uploads and remove {leftovers} leftover files of {organisation}?", yes=yes)
    if abort:
        found = [(resolved, sweep(resolved.storage, older_than=age, dry_run=False)) for resolved in providers]
    _print(session, organisation, found)
    if any(report.failures for _, report in found):
        raise typer.Exit(ExitCode.FAILED)


def _providers(session: Session, organisation: str, provider: str | None) -> tuple[ResolvedProvider, ...]:
    if provider is None:
        return session.resolver.in_order(organisation)
    return (session.resolver.by_id(organisation, session.organisations.find(organisation, provider).id),)


def _opened(session: Session, providers: tuple[ResolvedProvider, ...]) -> list[ResolvedProvider]:
    """Return those that can be looked at; one in use that cannot is an error, any other one is named."""
    for resolved in providers:
        if resolved.error is not None and (resolved.chosen or resolved.verified):
            raise resolved.error
        if resolved.error is not None:
            session.out.note(f"{resolved.label}: cannot be opened and is passed over: {resolved.error}")
    return [resolved for resolved in providers if resolved.error is None]


def _print(session: Session, organisation: str, found: list[tuple[ResolvedProvider, SweepReport]]) -> None:
    documents = [
        {"provider": resolved.provider, "label": resolved.label, **report.to_dict()} for resolved, report in found
    ]
    rows = [
        [resolved.label, format_time(upload.begun_at) or "unknown", upload.key]
        for resolved, report in found
        for upload in report.uploads
    ]
    session.out.table(
        {"organisation": organisation, "providers": documents},
        ["PROVIDER", "BEGUN", "KEY"],
        rows,
        "no unfinished upload is old enough",
    )
    for resolved, report in found:
        for error in report.failures:
            session.out.note(f"{resolved.label}: {error}")
        session.out.note(f"{resolved.label}: {_summary(report)}")


def _summary(report: SweepReport) -> str:
    count = len(report.uploads)
    spared = f"; {report.younger} younger stay" if report.younger else ""
    files = f" and {report.leftovers} leftover files" if report.leftovers else ""
    if report.dry_run:
        return f"{count} unfinished uploads{files} would be removed{spared}; add --abort to remove them"
    return f"{count - len(report.failures)} unfinished uploads{files} removed{spared}"
