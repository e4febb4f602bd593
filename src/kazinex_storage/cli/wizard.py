"""What ``setup`` does: asks, adds the provider, verifies it step by step, offers to correct it, and to choose it.

Nothing is stored before the settings are complete; from then on the provider is in the catalogue, PENDING, VERIFIED or
FAILED, and whoever interrupts is told how to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import typer

from ..errors import InvalidKeyError, SettingsError, StorageError
from ..keys import check_identifier
from ..organisations import commands
from ..organisations.records import ProviderStatus
from ..organisations.rules import check_label, free_label
from ..values import value
from .asking import Question, ask, ask_which, ask_yes, can_ask, say
from .exits import ExitCode, UsageError
from .given import flat, has_at
from .reporting import failure_lines, step_line, without_secrets, without_secrets_in
from .settings import Entered, form_of

if TYPE_CHECKING:
    from ..organisations.records import ProviderRecord
    from ..verification.reports import Check, VerificationReport
    from .command import RunningCommand
    from .filling import Form

_ORDER = ("r2", "sharepoint", "azure_blob", "s3", "supabase", "local")
"""The kinds in the order of the Kazinex guides; others follow."""

_UNLISTED = ("memory",)
"""What holds nothing once the program has ended is offered to nobody."""


_AGAIN = "Correct the settings and try again?"


@value
class Options:
    """What the command line answers already."""

    kind: str | None
    organisation: str | None
    label: str | None
    entered: Entered
    max_file_bytes: int | None
    as_person: bool
    default: bool | None
    """Whether it becomes the default; None is asked."""
    verify: bool
    timeout_s: float
    yes: bool
    """Take what would be shown in brackets."""


def set_up(command: RunningCommand, options: Options) -> None:
    """Set up a provider.

    Raises:
        UsageError: the options contradict each other.
        SettingsError: something is missing and nobody can be asked, or an answer was not right three times.
        StorageError: the catalogue refuses.
        typer.Exit: the verification failed.
    """
    if options.default and not options.verify:
        raise UsageError("only what is verified becomes the default; leave out --default or --no-verify")
    wizard = _Wizard(command, options)
    try:
        wizard.run()
    except (KeyboardInterrupt, typer.Abort, StorageError) as error:
        wizard.say_what_stays(interrupted=not isinstance(error, StorageError))
        raise


class _Wizard:
    def __init__(self, command: RunningCommand, options: Options) -> None:
        self._command = command
        self._organisations = command.organisations
        self._options = options
        self._asks = can_ask() and not options.yes
        """Whether questions are asked that have a default."""
        self._record: ProviderRecord | None = None

    def run(self) -> None:
        organisation, kind = self._whose_and_what()
        label = self._label(organisation, kind)
        form = form_of(self._command, kind, self._options.entered, as_person=self._options.as_person)
        self._fill(form)
        limit = self._options.max_file_bytes
        add = partial(self._organisations.add_provider, organisation, kind, label, max_file_bytes=limit)
        self._record = self._stored(form, add)
        report = self._verified(form) if self._options.verify else None
        chosen = report is not None and report.ok and self._choose()
        self._end(report, chosen=chosen)

    def say_what_stays(self, *, interrupted: bool) -> None:
        """Say what an interrupt or an error leaves, and how to go on."""
        record = self._record
        if record is None:
            if interrupted:
                self._command.out.note("nothing was stored")
            return
        with suppress(StorageError):
            record = self._organisations.find(record.organisation, record.id)
        self._command.out.note(f"{record.label} stays, {record.status.value}; {self._going_on(record)[0]}")

    def _whose_and_what(self) -> tuple[str, str]:
        absent = [
            words
            for given, words in ((self._options.organisation, "--organisation ID"), (self._options.kind, "KIND"))
            if given is None
        ]
        if absent and not can_ask():
            verb = "is" if len(absent) == 1 else "are"
            raise SettingsError(f"{' and '.join(absent)} {verb} missing and there is no terminal to ask on; add that")
        organisation = self._options.organisation
        if organisation is None:
            organisation = ask(Question(name="organisation", help="The id of the organisation."), _bad_id)
        else:
            check_identifier(organisation, "organisation")
        if self._options.kind is not None:
            return organisation, self._organisations.registry.get(self._options.kind).kind
        kinds = [kind for kind in self._organisations.registry.kinds() if kind.kind not in _UNLISTED]
        kinds.sort(key=lambda kind: _ORDER.index(kind.kind) if kind.kind in _ORDER else len(_ORDER))
        return organisation, ask_which("Where are the documents kept?", [(kind.kind, kind.title) for kind in kinds])

    def _label(self, organisation: str, kind: str) -> str:
        records = self._organisations.providers(organisation)

        def problem(label: str) -> str | None:
            try:
                free_label(records, organisation, check_label(label))
            except SettingsError as error:
                return error.message
            return None

        if self._options.label is not None:
            return free_label(records, organisation, check_label(self._options.label))
        title = self._organisations.registry.get(kind).title
        usual = next(name for name in _numbered(title) if problem(name) is None)
        if not self._asks:
            return usual
        return ask(Question(name="label", help="What people call it.", default=usual), problem)

    def _fill(self, form: Form) -> None:
        given = [name for name, _ in flat(form.settings)]
        if given and can_ask():
            say(f"given already: {', '.join(given)}", hanging=2)
        wanted = [name for name in self._options.entered.secrets if not has_at(form.settings, name)]
        form.complete(wanted, thorough=self._asks)
        if self._asks:
            form.offer_more()

    def _verified(self, form: Form) -> VerificationReport:
        """Verify until it works or the person has enough."""
        while True:
            report = self._verify()
            if report.ok or not self._asks:
                return report
            for line in failure_lines(report):
                say(line.text.strip(), indent=2, hanging=7)
            if not ask_yes(_AGAIN, default=True):
                return report
            form.correct()
            self._record = self._stored(form, self._update)

    def _verify(self) -> VerificationReport:
        from ..verification.verify import verify_provider

        record = self._now()
        self._command.out.note(f"verifying {record.label}, which takes some seconds")
        report = verify_provider(
            self._organisations,
            record.organisation,
            record.id,
            timeout_s=self._options.timeout_s,
            on_check=self._say_step,
        )
        return without_secrets(report, self._command.secrets)

    def _say_step(self, check: Check) -> None:
        with suppress(OSError, ValueError):  # on the thread that verifies, which nothing may stop
            self._command.out.note(f"  {step_line(without_secrets_in(check, self._command.secrets))}")

    def _stored(self, form: Form, store: Callable[[dict[str, object]], ProviderRecord]) -> ProviderRecord:
        """Store the settings; what the host does not admit may be corrected."""
        while True:
            try:
                return store(form.signed_in())
            except SettingsError as error:
                if not self._asks:
                    raise
                say(error.message)
                if not ask_yes(_AGAIN, default=True):
                    raise
            form.correct()

    def _update(self, settings: dict[str, object]) -> ProviderRecord:
        record = self._now()
        gone: Mapping[str, object] = {name: None for name in record.settings if name not in settings}
        return self._organisations.update_provider(
            record.organisation, record.id, settings={**gone, **settings}, version=record.version
        )

    def _choose(self) -> bool:
        record = self._now()
        default = self._organisations.organisation(record.organisation).default_provider
        wanted = self._options.default
        if wanted is None:
            wanted = default is None and self._options.yes
            if self._asks:
                question = f"Send new documents of {record.organisation} to {record.label}?"
                wanted = ask_yes(question, default=default is None)
        if wanted:
            self._organisations.set_default(record.organisation, record.id)
        return wanted

    def _end(self, report: VerificationReport | None, *, chosen: bool) -> None:
        from .provider_showing import described

        record = self._now()
        further = self._going_on(record, chosen=chosen)
        document, _ = described(self._command, record)
        where = f" ({report.location})" if report is not None and report.location else ""
        choice = f"; new documents of {record.organisation} go there" if chosen else ""
        lines = [f"{record.label}{where} is {record.status.value}{choice}"]
        if report is not None and not report.ok and not self._asks:
            lines += [line.text for line in failure_lines(report)]
        self._command.out.result(
            {**document, "report": report.to_dict() if report is not None else None, "next": list(further)},
            [*lines, *(f"next: {command}" for command in further)],
        )
        if report is not None and not report.ok:
            raise typer.Exit(ExitCode.VERIFICATION)

    def _now(self) -> ProviderRecord:
        """Return the record as it is; verification changes it."""
        if self._record is None:
            raise SettingsError("the provider was not added yet")
        self._record = self._organisations.find(self._record.organisation, self._record.id)
        return self._record

    def _going_on(self, record: ProviderRecord, *, chosen: bool = False) -> tuple[str, ...]:
        organisation, label = record.organisation, record.label
        verify = commands.verify(organisation, label)
        match record.status:
            case ProviderStatus.PENDING:
                return (verify,)
            case ProviderStatus.FAILED:
                return (commands.update(organisation, label), verify)
            case ProviderStatus.VERIFIED:
                choose = () if chosen else (commands.set_default(organisation, label),)
                return (*choose, commands.store(organisation), commands.listing(organisation))


def _bad_id(text: str) -> str | None:
    try:
        check_identifier(text, "organisation")
    except InvalidKeyError as error:
        return error.message
    return None


def _numbered(title: str) -> Iterator[str]:
    yield title
    number = 2
    while True:
        yield f"{title} {number}"
        number += 1
