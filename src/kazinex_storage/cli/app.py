"""The commands put together, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Annotated, TextIO

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ..secrecy.masking import redact
from ..values import value
from ..version import __version__
from . import (
    allowlist,
    audit,
    bags,
    check,
    demo,
    emulate,
    kinds,
    labels,
    linking,
    listing,
    migrate,
    monitoring,
    objects,
    serve,
    setup,
    space,
    sweep,
    syncing,
)
from .command import RunningCommand
from .exits import HELP, ExitCode, document_of, exit_code, message_of, printable
from .output import Output
from .settings import secrets_in

ANYWHERE = "Anywhere on the line: --json (one JSON document), --quiet or -q, --debug (tracebacks and requests)."

_FLAGS = {"--json": "json", "--quiet": "quiet", "-q": "quiet", "--debug": "debug"}

# Typer's errors of usage; older releases take them from click, newer ones bring their own.
_ClickError = typer.BadParameter.__mro__[2]


@value
class Invocation:
    """A command line without the flags, which may be anywhere on it."""

    arguments: tuple[str, ...]
    flags: frozenset[str]


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code; errors are printed."""
    invocation = take_flags(arguments)
    command = RunningCommand(Output(as_json="json" in invocation.flags, quiet="quiet" in invocation.flags))
    debug = "debug" in invocation.flags
    command.remember(list(secrets_in(invocation.arguments)))
    _log_to_standard_error(command, debug=debug)
    _end_on_signals()
    try:
        code = _invoke(invocation.arguments or ("--help",), command)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except typer.Abort:
        code = ExitCode.INTERRUPTED
    except Exception as error:  # the edge of the program: every error becomes a line and a code
        code = _report(error, command, debug=debug)
    finally:
        command.close()
    if code == ExitCode.INTERRUPTED:
        _say(command, KeyboardInterrupt(), "interrupted", code)
    return code


def take_flags(arguments: Iterable[str]) -> Invocation:
    """Take the flags out of *arguments*, wherever they are before ``--``."""
    rest: list[str] = []
    flags: set[str] = set()
    literal = False
    for argument in arguments:
        literal = literal or argument == "--"
        if argument in _FLAGS and not literal:
            flags.add(_FLAGS[argument])
        else:
            rest.append(argument)
    return Invocation(arguments=tuple(rest), flags=frozenset(flags))


def build() -> typer.Typer:
    """Return the application."""
    app = typer.Typer(
        help="Store documents for organisations, wherever they want them.",
        epilog=f"{ANYWHERE}\n\n{HELP}",
        rich_markup_mode=None,  # rich would double the time that --help takes
        pretty_exceptions_enable=False,
        add_completion=True,
        context_settings={"help_option_names": ["-h", "--help"]},  # sub-commands inherit it
    )
    app.callback()(_root)
    for name, command in (
        ("demo", demo.run_demo),
        ("setup", setup.setup),
        ("serve", serve.serve),
        ("kinds", kinds.show_kinds),
        ("put", objects.put),
        ("get", objects.get),
        ("cat", objects.cat),
        ("ls", listing.ls),
        ("stat", objects.stat),
        ("tags", labels.tags),
        ("storage-class", labels.storage_class),
        ("cp", objects.cp),
        ("mv", objects.mv),
        ("rm", objects.rm),
        ("sync", syncing.sync),
        ("du", space.du),
        ("link", linking.link),
        ("check", check.check),
        ("adopt", check.adopt),
        ("sweep", sweep.sweep_providers),
        ("export", bags.export),
        ("import", bags.import_),
        ("usage", monitoring.usage),
        ("monitor", monitoring.monitor),
    ):
        app.command(name, epilog=ANYWHERE)(command)
    _add_groups(app)
    return app


def _add_groups(app: typer.Typer) -> None:
    app.add_typer(_later(_provider, "Administer the providers of an organisation."), name="provider")
    app.add_typer(_later(_keys, "The data keys that a key service wraps for organisations."), name="keys")
    app.add_typer(allowlist.build(ANYWHERE), name="allowlist")
    app.add_typer(audit.build(ANYWHERE), name="audit")
    app.add_typer(_later(_evidence, "Export, prove, stamp and verify signed evidence of receipts."), name="evidence")
    app.add_typer(_later(_trash, "List removed documents, bring them back, or end them for good."), name="trash")
    app.add_typer(monitoring.build(ANYWHERE), name="quota")
    app.add_typer(_later(_retention, "Keep documents from change and removal."), name="retention")
    app.add_typer(migrate.build(ANYWHERE), name="migrate")
    app.add_typer(emulate.build(ANYWHERE), name="emulate")


