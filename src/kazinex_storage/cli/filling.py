"""The settings of a provider, asked for field by field in the order of the guide, each answer checked as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..providers.settings.fields import SettingsField, parsed, spread
from ..providers.settings.settings_text import trim
from ..secrecy.masking import masked
from .asking import Question, ask, ask_which, ask_yes, can_ask, listed, plain, say
from .given import get_at, has_at, set_at, variable_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..providers.settings.fields import Way
    from .command import RunningCommand


LEFT_OUT = "-"
"""The answer that takes a setting out again."""

_OF_PEOPLE = "refresh_token"
"""What the sign-in of a person gives."""


class Form:
    """The settings of one provider to be, and the questions that they still need."""

    def __init__(
        self, command: RunningCommand, kind: str, settings: Mapping[str, object], *, as_person: bool = False
    ) -> None:
        """Begin with *settings*, from options, files and the environment; *as_person* with a sign-in to come."""
        registry = command.organisations.registry
        self._command = command
        self._kind = kind
        self._model: type[BaseModel] = registry.settings_model(kind)
        self._fields = {field.name: field for field in registry.fields(kind)}
        self._ways: tuple[Way, ...] = registry.ways(kind)
        self.settings = spread(self._model, settings)
        """What is known so far."""
        self.way: Way | None = next((way for way in self._ways if way.signs_in and as_person), None) or self._chosen()
        """How the person proves who they are, where the kind knows several ways."""
        self._entered: list[str] = []

    @property
    def signs_in(self) -> bool:
        """Whether a person has to sign in on another device before the settings are complete."""
        return self.way is not None and self.way.signs_in and not has_at(self.settings, _OF_PEOPLE)

    def signed_in(self) -> dict[str, object]:
        """Return the settings, with what the sign-in of a person gives where they need that.

        Raises:
            ReconnectRequiredError: the person refused, or took too long.
            UnavailableError: the token endpoint does not answer.
        """
        if self.signs_in:
            from .connect import connect

            self.settings = connect(self._command, self._kind, self.settings)
        return self.settings

    def complete(self, wanted: Sequence[str] = (), *, thorough: bool = False) -> None:
        """Ask for what is missing, and for the secrets that are *wanted* by name.

        Without *thorough* nothing is asked that the settings are right without; with it also what is usual.

        Raises:
            SettingsError: a field is unknown, there is no terminal to ask on, or an answer was not right three times.
            typer.Abort: the terminal is gone.
        """
        unknown = [f"{name!r} {words}" for name, words in self._wrong() if words.startswith("is not a field")]
        if unknown:
            legal = listed(f"{field.name}{' (required)' if field.required else ''}" for field in self._fields.values())
            raise SettingsError(f"{'; '.join(unknown)}; legal fields are: {legal}", provider=self._kind)
        if not can_ask():
            self._refuse(wanted)
            return
        for name in wanted:
            if not has_at(self.settings, name):
                self._ask(self._fields[name], needed=True)
        for field in self._fields.values():
            undecided = self.way is None and any(field.name in way.fields for way in self._ways)
            if undecided and (thorough or self._wrong()):
                self._choose_way()
            needed = field.name in self._needed() or (thorough and field.usual)
            if needed and not has_at(self.settings, field.name):
                self._ask(field)
        self._mend()

    def offer_more(self) -> None:
        """Offer the settings that may be left out.

        Raises:
            SettingsError: an answer was not right three times.
            typer.Abort: the terminal is gone.
        """
        more = list(self._optional())
        if not more or not ask_yes("More settings?", default=False):
            return
        names = {field.name.casefold(): field for field in more}
        say("They may all be left out:")
        for field in more:
            say(f"{field.name}: {plain(field.summary)}", indent=2, hanging=2)
        question = Question(name="Which setting (Enter: none)", default="")
        unknown = f"there is no such setting; known are {listed(field.name for field in more)}"
        while name := ask(question, lambda answer: None if answer.casefold() in names else unknown):
            self._ask(names[name.casefold()])
        self._mend()

    def correct(self) -> None:
        """Ask again for all that was asked for or given; an empty answer keeps what is there, and ``-`` leaves it out.

        Raises:
            SettingsError: an answer was not right three times.
            typer.Abort: the terminal is gone.
        """
        say("Enter keeps what is there, and - leaves out what may be left out.")
        if self.way is not None:
            self._choose_way()
        needed = [*self._needed(), *(name for name in self._entered if not self._belongs_elsewhere(name))]
        given = [field.name for field in self._fields.values() if field.asked and has_at(self.settings, field.name)]
        for name in dict.fromkeys((*needed, *given)):
            self._ask(self._fields[name])
        self._mend()

    def _belongs_elsewhere(self, name: str) -> bool:
        """Say whether a field is that of other ways alone."""
        chosen = self.way.fields if self.way is not None else ()
        return name not in chosen and any(name in way.fields for way in self._ways)

    def _needed(self) -> Iterator[str]:
        way = self.way.fields if self.way is not None else ()
        for field in self._fields.values():
            if field.required or field.name in way:
                yield field.name

    def _optional(self) -> Iterator[SettingsField]:
        of_ways = {name for way in self._ways for name in way.fields}
        for field in self._fields.values():
            if (
                field.asked
                and not field.required
                and field.name not in of_ways
                and not has_at(self.settings, field.name)
            ):
                yield field

    def _chosen(self) -> Way | None:
        """Return the way of which most is given already; the most particular field decides."""
        found = [(sum(has_at(self.settings, name) for name in way.fields), way) for way in self._ways]
        most = max((count for count, _ in found), default=0)
        best = [way for count, way in found if count == most]
        return best[0] if most and len(best) == 1 else None

    def _choose_way(self) -> None:
        before = self.way
        options = [(str(number), way.title) for number, way in enumerate(self._ways, 1)]
        usual = str(self._ways.index(before) + 1) if before is not None else "1"
        self.way = self._ways[int(ask_which("How do you prove who you are?", options, default=usual)) - 1]
        if before is not None:
            for name in (*before.fields, *([_OF_PEOPLE] if before.signs_in else [])):
                if name not in self.way.fields and self.way is not before:
                    set_at(self.settings, name, None)

    def _ask(self, field: SettingsField, *, needed: bool = False) -> None:
        there = get_at(self.settings, field.name)
        default = there if there is not None else field.default
        shown = None if default is None or field.secret else _text(default)
        optional = self._is_optional(field) and not needed
        answer = ask(
            Question(
                name=field.name,
                help=_help(field),
                where=field.where,
                default=shown if shown is not None else "" if optional else None,
                secret=field.secret,
                kept=field.secret and there is not None,
            ),
            lambda answer: self._problem(field, answer),
        )
        self._entered.append(field.name)
        if not answer or answer == shown:
            return
        before = set(self._names())
        self.settings = self._with(field, answer)
        for name in sorted(set(self._names()) - before - {field.name}):
            say(f"from that: {name} = {get_at(self.settings, name)}", indent=2)

    def _is_optional(self, field: SettingsField) -> bool:
        return not field.required and field.name not in (self.way.fields if self.way is not None else ())

    def _problem(self, field: SettingsField, answer: str) -> str | None:
        """Say what is wrong with an *answer*, as far as it can be known before the others are there."""
        try:
            settings = self._with(field, answer)
        except SettingsError as error:
            return error.message
        if field.secret:
            self._command.remember(get_at(settings, field.name))
        for name in self._needed():
            if not has_at(settings, name) and self._fields[name].example:
                set_at(settings, name, self._fields[name].example)
        self._pretend(settings)
        _, wrong = parsed(self._model, masked(settings))
        return next((words for name, words in wrong if name == field.name and words != "is missing"), None)

    def _with(self, field: SettingsField, answer: str) -> dict[str, object]:
        """Return the settings with an *answer*.

        Raises:
            SettingsError: it names a file that cannot be read.
        """
        settings = _copied(self.settings)
        text: str | None = trim(answer)
        if text == LEFT_OUT and self._is_optional(field):
            text = None
        elif field.in_file and text is not None and text.startswith("@"):
            text = _read(text[1:])
        set_at(settings, field.name, text)
        return spread(self._model, settings)

    def _wrong(self) -> tuple[tuple[str, str], ...]:
        settings = dict(self.settings)
        self._pretend(settings)
        return parsed(self._model, masked(settings))[1]

    def _mend(self) -> None:
        """Ask once more for each field that does not go with the others."""
        for name, words in self._wrong():
            field = self._fields.get(name)
            if field is None or not field.asked:
                continue
            say(f"{name}: {words}")
            self._ask(field, needed=words == "is missing")

    def _refuse(self, wanted: Iterable[str]) -> None:
        """Name all that is missing, where nobody can be asked.

        Raises:
            SettingsError: something is missing.
        """
        absent = [name for name in dict.fromkeys((*wanted, *self._needed())) if not has_at(self.settings, name)]
        if not absent:
            return
        fields = [self._fields[name] for name in absent]
        ways = [
            f"{variable_of(self._kind, field.name)} or --settings-file -" if field.secret else f"--set {field.name}=..."
            for field in fields
        ]
        verb = "is" if len(absent) == 1 else "are"
        raise SettingsError(
            f"{listed(map(repr, absent))} {verb} missing and there is no terminal to ask on; add {listed(ways)}",
            provider=self._kind,
        )

    def _pretend(self, settings: dict[str, object]) -> None:
        """Put something in the place of what a sign-in is yet to give."""
        if self.signs_in:
            set_at(settings, _OF_PEOPLE, "to come")

    def _names(self) -> Iterator[str]:
        return (name for name in self._fields if has_at(self.settings, name))


def _help(field: SettingsField) -> str:
    choices = f" One of {listed(field.choices)}." if field.choices else ""
    return f"{plain(field.summary)}{choices}{' @FILE takes it from a file.' if field.in_file else ''}"


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
    raise SettingsError(f"the file {path!r} cannot be read: {reason.lower()}")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _copied(settings: Mapping[str, object]) -> dict[str, object]:
    return {name: _copied(given) if isinstance(given, Mapping) else given for name, given in settings.items()}
