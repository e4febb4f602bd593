"""``setup``: a provider from nothing to verified by questions, each of which has an option that answers it."""

from __future__ import annotations

from typing import Annotated

import typer

from ..verification import DEFAULT_TIMEOUT_S
from .command import OptionalKind, Yes, command_of
from .settings import Connect, Entered, Secrets, Sets, SettingsFile


def setup(
    context: typer.Context,
    kind: OptionalKind = None,
    organisation: Annotated[
        str | None,
        typer.Option("--organisation", "-o", envvar="KAZINEX_STORAGE_ORGANISATION", help="The id of the organisation."),
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="What people call the provider.")] = None,
    sets: Sets = None,
    secrets: Secrets = None,
    settings_file: SettingsFile = None,
    max_file_size: Annotated[str | None, typer.Option("--max-file-size", metavar="SIZE", help="Such as 250MB.")] = None,
    as_person: Connect = False,
    default: Annotated[
        bool | None, typer.Option("--default/--no-default", help="Send new documents to it, or leave that as it is.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Try it, or leave it PENDING.")] = True,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="How long verifying may take.")] = (
        DEFAULT_TIMEOUT_S
    ),
    yes: Yes = False,
) -> None:
    """Set up a provider step by step: each setting with where it is found, then a verification, then the default.

    Settings come from --set, --settings-file and KAZINEX_STORAGE_<KIND>_<FIELD>, in this order, and the rest is asked
    for; --yes takes what is shown in brackets. Without a terminal nothing is asked, and what is missing is named. Exit
    code 3 when the verification failed.
    """
    from .sizes import own_limit
    from .wizard import Options, set_up

    options = Options(
        kind=kind,
        organisation=organisation,
        label=label,
        entered=Entered(sets=sets or (), file=settings_file, secrets=secrets or ()),
        max_file_bytes=own_limit(max_file_size),
        as_person=as_person,
        default=default,
        verify=verify,
        timeout_s=timeout,
        yes=yes,
    )
    set_up(command_of(context), options)
