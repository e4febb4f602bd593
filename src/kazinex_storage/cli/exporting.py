"""``provider export``: the configuration of another tool for the place of a provider."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Annotated

import typer

from ..errors import AlreadyExistsError
from ..json_text import write_json
from .command import Organisation, Provider, command_of
from .exits import UsageError


def export(
    context: typer.Context,
    tool: Annotated[
        str, typer.Argument(metavar="TOOL", help="rclone, aws-cli, duckdb, s3fs, adlfs, obstore or pyarrow.")
    ],
    provider: Provider,
    organisation: Organisation,
    name: Annotated[str | None, typer.Option("--name", help="What the tool is to call it.")] = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="With the secrets; only into a new file.")] = False,
    file: Annotated[
        str | None, typer.Option("--to", metavar="FILE", help="A new file, which only this user may read.")
    ] = None,
) -> None:
    """Print what another tool needs to reach the place of a provider; <name> stands where a secret belongs.

    With --secrets it goes into a file, never onto a terminal or a pipe.
    """
    from ..organisations.exporting import exported

    if secrets and file is None:
        raise UsageError("--secrets goes into a file that only you may read; add --to FILE")
    command = command_of(context)
    record = command.organisations.find(organisation, provider)
    found = exported(command.organisations, record, tool, name=name, with_secrets=secrets)
    text = found if isinstance(found, str) else f"{write_json(found, indent=2)}\n"
    if file is None:
        command.out.result({"tool": tool, "provider": record.id, "options": found}, text.splitlines())
        return
    _write(file, text)
    command.out.result({"tool": tool, "provider": record.id, "file": file}, [f"{file}: {tool} for {record.label}"])


def _write(file: str, text: str) -> None:
    """Write *text* into a new file of this user alone; one that cannot be written whole is removed."""
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise AlreadyExistsError(f"the file {file!r} is there already; give the name of a new one") from error
    try:
        with open(number, "w", encoding="utf-8", newline="\n") as target:
            target.write(text)
    except BaseException:
        with suppress(OSError):
            os.unlink(file)
        raise