def _provider() -> typer.Typer:
    from . import provider

    return provider.build(ANYWHERE)


def _keys() -> typer.Typer:
    from . import keys

    return keys.build(ANYWHERE)


def _evidence() -> typer.Typer:
    from . import evidence

    return evidence.build(ANYWHERE)


def _retention() -> typer.Typer:
    from . import retention

    return retention.build(ANYWHERE)


def _trash() -> typer.Typer:
    from . import trash

    return trash.build(ANYWHERE)


def _later(build_group: Callable[[], typer.Typer], words: str) -> typer.Typer:
    """Return a group whose commands are loaded when one of them is asked for; *words* are its help."""

    class Later(TyperGroup):
        @property  # type: ignore[override]  # they are only looked at
        def commands(self) -> dict[str, object]:
            return dict(vars(get_command(build_group()))["commands"])

        @commands.setter
        def commands(self, found: object) -> None:
            """Leave them where they are."""

    return typer.Typer(cls=Later, help=words, rich_markup_mode=None)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Store documents for organisations, wherever they want them."""


def _only(name: str, app: typer.Typer) -> typer.Typer:
    """Leave in *app* what is called *name*, if there is such a thing: Typer reads the signature of every command."""
    commands = [each for each in app.registered_commands if each.name == name]
    groups = [each for each in app.registered_groups if each.name == name]
    if commands or groups:
        app.registered_commands, app.registered_groups = commands, groups
    return app


def _invoke(arguments: Sequence[str], command: RunningCommand) -> int:
    program = get_command(_only(arguments[0], build()))
    code = program.main(args=list(arguments), prog_name="kazinex-storage", standalone_mode=False, obj=command)
    command.out.flush()
    return code if isinstance(code, int) else ExitCode.DONE


def _report(error: Exception, command: RunningCommand, *, debug: bool) -> int:
    if isinstance(error, ModuleNotFoundError) and error.name in ("typer", "rich"):
        raise error
    if debug:
        sys.stderr.write(redact("".join(traceback.format_exception(error)), command.secrets))
    if isinstance(error, _ClickError):
        code, message = ExitCode.USAGE, _usage(error)
    else:
        code, message = exit_code(error), message_of(error)
    _say(command, error, message, code)
    return code


def _usage(error: Exception) -> str:
    text = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    # Typer quotes what it did not expect, and that may be a secret with a blank in it.
    text = "too many arguments" if "unexpected extra argument" in text else text.rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text[:1].lower()}{text[1:]}; see {context.command_path if context else 'kazinex-storage'} --help"


def _say(command: RunningCommand, error: BaseException, message: str, code: int) -> None:
    message = redact(message, command.secrets)
    if command.out.as_json:
        sys.stderr.write(document_of(error, message, code) + "\n")
    else:
        sys.stderr.write(f"{message}\n" if code == ExitCode.INTERRUPTED else f"error: {printable(message)}\n")


class _Handler(logging.StreamHandler[TextIO]):
    """Prints what the library logs, as lines like those of errors and without secrets."""

    def __init__(self, command: RunningCommand) -> None:
        super().__init__(sys.stderr)
        self._command = command

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return printable(redact(f"{record.levelname.lower()}: {record.getMessage()}", self._command.secrets))


def _log_to_standard_error(command: RunningCommand, *, debug: bool) -> None:
    logger = logging.getLogger("kazinex_storage")
    logger.handlers = [_Handler(command)]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if debug else logging.ERROR if command.out.quiet else logging.WARNING)


def _end_on_signals() -> None:
    """Let SIGTERM and SIGHUP clean up like Ctrl-C; atomic writes cover SIGKILL."""

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the interface of handlers
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP, and others no SIGBREAK
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP and means it
            signal.signal(number, end)
