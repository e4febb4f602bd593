"""``provider list`` and ``provider show``: what there is, where new documents go, and which limit applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ..lazy import module
from ..organisations import commands
from .command import Organisation, Provider, RunningCommand, command_of
from .given import flat
from .output import format_time

if TYPE_CHECKING:
    from .. import policy
    from ..organisations.file_limits import FileLimit
    from ..organisations.records import ProviderRecord
else:
    policy = module(__name__, "..policy")


def list_(context: typer.Context, organisation: Organisation) -> None:
    """List the providers, oldest first, where new documents go, and the largest file of each."""
    from ..organisations.file_limits import file_limit

    command = command_of(context)
    organisations = command.organisations
    records = organisations.providers(organisation)
    default = organisations.organisation(organisation).default_provider
    overrides = organisations.overrides(organisation)
    limits = {record.id: file_limit(organisations, record) for record in records}
    document = {
        "organisation": organisation,
        "default": default,
        "overrides": [{"project": found.project, "provider": found.provider} for found in overrides],
        "providers": [{**record.public(), "limit": limits[record.id].to_dict()} for record in records],
    }
    rows = [
        [
            record.label,
            f"{record.kind} (managed)" if record.managed else record.kind,
            record.status.value if record.retired_at is None else f"{record.status.value}, retired",
            " ".join(
                ["default"] * (record.id == default)
                + [f"project:{found.project}" for found in overrides if found.provider == record.id]
            )
            or "-",
            _limit(limits[record.id]),
            format_time(record.last_verified_at) or "-",
            record.id,
        ]
        for record in records
    ]
    columns = ["LABEL", "KIND", "STATUS", "CHOSEN FOR", "MAX FILE", "LAST VERIFIED", "ID"]
    command.out.table(document, columns, rows, f"no provider yet; add one: {commands.add(organisation)}")


def show(context: typer.Context, provider: Provider, organisation: Organisation) -> None:
    """Show one provider; of its secrets only the names."""
    command = command_of(context)
    print_record(command, command.organisations.find(organisation, provider))


def print_record(command: RunningCommand, record: ProviderRecord) -> None:
    """Print *record*: its settings, where it is chosen, and how it was last found to be."""
    document, lines = described(command, record)
    command.out.result(document, lines)


def described(command: RunningCommand, record: ProviderRecord) -> tuple[dict[str, object], list[str]]:
    """Return *record* as a JSON document and as lines for a person."""
    organisations = command.organisations
    chosen = organisations.organisation(record.organisation).default_provider == record.id
    projects = [found.project for found in organisations.overrides(record.organisation) if found.provider == record.id]
    settings = {**dict(flat(record.settings)), **dict.fromkeys(record.secrets.names, "***")}
    lines = [
        f"{record.label} ({record.id}) is {record.status.value}",
        f"  kind           {record.kind}",
        *(["  managed        by the platform; contact support"] if record.managed else []),
        *([f"  plan           {record.plan}"] if record.plan is not None else []),
        *(f"  {name:<14} {value}" for name, value in settings.items()),
        *(
            [f"  max file size  {policy.format_bytes(record.max_file_bytes)}"]
            if record.max_file_bytes is not None
            else []
        ),
        *([f"  retired since  {format_time(record.retired_at)}, only reads"] if record.retired_at else []),
        *(["  default        yes"] if chosen else []),
        *(f"  override of    {project}" for project in projects),
        *([f"  last verified  {format_time(record.last_verified_at)}"] if record.last_verified_at else []),
        *([f"  failed since   {format_time(record.failed_at)}"] if record.failed_at else []),
        *([f"  last error     {record.last_error}"] if record.last_error else []),
    ]
    return {**record.public(), "default": chosen, "overrides": projects}, lines


def _limit(limit: FileLimit) -> str:
    return f"{policy.format_bytes(limit.in_force)} ({limit.origin})" if limit.in_force is not None else "-"
