"""``provider``: the providers of an organisation, added, verified, chosen, changed and removed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ..errors import StorageError
from ..lazy import module, regex
from ..organisations import commands
from ..secrecy.masking import redact
from ..verification import DEFAULT_TIMEOUT_S
from .command import Organisation, RunningCommand, Yes, command_of, confirm
from .exits import ExitCode, UsageError
from .output import format_time
from .settings import Connect, Entered, Secrets, Sets, SettingsFile, collect, collect_changes

if TYPE_CHECKING:
    from .. import policy
    from ..organisations.records import Keep, ProviderRecord
    from ..verification.verify import VerificationReport
else:
    policy = module(__name__, "..policy")


Provider: TypeAlias = Annotated[str, typer.Argument(metavar="PROVIDER", help="Its label or its id.")]
OptionalProvider: TypeAlias = Annotated[str | None, typer.Argument(metavar="[PROVIDER]", help="Its label or its id.")]
MaxFileSize: TypeAlias = Annotated[
    str | None,
    typer.Option("--max-file-size", metavar="SIZE", help="Such as 250MB; 'default' is that of the kind."),
]

# As everywhere in Kazinex: MB is 1,048,576 bytes.
_UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SIZE = regex(r"\s*(\d{1,18}(?:\.\d{1,6})?)\s*([KMGT]?I?B|[KMGT]|)\s*", re.IGNORECASE)


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    group = typer.Typer(help="Administer the providers of an organisation.", rich_markup_mode=None)
    for name, command in (
        ("add", add),
        ("list", list_),
        ("show", show),
        ("verify", verify),
        ("set-default", set_default),
        ("override", override),
        ("update", update),
        ("rotate", rotate),
        ("remove", remove),
    ):
        group.command(name, epilog=epilog)(command)
    return group


def add(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="One of those that `kazinex-storage kinds` lists.")],
    label: Annotated[str, typer.Argument(help="What people call it.")],
    organisation: Organisation,
    sets: Sets = None,
    settings_file: SettingsFile = None,
    secrets: Secrets = None,
    max_file_size: MaxFileSize = None,
    as_person: Connect = False,
) -> None:
    """Add a provider, PENDING until it is verified.

    Settings come from --set, --settings-file and KAZINEX_STORAGE_<KIND>_<FIELD>, in this order; secrets that are still
    missing are asked for on the terminal.
    """
    command = command_of(context)
    settings = collect(command, kind, Entered(sets=sets or (), file=settings_file, secrets=secrets or ()))
    if as_person:
        from .connect import connect

        settings = connect(command, kind, settings)
    limit = _limit(max_file_size)
    record = command.organisations.add_provider(
        organisation, kind, label, settings, max_file_bytes=limit if isinstance(limit, int) else None
    )
    _print(command, record)
    command.out.note(f"next: {commands.verify(organisation, record.label)}")


def list_(context: typer.Context, organisation: Organisation) -> None:
    """List the providers, oldest first, and where new documents go."""
    command = command_of(context)
    records = command.organisations.providers(organisation)
    default = command.organisations.organisation(organisation).default_provider
    overrides = command.organisations.overrides(organisation)
    document = {
        "organisation": organisation,
        "default": default,
        "overrides": [{"project": found.project, "provider": found.provider} for found in overrides],
        "providers": [record.public() for record in records],
    }
    rows = [
        [
            record.label,
            f"{record.kind} (managed)" if record.managed else record.kind,
            record.status.value,
            " ".join(
                ["default"] * (record.id == default)
                + [f"project:{found.project}" for found in overrides if found.provider == record.id]
            )
            or "-",
            policy.format_bytes(record.max_file_bytes) if record.max_file_bytes is not None else "-",
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
    _print(command, command.organisations.find(organisation, provider))


def verify(
    context: typer.Context,
    provider: Provider,
    organisation: Organisation,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="How long it may take.")] = (
        DEFAULT_TIMEOUT_S
    ),
    share: Annotated[
        bool, typer.Option("--share", help="Let every organisation use the place, whichever owned it.")
    ] = False,
) -> None:
    """Test whether a provider works, say what is wrong and how to fix it, and record the outcome.

    Of one that the platform manages nothing is recorded. Exit code 3 when a check failed.
    """
    command = command_of(context)
    before = command.organisations.find(organisation, provider)
    command.remember(_secrets_of(before))
    from ..verification.verify import verify_managed, verify_provider

    if before.managed:
        found = verify_managed(command.organisations, before.id, timeout_s=timeout)
    else:
        found = verify_provider(command.organisations, organisation, provider, timeout_s=timeout, share=share)
    report = _without_secrets(found, command.secrets)
    record = command.organisations.find(organisation, provider)
    document = {**report.to_dict(), "provider": record.id, "label": record.label, "status": record.status.value}
    rows = [
        [check.name, check.status.value, f"{check.seconds:.3f}", check.diagnosis or "-", check.fix or "-"]
        for check in report.checks
    ]
    command.out.table(document, ["CHECK", "STATUS", "SECONDS", "DIAGNOSIS", "FIX"], rows, "nothing was checked")
    for check in report.checks:
        if check.error:
            command.out.note(f"{check.name}: {check.error}")
    for what, who in report.kept_by.items():
        command.out.note(f"{what}: {_KEPT_BY[who]}")
    command.out.note(f"{record.label} ({report.location or record.kind}) is {record.status.value}")
    if not report.ok:
        raise typer.Exit(ExitCode.VERIFICATION)


_KEPT_BY = {
    "service": "kept by the place itself, from everyone",
    "ours": "kept by this library alone, from those who come through it",
    "register": "documents alone, kept by the register",
}
"""What a verification says of retention and holds, in words."""


def set_default(
    context: typer.Context,
    organisation: Organisation,
    provider: OptionalProvider = None,
    none: Annotated[bool, typer.Option("--none", help="Leave the organisation without a default.")] = False,
) -> None:
    """Send new documents to a VERIFIED provider. Stored documents stay where they are and stay reachable."""
    if none == (provider is not None):
        raise UsageError("give a provider, or --none")
    command = command_of(context)
    record = command.organisations.set_default(organisation, provider)
    text = "there is no default any more" if provider is None else f"new documents go to {provider}"
    command.out.result({"organisation": organisation, "default": record.default_provider}, [text])


def override(
    context: typer.Context,
    organisation: Organisation,
    project: Annotated[str, typer.Option("--project", "-p", help="The id of the project.")],
    provider: OptionalProvider = None,
    clear: Annotated[bool, typer.Option("--clear", help="Give the project the default again.")] = False,
) -> None:
    """Send the new documents of one project to another VERIFIED provider."""
    if clear == (provider is not None):
        raise UsageError("give a provider, or --clear")
    command = command_of(context)
    if provider is None:
        found = command.organisations.clear_override(organisation, project)
        text = f"new documents of {project} go to the default"
    else:
        found = command.organisations.set_override(organisation, project, provider)
        text = f"new documents of {project} go to {provider}"
    command.out.result({"organisation": organisation, "project": project, "provider": found.provider}, [text])


def update(
    context: typer.Context,
    provider: Provider,
    organisation: Organisation,
    sets: Sets = None,
    unset: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A setting to remove. Repeatable.")] = None,
    settings_file: SettingsFile = None,
    secrets: Secrets = None,
    label: Annotated[str | None, typer.Option(help="A new label.")] = None,
    max_file_size: MaxFileSize = None,
    as_person: Connect = False,
) -> None:
    """Change a provider. New settings or secrets make it PENDING until it is verified again."""
    command = command_of(context)
    before = command.organisations.find(organisation, provider)
    entered = Entered(sets=sets or (), file=settings_file, secrets=secrets or ())
    changes = collect_changes(command, before.kind, entered, unset or ())
    if as_person:
        from .connect import connect

        whole = {**before.settings, **changes}
        changes["refresh_token"] = connect(command, before.kind, whole)["refresh_token"]
    after = command.organisations.update_provider(
        organisation,
        before.id,
        settings=changes or None,
        label=label,
        max_file_bytes=_limit(max_file_size),
        version=before.version,
    )
    _print(command, after)
    if after.version == before.version:
        command.out.note("nothing was different")
    elif after.settings_version != before.settings_version:
        command.out.note(f"it is PENDING again; next: {commands.verify(organisation, after.label)}")


def rotate(
    context: typer.Context,
    provider: Provider,
    organisation: Organisation,
    sets: Sets = None,
    settings_file: SettingsFile = None,
    secrets: Secrets = None,
    grace: Annotated[float, typer.Option("--grace", metavar="DAYS", min=0, help="How long old ones are kept.")] = 7,
    hold: Annotated[bool, typer.Option("--hold", help="Do not activate what is proven.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Verify what is proposed, or --version.")] = False,
    activate: Annotated[bool, typer.Option("--activate", help="Use what is proven, or --version.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Forget --version.")] = False,
    version: Annotated[int | None, typer.Option("--version", metavar="NUMBER", help="Of the credentials.")] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="How long verifying may take.")] = (
        DEFAULT_TIMEOUT_S
    ),
) -> None:
    """Give a provider other credentials for the same place: proven first, while those in use stay in use.

    The old ones are kept for --grace days: leave them valid at the service so long. Without options the versions are
    listed. Exit code 3 when a verification failed.
    """
    from .rotating import Wanted
    from .rotating import rotate as rotated

    command = command_of(context)
    record = command.organisations.find(organisation, provider)
    changes = collect_changes(
        command, record.kind, Entered(sets=sets or (), file=settings_file, secrets=secrets or ()), ()
    )
    wanted = Wanted(
        verify=verify,
        activate=activate,
        drop=drop,
        hold=hold,
        version=version,
        grace=timedelta(days=grace),
        timeout_s=timeout,
    )
    rotated(command, record, changes, wanted)


def remove(context: typer.Context, provider: Provider, organisation: Organisation, yes: Yes = False) -> None:
    """Forget a provider and its secrets. Its objects stay where they are, but receipts no longer lead to them."""
    command = command_of(context)
    record = command.organisations.find(organisation, provider)
    confirm(f"Forget the provider {record.label} ({record.id}) of {organisation}?", yes=yes)
    command.organisations.remove_provider(organisation, record.id, version=record.version)
    command.out.result({"organisation": organisation, "removed": record.id}, [f"{record.label} is forgotten"])


def parse_size(text: str) -> int:
    """Return the number of bytes that *text* means.

    Raises:
        UsageError: it is no size.

    Example:
        >>> parse_size("250MB"), parse_size("1.5 GB"), parse_size("1000")
        (262144000, 1610612736, 1000)
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a size; write 250MB, 1.5GB or a number of bytes")
    unit = found[2].upper().replace("I", "")
    return int(Fraction(found[1]) * _UNITS[unit if unit in _UNITS else f"{unit}B"])


