"""``provider update``: other settings, tried first where new documents go to the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..organisations import commands
from ..values import value
from ..verification import DEFAULT_TIMEOUT_S
from .command import Organisation, Provider, RunningCommand, command_of
from .provider_showing import print_record
from .settings import Connect, Entered, Secrets, Sets, SettingsFile, Unset, collect_changes
from .sizes import MaxFileSize, own_limit
from .verifying import Timeout, remember_secrets, show_report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..organisations.records import Keep, ProviderRecord


def update(
    context: typer.Context,
    provider: Provider,
    organisation: Organisation,
    sets: Sets = None,
    unset: Unset = None,
    settings_file: SettingsFile = None,
    secrets: Secrets = None,
    label: Annotated[str | None, typer.Option(help="A new label.")] = None,
    max_file_size: MaxFileSize = None,
    as_person: Connect = False,
    force: Annotated[bool, typer.Option("--force", help="Store settings although they fail.")] = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Change a provider.

    New settings or secrets of one that works, and that new documents go to, are verified first: what fails is not
    stored, with exit code 3, unless --force says so. Of any other they make it PENDING until it is verified.
    """
    command = command_of(context)
    before = command.organisations.find(organisation, provider)
    entered = Entered(sets=sets or (), file=settings_file, secrets=secrets or ())
    changes = collect_changes(command, before.kind, entered, unset or ())
    if as_person:
        from .connect import connect

        whole = {**before.settings, **changes}
        changes["refresh_token"] = connect(command, before.kind, whole)["refresh_token"]
    change = _Change(
        settings=changes, label=label, max_file_bytes=_limit(max_file_size), force=force, timeout_s=timeout
    )
    after = _tried(command, before, change) or command.organisations.update_provider(
        organisation,
        before.id,
        settings=changes or None,
        label=label,
        max_file_bytes=change.max_file_bytes,
        version=before.version,
    )
    print_record(command, after)
    if after.version == before.version:
        command.out.note("nothing was different")
    elif after.settings_version != before.settings_version and after.last_verified_at == before.last_verified_at:
        command.out.note(f"it is PENDING again; next: {commands.verify(organisation, after.label)}")


@value
class _Change:
    """What is changed."""

    settings: Mapping[str, object]
    label: str | None
    max_file_bytes: int | Keep | None
    force: bool
    timeout_s: float


def _tried(command: RunningCommand, before: ProviderRecord, change: _Change) -> ProviderRecord | None:
    """Return the provider with settings that were tried and stored; None where there is nothing to try.

    Raises:
        typer.Exit: they fail, and nothing forces them.
    """
    from ..verification.trying import keep_trial, try_settings

    organisations = command.organisations
    if not change.settings or before.managed or not organisations.is_live(before):
        return None
    trial = organisations.trial(before.organisation, before.id, change.settings, version=before.version)
    if not trial.differs:
        return None
    remember_secrets(command, before)
    command.out.note("new documents go there: the new settings are verified before they replace those in use")
    tried = try_settings(organisations, trial, timeout_s=change.timeout_s)
    if tried.report.ok:
        return keep_trial(organisations, trial, tried, label=change.label, max_file_bytes=change.max_file_bytes)
    if not change.force:
        show_report(command, before, tried.report, "was not changed: the new settings fail (--force stores them)")
    return organisations.update_provider(
        before.organisation,
        before.id,
        settings=trial.changes,
        label=change.label,
        max_file_bytes=change.max_file_bytes,
    )


def _limit(text: str | None) -> int | Keep | None:
    from ..organisations.records import KEEP

    return KEEP if text is None else own_limit(text)
