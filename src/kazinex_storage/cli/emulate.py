"""``emulate``: the services of others on this machine, to try things out without an account.

Each serves until Ctrl-C, or as long as a command lasts that is given after ``--``. ``registering.py`` makes a provider
of it.
"""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ..errors import UnavailableError
from ..json_text import write_json
from ..providers.settings.environment import with_settings
from ..values import value
from .command import RunningCommand, command_of
from .exits import UsageError

if TYPE_CHECKING:
    from ..organisations.records import ProviderRecord

    class _Emulated:
        """As ``testing/emulating.py`` has it, which is imported by name: only tests may depend on the kit."""

        kind: str
        title: str
        address: str
        settings: Mapping[str, object]

        def is_up(self) -> bool: ...


Register: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--register", metavar="ORGANISATION", help="Add it as a provider, verify it; the default if there is none."
    ),
]
Label: TypeAlias = Annotated[str | None, typer.Option("--label", help="Of the provider; default: emulated-<kind>.")]
Port: TypeAlias = Annotated[int, typer.Option("--port", min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")]
Keep: TypeAlias = Annotated[
    Path | None,
    typer.Option("--keep", metavar="DIR", help="A folder in which files, keys and port stay for the next run."),
]
Forget: TypeAlias = Annotated[bool, typer.Option("--forget", help="Remove the provider of --register at the end.")]
Command: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="[-- COMMAND...]", help="To run meanwhile; its exit code is that of this command."),
]

# How often it is looked after the servers beneath.
_LOOK_S = 2.0


def build(epilog: str) -> typer.Typer:
    """Return the group of commands."""
    app = typer.Typer(no_args_is_help=True, help="Serve an emulated service on 127.0.0.1 until Ctrl-C.")
    app.callback()(_emulate)
    for name, command in (
        ("r2", emulate_r2),
        ("s3", emulate_s3),
        ("supabase", emulate_supabase),
        ("azure", emulate_azure),
        ("graph", emulate_graph),
    ):
        app.command(name, epilog=epilog)(command)
    return app


def _emulate() -> None:
    """Serve an emulated service on 127.0.0.1 until Ctrl-C."""


def emulate_r2(
    context: typer.Context,
    register: Register = None,
    label: Label = None,
    port: Port = 0,
    keep: Keep = None,
    forget: Forget = False,
    program: Command = None,
) -> None:
    """Serve a bucket that behaves like Cloudflare R2, limits and refusals included, before SeaweedFS."""
    _serve(context, _Wanted("r2", register, label, forget, program), {"port": port, "keep": keep})


def emulate_s3(
    context: typer.Context,
    register: Register = None,
    label: Label = None,
    port: Port = 0,
    keep: Keep = None,
    forget: Forget = False,
    program: Command = None,
) -> None:
    """Serve a bucket of SeaweedFS, which speaks S3."""
    _serve(context, _Wanted("s3", register, label, forget, program), {"port": port, "keep": keep})


def emulate_supabase(
    context: typer.Context,
    register: Register = None,
    label: Label = None,
    port: Port = 0,
    keep: Keep = None,
    forget: Forget = False,
    program: Command = None,
) -> None:
    """Serve a bucket that behaves like Supabase Storage, before SeaweedFS."""
    _serve(context, _Wanted("supabase", register, label, forget, program), {"port": port, "keep": keep})


def emulate_azure(
    context: typer.Context,
    register: Register = None,
    label: Label = None,
    port: Port = 0,
    keep: Keep = None,
    forget: Forget = False,
    azurite: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Azurite, where it is neither on the PATH nor in the cache.")
    ] = None,
    program: Command = None,
) -> None:
    """Serve a container of Azurite, Microsoft's emulator. It is installed by npm the first time, if it is not here."""
    _serve(
        context, _Wanted("azure", register, label, forget, program), {"port": port, "keep": keep, "azurite": azurite}
    )


def emulate_graph(
    context: typer.Context,
    register: Register = None,
    label: Label = None,
    port: Port = 0,
    forget: Forget = False,
    site: Annotated[str, typer.Option(help="Path of a site that is there.")] = "sites/projects",
    library: Annotated[str, typer.Option(help="Name of its document library.")] = "Documents",
    program: Command = None,
) -> None:
    """Serve SharePoint libraries behind Microsoft Graph over TLS, with one site and one app; what is stored is lost."""
    _serve(
        context, _Wanted("graph", register, label, forget, program), {"port": port, "site": site, "library": library}
    )