def _limit(text: str | None) -> int | Keep | None:
    from ..organisations.records import KEEP

    if text is None:
        return KEEP
    return None if text.strip().lower() == "default" else parse_size(text)


def _print(command: RunningCommand, record: ProviderRecord) -> None:
    organisations = command.organisations
    chosen = organisations.organisation(record.organisation).default_provider == record.id
    projects = [found.project for found in organisations.overrides(record.organisation) if found.provider == record.id]
    settings = {**dict(_flat(record.settings)), **dict.fromkeys(record.secrets.names, "***")}
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
        *(["  default        yes"] if chosen else []),
        *(f"  override of    {project}" for project in projects),
        *([f"  last verified  {format_time(record.last_verified_at)}"] if record.last_verified_at else []),
        *([f"  failed since   {format_time(record.failed_at)}"] if record.failed_at else []),
        *([f"  last error     {record.last_error}"] if record.last_error else []),
    ]
    command.out.result({**record.public(), "default": chosen, "overrides": projects}, lines)


def _flat(settings: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield the settings by the names that ``--set`` takes."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _secrets_of(record: ProviderRecord) -> dict[str, str]:
    try:
        return record.secrets.reveal()
    except StorageError:
        return {}  # verification reports what is wrong with them


def _without_secrets(report: VerificationReport, secrets: Iterable[str]) -> VerificationReport:
    """Return *report* without what a provider may have quoted in an error of its own."""
    checks = (
        replace(check, error=None if check.error is None else redact(check.error, secrets)) for check in report.checks
    )
    return replace(report, checks=tuple(checks))
