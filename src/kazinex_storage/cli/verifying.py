"""``provider verify``: whether a provider works, and what to do when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ..errors import StorageError
from ..verification import DEFAULT_TIMEOUT_S
from .command import Organisation, Provider, RunningCommand, command_of
from .exits import ExitCode
from .settings import Entered, Secrets, Sets, SettingsFile, Unset, collect_changes

if TYPE_CHECKING:
    from ..organisations.records import ProviderRecord
    from ..verification.reports import VerificationReport

Timeout: TypeAlias = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long it may take.")
]


def verify(
    context: typer.Context,
    provider: Provider,
    organisation: Organisation,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
    share: Annotated[
        bool, typer.Option("--share", help="Let every organisation use the place, whichever owned it.")
    ] = False,
) -> None:
    """Test whether a provider works, say what is wrong and how to fix it, and record the outcome.

    Of one that the platform manages nothing is recorded. Exit code 3 when a check failed.
    """
    command = command_of(context)
    before = command.organisations.find(organisation, provider)
    remember_secrets(command, before)
    from ..verification.verify import verify_managed, verify_provider

    if before.managed:
        report = verify_managed(command.organisations, before.id, timeout_s=timeout)
    else:
        report = verify_provider(command.organisations, organisation, provider, timeout_s=timeout, share=share)
    record = command.organisations.find(organisation, provider)
    show_report(command, record, report, f"is {record.status.value}")


def try_out(
    context: typer.Context,
    provider: Provider,
    organisation: Organisation,
    sets: Sets = None,
    unset: Unset = None,
    settings_file: SettingsFile = None,
    secrets: Secrets = None,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Try settings with a provider and store nothing: it goes on with those that it has.

    Exit code 3 when a check failed.
    """
    command = command_of(context)
    before = command.organisations.find(organisation, provider)
    remember_secrets(command, before)
    entered = Entered(sets=sets or (), file=settings_file, secrets=secrets or ())
    changes = collect_changes(command, before.kind, entered, unset or ())
    from ..verification.trying import try_settings

    trial = command.organisations.trial(organisation, before.id, changes)
    report = try_settings(command.organisations, trial, timeout_s=timeout).report
    what = "would be" if trial.differs else "is found to be"
    show_report(command, before, report, f"{what} {'VERIFIED' if report.ok else 'FAILED'}; nothing was stored")


def show_report(command: RunningCommand, record: ProviderRecord, found: VerificationReport, outcome: str) -> None:
    """Print the report of *record*, whose headline says its *outcome*.

    Raises:
        typer.Exit: a check failed.
    """
    from .reporting import report_lines, without_secrets

    report = without_secrets(found, command.secrets)
    document = {**report.to_dict(), "provider": record.id, "label": record.label, "status": record.status.value}
    headline = f"{record.label} ({report.location or record.kind}) {outcome}"
    command.out.wrapped(document, report_lines(report, headline))
    if not report.ok:
        raise typer.Exit(ExitCode.VERIFICATION)


def remember_secrets(command: RunningCommand, record: ProviderRecord) -> None:
    """Keep the stored secrets of *record* out of what is printed from now on."""
    try:
        command.remember(record.secrets.reveal())
    except StorageError:
        return  # verification reports what is wrong with them
