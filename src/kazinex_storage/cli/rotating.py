"""``provider rotate``: other credentials proposed, proven and activated, and the versions that there are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from ..values import value
from .exits import ExitCode, UsageError
from .output import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..organisations.credential_versions import CredentialVersion
    from ..organisations.records import ProviderRecord
    from .command import RunningCommand


@value
class Wanted:
    """What the command line asks for."""

    verify: bool
    activate: bool
    drop: bool
    hold: bool
    """Leave a proposal that is proven for a later ``--activate``."""
    version: int | None
    grace: timedelta
    timeout_s: float


def rotate(command: RunningCommand, record: ProviderRecord, changes: Mapping[str, object], wanted: Wanted) -> None:
    """Do what is *wanted* with the credentials of *record*, and show the versions that there are.

    Raises:
        UsageError: the options contradict each other.
        typer.Exit: a verification failed.
        StorageError: the catalogue or the service refuses.
    """
    if sum((bool(changes), wanted.verify and not changes, wanted.activate and not changes, wanted.drop)) > 1:
        raise UsageError("enter other credentials, or give one of --verify, --activate and --drop")
    if wanted.drop and wanted.version is None:
        raise UsageError("--drop takes --version")
    organisations, organisation, ok = command.organisations, record.organisation, True
    if changes:
        organisations.propose_credentials(organisation, record.id, changes, version=record.version)
    if changes or wanted.verify:
        ok = _verified(command, record, None if changes else wanted.version, wanted.timeout_s)
    if wanted.activate or (changes and ok and not wanted.hold):
        organisations.activate_credentials(organisation, record.id, version=wanted.version, grace=wanted.grace)
        command.out.note(
            f"the new credentials are in use; leave the old ones valid at the service until "
            f"{format_time(organisations.credentials(organisation, record.id)[-1].drop_at)}"
        )
    if wanted.drop and wanted.version is not None:
        organisations.drop_credentials(organisation, record.id, wanted.version)
    _show(command, record)
    if not ok:
        raise typer.Exit(ExitCode.VERIFICATION)


def _verified(command: RunningCommand, record: ProviderRecord, version: int | None, timeout_s: float) -> bool:
    from ..verification.credentials import verify_credentials
    from .reporting import failure_lines, without_secrets

    report = verify_credentials(
        command.organisations, record.organisation, record.id, version=version, timeout_s=timeout_s
    )
    for line in failure_lines(without_secrets(report, command.secrets)):
        command.out.note(line.text)
    if not report.ok:
        command.out.note("those in use stay in use")
    return report.ok


def _show(command: RunningCommand, record: ProviderRecord) -> None:
    versions = command.organisations.credentials(record.organisation, record.id)
    document = {"organisation": record.organisation, "provider": record.id, "versions": [v.public() for v in versions]}
    columns = ["VERSION", "STATUS", "PROPOSED", "CHECKED", "KEEP UNTIL", "LAST ERROR"]
    command.out.table(document, columns, [_row(found) for found in versions], "no credentials")


def _row(found: CredentialVersion) -> list[str]:
    return [
        str(found.version),
        found.status.value,
        format_time(found.proposed_at) or "-",
        format_time(found.checked_at) or "-",
        format_time(found.drop_at) or "-",
        (found.last_error or "-").splitlines()[0],
    ]