@value(kw_only=False)
class _Wanted:
    """What is asked for around the service."""

    name: str
    organisation: str | None
    label: str | None
    forget: bool
    program: Sequence[str] | None


def _serve(context: typer.Context, wanted: _Wanted, plan: Mapping[str, object]) -> None:
    if wanted.organisation is None and (wanted.label is not None or wanted.forget):
        raise UsageError("--label and --forget are for --register ORGANISATION")
    command = command_of(context)
    emulating = importlib.import_module("kazinex_storage.testing.emulating")
    with (
        emulating.emulated(wanted.name, emulating.Plan(note=command.out.note, **plan)) as found,
        _files(found, plan.get("keep")) as folder,
        _registered(command, wanted, found) as record,
    ):
        _announce(command, wanted, found, folder, record)
        _last(command, wanted, found)


@contextmanager
def _files(found: _Emulated, keep: object) -> Iterator[Path]:
    """Write the settings for other programs into a folder that this user alone may read."""
    with tempfile.TemporaryDirectory(prefix="kazinex-emulate-") as temporary:
        folder = keep if isinstance(keep, Path) else Path(temporary)
        variables = with_settings(found.kind, found.settings, {})
        exports = "".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())
        for name, text in (("settings.json", write_json(found.settings, indent=2)), ("environment.sh", exports)):
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        yield folder.absolute()


@contextmanager
def _registered(command: RunningCommand, wanted: _Wanted, found: _Emulated) -> Iterator[ProviderRecord | None]:
    if wanted.organisation is None:
        yield None
        return
    from .registering import Registered

    label = wanted.label if wanted.label is not None else _label(wanted)
    again = f"kazinex-storage emulate {wanted.name} --register {wanted.organisation}"
    registered = Registered(command, wanted.organisation, label, again)
    try:
        yield registered.add(found.kind, found.settings)
    finally:
        registered.end(forget=wanted.forget)


def _label(wanted: _Wanted) -> str:
    return f"emulated-{wanted.name}"


def _announce(
    command: RunningCommand, wanted: _Wanted, found: _Emulated, folder: Path, record: ProviderRecord | None
) -> None:
    out, organisation, label = command.out, wanted.organisation or "acme", wanted.label or _label(wanted)
    of = f"{shlex.quote(label)} --organisation {shlex.quote(organisation)}"
    file = shlex.quote(str(folder / "settings.json"))
    add = (
        f"kazinex-storage provider add {found.kind} {of} --settings-file {file} && kazinex-storage provider verify {of}"
    )
    use = f"kazinex-storage provider list --organisation {shlex.quote(organisation)}"
    document = {
        "kind": found.kind,
        "title": found.title,
        "address": found.address,
        "settings": dict(found.settings),
        "settings_file": str(folder / "settings.json"),
        "environment_file": str(folder / "environment.sh"),
        "command": add if record is None else use,
        "provider": record.public() if record is not None else None,
    }
    if wanted.program:
        return  # what it writes is the result
    rows = [[name, str(text)] for name, text in found.settings.items()]
    out.table(document, ["SETTING", "VALUE"], rows, "")
    out.note(f"{found.title} is emulated on {found.address}; Ctrl-C ends it")
    out.note("in another terminal, to use it by documents:" if record is None else "it is registered; see it by:")
    out.note(f"  {add if record is None else use}")
    out.note("or by URLs of this kind, after:")
    out.note(f"  . {shlex.quote(str(folder / 'environment.sh'))}")


def _last(command: RunningCommand, wanted: _Wanted, found: _Emulated) -> None:
    """Wait for the end: that of the command that was given, Ctrl-C, or that of a server beneath."""
    if wanted.program:
        try:
            done = subprocess.run(  # noqa: S603  # the user's own
                list(wanted.program), env=with_settings(found.kind, found.settings), check=False
            )
        except OSError as error:
            raise UsageError(f"{wanted.program[0]!r} cannot be run ({error.strerror})") from error
        if done.returncode:
            raise typer.Exit(done.returncode if done.returncode > 0 else 128 - done.returncode)
        return
    try:
        while found.is_up():
            threading.Event().wait(_LOOK_S)
    except KeyboardInterrupt:
        command.out.note(f"{found.title} is ended")
        return
    raise UnavailableError(f"nothing answers at {found.address} any more; start it again")
