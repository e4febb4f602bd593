"""Settings of a provider as people give them: options, a file, the environment, and secrets that are never shown.

A secret is never taken from the command line: the list of processes and the history of the shell would show it.
Which fields there are, and what they may hold, is for the settings model to say.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, cast

import typer

from ..errors import SettingsError
from ..json_text import parse_own_json
from ..lazy import regex
from ..providers.settings.environment import PREFIX, settings_from_environment
from ..values import value
from .command import RunningCommand
from .exits import UsageError
from .given import get_at, has_at, over, set_at, variable_of

if TYPE_CHECKING:
    from ..registry import Registry, SettingsField
    from .filling import Form


Sets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting; parts of nested ones are joined by dots. Repeatable."),
]
SettingsFile: TypeAlias = Annotated[
    str | None,
    typer.Option("--settings-file", metavar="FILE", help="A JSON object of settings, secrets included; - is stdin."),
]
Secrets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME",
        help=f"A secret to enter: taken from {PREFIX}<KIND>_<NAME>, else asked for on the terminal. Repeatable.",
    ),
]
Unset: TypeAlias = Annotated[
    list[str] | None, typer.Option("--unset", metavar="NAME", help="A setting to remove. Repeatable.")
]
Connect: TypeAlias = Annotated[
    bool,
    typer.Option("--connect", help="Connect as a person (sharepoint): shows a code to enter on another device."),
]

# Errors of usage quote what was written before the settings model, which knows its secrets, is asked.
_SECRET_NAME: Final = regex("secret|key(?!_id)|token|pass|credential|sas|connection|identities", re.IGNORECASE)


@value
class Entered:
    """What the command line says about settings."""

    sets: Sequence[str]
    file: str | None
    secrets: Sequence[str]


def collect(command: RunningCommand, kind: str, entered: Entered, *, as_person: bool = False) -> dict[str, object]:
    """Return the settings of a new provider: options over file over environment, then questions for what is missing.

    A person who connects, by *as_person* or by the answer to a question, does so at the end.

    Raises:
        UnknownProviderError: there is no such kind.
        SettingsError: the file cannot be used, or something is missing.
        UsageError: an option is malformed, or holds a secret, or people cannot connect.
        ReconnectRequiredError: they refused, or took too long.
    """
    form = form_of(command, kind, entered, as_person=as_person)
    form.complete([name for name in entered.secrets if not has_at(form.settings, name)])
    return form.signed_in()


def form_of(command: RunningCommand, kind: str, entered: Entered, *, as_person: bool = False) -> Form:
    """Return the settings that options, file and environment give, as a form that asks for the rest.

    Raises:
        UnknownProviderError: there is no such kind.
        SettingsError: the file cannot be used.
        UsageError: an option is malformed, or holds a secret, or people cannot connect.
    """
    from .filling import Form

    registry = command.organisations.registry
    settings = over(_from_environment(registry, kind), _given(command, registry, kind, entered))
    _remember(command, registry.fields(kind), settings)
    if as_person:
        from .connect import check_person

        check_person(kind, settings)
    return Form(command, kind, settings, as_person=as_person)


def collect_changes(command: RunningCommand, kind: str, entered: Entered, removed: Sequence[str]) -> dict[str, object]:
    """Return what to change in the settings of a provider; None means that a field is removed.

    The environment counts only for the secrets that were named: a variable left over must not change a provider.

    Raises:
        SettingsError: the file cannot be used, or a secret was not entered.
        UsageError: an option is malformed, or holds a secret.
    """
    registry = command.organisations.registry
    changes = _given(command, registry, kind, entered)
    for name in removed:
        set_at(changes, name, None)
    around = _from_environment(registry, kind)
    for name in entered.secrets:
        if has_at(around, name):
            set_at(changes, name, get_at(around, name))
    _ask(command, kind, changes, [name for name in entered.secrets if not has_at(changes, name)])
    _remember(command, registry.fields(kind), changes)
    return changes


def _given(command: RunningCommand, registry: Registry, kind: str, entered: Entered) -> dict[str, object]:
    fields = registry.fields(kind)
    secret = {field.name for field in fields if field.secret}
    _check_names(command, kind, entered.secrets, fields)
    options: dict[str, object] = {}
    for text in entered.sets:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError("--set takes NAME=VALUE; one of them has no name or no '='")
        if name in secret:
            command.remember(value)
            raise UsageError(
                f"--set {name}=...: a secret is never given on the command line, where other users can read it; use "
                f"--secret {name} (asked for, or from {variable_of(kind, name)}) or --settings-file -. "
                "Assume that it is known, and replace it"
            )
        set_at(options, name, value)
    return over(_from_file(entered.file) if entered.file is not None else {}, options)


def _check_names(command: RunningCommand, kind: str, names: Iterable[str], fields: Iterable[SettingsField]) -> None:
    secret = {field.name for field in fields if field.secret}
    public = {field.name for field in fields if not field.secret}
    known = ", ".join(sorted(secret)) or "none"
    for name in names:
        if name in secret:
            continue
        name, equals, value = name.partition("=")
        command.remember(value)
        if equals and name in secret:
            raise UsageError(
                f"--secret {name}=...: it takes the name alone, and the value is asked for or taken from "
                f"{variable_of(kind, name)}; other users can read the command line: assume that the value is "
                "known, and replace it"
            )
        # What is not a name may be the secret itself, so it is not repeated.
        what = f"--secret {name}" if name in public else "--secret takes a name, and something else was given"
        raise UsageError(f"{what}: {kind} has no secret of that name; it has {known}")


def secrets_in(arguments: Iterable[str]) -> set[str]:
    """Return what looks like secrets that were written into a command line, so that no error repeats them.

    Example:
        >>> sorted(secrets_in(["--secret=token=one", "--set", "auth.client_secret=two", "--set", "bucket=plans"]))
        ['one', 'two']
    """
    found: set[str] = set()
    before = ""
    for argument in arguments:
        if _SECRET_NAME.search(before) and before != "--secret":  # --token VALUE, which is no option either
            found.add(argument)
        before = argument if argument.startswith("--") and "=" not in argument else ""
        option, _, rest = argument.partition("=") if argument.startswith("--") else ("", "", argument)
        name, equals, value = rest.partition("=")
        if not equals:  # --secret-access-key=VALUE, which is no option
            name, value = option, rest
        if value and _SECRET_NAME.search(name if option != "--secret" or equals else "secret"):
            found.add(value)
    return found


def _from_file(file: str) -> dict[str, object]:
    name = "standard input" if file == "-" else repr(file)
    try:
        found = parse_own_json(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"the settings in {name} are not UTF-8 text; write a JSON object") from error
    except ValueError as error:
        reason = str(error).removeprefix("it is no JSON: ")
    else:
        if not isinstance(found, dict):
            raise SettingsError(f"the settings in {name} are no JSON object; write {{...}}")
        return cast("dict[str, object]", found)
    raise SettingsError(f"the settings in {name} are not JSON: {reason}")


def _from_environment(registry: Registry, kind: str) -> dict[str, object]:
    return settings_from_environment(registry.settings_model(kind), f"{PREFIX}{kind.upper()}_")


def _ask(command: RunningCommand, kind: str, settings: dict[str, object], names: Iterable[str]) -> None:
    from .asking import Question, ask, can_ask

    for name in names:
        if not can_ask():
            raise SettingsError(
                f"the secret {name!r} is missing and there is no terminal to ask on; set {variable_of(kind, name)}, or "
                "give --settings-file -",
                provider=kind,
            )
        answer = ask(Question(name=name, secret=True))
        command.remember(answer)
        set_at(settings, name, answer)


def _remember(command: RunningCommand, fields: Iterable[SettingsField], settings: Mapping[str, object]) -> None:
    for field in fields:
        if field.secret and has_at(settings, field.name):
            command.remember(get_at(settings, field.name))
