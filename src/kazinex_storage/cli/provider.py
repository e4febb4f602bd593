"""``provider``: the providers of an organisation, added, verified, chosen, changed and removed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from ..organisations import commands
from ..verification import DEFAULT_TIMEOUT_S
from .command import Kind, OptionalProvider, Organisation, Provider, Yes, command_of, confirm
from .exits import UsageError
from .exporting import export
from .provider_showing import list_, print_record, show
from .settings import Connect, Entered, Secrets, Sets, SettingsFile, collect, collect_changes
from .sizes import MaxFileSize, own_limit
from .updating import update
from .verifying import try_out, verify


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    group = typer.Typer(help="Administer the providers of an organisation.", rich_markup_mode=None)
    for name, command in (
        ("add", add),
        ("list", list_),
        ("show", show),
        ("verify", verify),
        ("test", try_out),
        ("set-default", set_default),
        ("override", override),
        ("update", update),
        ("rotate", rotate),
        ("retire", retire),
        ("export", export),
        ("remove", remove),
    ):
        group.command(name, epilog=epilog)(command)
    return group


def add(
    context: typer.Context,
    kind: Kind,
    label: Annotated[str, typer.Argument(help="What people call it.")],
    organisation: Organisation,
    sets: Sets = None,
    settings_file: SettingsFile = None,
    secrets: Secrets = None,
    max_file_size: MaxFileSize = None,
    as_person: Connect = False,
) -> None:
    """Add a provider, PENDING until it is verified.

    Settings come from --set, --settings-file and KAZINEX_STORAGE_<KIND>_<FIELD>, in this order; what is still missing
    is asked for on the terminal, in the order of the guide.
    """
    command = command_of(context)
    entered = Entered(sets=sets or (), file=settings_file, secrets=secrets or ())
    settings = collect(command, kind, entered, as_person=as_person)
    record = command.organisations.add_provider(
        organisation, kind, label, settings, max_file_bytes=own_limit(max_file_size)
    )
    print_record(command, record)
    command.out.note(f"next: {commands.verify(organisation, record.label)}")


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


def retire(
    context: typer.Context,
    provider: Provider,
    organisation: Organisation,
    undo: Annotated[bool, typer.Option("--undo", help="Let it be written to again.")] = False,
) -> None:
    """Let a provider only read: receipts lead to what it holds, and nothing is written or removed there any more."""
    command = command_of(context)
    record = command.organisations.retire_provider(organisation, provider, undo=undo)
    text = "can be written to again" if undo else "is retired: it only reads, and receipts still lead to it"
    command.out.result(record.public(), [f"{record.label} {text}"])


def remove(context: typer.Context, provider: Provider, organisation: Organisation, yes: Yes = False) -> None:
    """Forget a provider and its secrets. Its objects stay where they are, but receipts no longer lead to them."""
    command = command_of(context)
    record = command.organisations.find(organisation, provider)
    confirm(f"Forget the provider {record.label} ({record.id}) of {organisation}?", yes=yes)
    command.organisations.remove_provider(organisation, record.id, version=record.version)
    command.out.result({"organisation": organisation, "removed": record.id}, [f"{record.label} is forgotten"])
