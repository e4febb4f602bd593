"""``sweep``: what killed writers and unconfirmed direct uploads left behind in the providers of an organisation."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ..storage.sweeping import DEFAULT_AGE, sweep
from .command import OptionalProvider, Organisation, RunningCommand, Yes, command_of, confirm
from .exits import ExitCode
from .output import format_time

if TYPE_CHECKING:
    from ..documents.direct_ends import DirectSweep
    from ..documents.receipts import ResolvedProvider
    from ..storage.sweeping import SweepReport


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

    So it does with deleted objects that were kept for long enough.

    Without a provider, direct uploads that nobody confirmed in time are among them, whatever their age. Only what
    belongs to the organisation is looked at. Exit code 1 when something could not be removed.
    """
    from ..documents.store import DocumentStore

    command = command_of(context)
    age = timedelta(hours=older_than)
    providers = _opened(command, _providers(command, organisation, provider))
    found = [(resolved, sweep(resolved.storage, older_than=age)) for resolved in providers]
    documents = DocumentStore(command.resolver, organisation=organisation) if provider is None else None
    direct = documents.sweep_direct_uploads(dry_run=True) if documents is not None else None
    uploads = sum(len(report.uploads) for _, report in found) + (len(direct.expired) if direct is not None else 0)
    leftovers = sum(report.leftovers for _, report in found)
    expired = sum(report.expired for _, report in found)
    if abort and (uploads or leftovers or expired):
        files = f"{leftovers} leftover files" + (f" and {expired} deleted objects" if expired else "")
        confirm(f"Abort {uploads} unfinished uploads and remove {files} of {organisation}?", yes=yes)
    if abort:
        direct = documents.sweep_direct_uploads() if documents is not None else None
        found = [(resolved, sweep(resolved.storage, older_than=age, dry_run=False)) for resolved in providers]
    _print(command, organisation, found, direct)
    if any(report.failures for _, report in found) or (direct is not None and direct.failures):
        raise typer.Exit(ExitCode.FAILED)


def _providers(command: RunningCommand, organisation: str, provider: str | None) -> tuple[ResolvedProvider, ...]:
    if provider is None:
        return command.resolver.in_order(organisation)
    return (command.resolver.by_id(organisation, command.organisations.find(organisation, provider).id),)


def _opened(command: RunningCommand, providers: tuple[ResolvedProvider, ...]) -> list[ResolvedProvider]:
    """Return those that can be looked at; one in use that cannot is an error, any other one is named."""
    for resolved in providers:
        if resolved.error is not None and (resolved.chosen or resolved.verified):
            raise resolved.error
        if resolved.error is not None:
            command.out.note(f"{resolved.label}: cannot be opened and is passed over: {resolved.error}")
    return [resolved for resolved in providers if resolved.error is None]


def _print(
    command: RunningCommand,
    organisation: str,
    found: list[tuple[ResolvedProvider, SweepReport]],
    direct: DirectSweep | None,
) -> None:
    documents = [
        {"provider": resolved.provider, "label": resolved.label, **report.to_dict()} for resolved, report in found
    ]
    rows = [
        [resolved.label, format_time(upload.begun_at) or "unknown", upload.key]
        for resolved, report in found
        for upload in report.uploads
    ]
    rows += [
        ["direct upload", format_time(upload.begun_at) or "unknown", upload.document.build()]
        for upload in (direct.expired if direct is not None else ())
    ]
    command.out.table(
        {
            "organisation": organisation,
            "providers": documents,
            "direct": direct.to_dict() if direct is not None else None,
        },
        ["PROVIDER", "BEGUN", "KEY"],
        rows,
        "no unfinished upload is old enough",
    )
    for resolved, report in found:
        for error in report.failures:
            command.out.note(f"{resolved.label}: {error}")
        command.out.note(f"{resolved.label}: {_summary(report)}")
    if direct is not None and (direct.expired or direct.failures):
        for error in direct.failures:
            command.out.note(f"direct uploads: {error}")
        command.out.note(f"direct uploads: {_direct_summary(direct)}")


def _direct_summary(direct: DirectSweep) -> str:
    count = len(direct.expired)
    if direct.dry_run:
        return f"{count} that nobody confirmed in time would be removed; add --abort to remove them"
    left = f"; {len(direct.failures)} left something behind" if direct.failures else ""
    return f"{count} that nobody confirmed in time removed{left}"


def _summary(report: SweepReport) -> str:
    count = len(report.uploads)
    spared = f"; {report.younger} younger stay" if report.younger else ""
    files = f" and {report.leftovers} leftover files" if report.leftovers else ""
    files += f" and {report.expired} deleted objects" if report.expired else ""
    if report.dry_run:
        return f"{count} unfinished uploads{files} would be removed{spared}; add --abort to remove them"
    return f"{count - len(report.failures)} unfinished uploads{files} removed{spared}"
