"""An emulated service as a provider of an organisation, as long as it runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from ..errors import RecordConflictError, RecordNotFoundError, SettingsError
from ..organisations import commands
from .command import RunningCommand
from .exits import ExitCode

if TYPE_CHECKING:
    from ..organisations.records import ProviderRecord

_HERE = ("127.0.0.1", "localhost", "::1")


class Registered:
    """One provider: added or taken up again, and FAILED or gone in the end."""

    def __init__(self, command: RunningCommand, organisation: str, label: str, again: str) -> None:
        """Register as *label* of *organisation*; *again* is the command that starts the service once more."""
        self._command = command
        self._organisation = organisation
        self._label = label
        self._again = again
        self._record: ProviderRecord | None = None
        self._made_default = False

    def add(self, kind: str, settings: Mapping[str, object]) -> ProviderRecord:
        """Add the provider, verify it, and make it the default where there is none.

        Raises:
            SettingsError: the label is that of a provider of something else.
            typer.Exit: it did not pass its verification, and was told.
        """
        from ..verification.verify import verify_provider

        organisations, out = self._command.organisations, self._command.out
        self._record = self._taken_up(kind, settings)
        report = verify_provider(organisations, self._organisation, self._record.id)
        if not report.ok:
            out.note(f"{self._label} does not pass its verification: {report.failure}")
            raise typer.Exit(ExitCode.VERIFICATION)
        if organisations.organisation(self._organisation).default_provider is None:
            organisations.set_default(self._organisation, self._record.id)
            self._made_default = True
            out.note(f"{self._label} is the default of {self._organisation}: new documents go there")
        self._record = organisations.find(self._organisation, self._record.id)
        return self._record

    def end(self, *, forget: bool) -> None:
        """Say in the record that the service has ended; or *forget* the provider."""
        if self._record is None:
            return
        with suppress(RecordNotFoundError):
            self._end(self._command.organisations.find(self._organisation, self._record.id), forget=forget)

    def _end(self, record: ProviderRecord, *, forget: bool) -> None:
        organisations, out = self._command.organisations, self._command.out
        if forget:
            if organisations.organisation(self._organisation).default_provider == record.id:
                organisations.set_default(self._organisation, None)
            organisations.remove_provider(self._organisation, record.id)
            out.note(f"{record.label} of {self._organisation} is forgotten")
            return
        ended = f"the emulated service has ended; `{self._again}` starts it again"
        with suppress(RecordConflictError):  # somebody has given it other settings
            organisations.record_verification(record, ok=False, error=ended)
        out.note(
            f"{record.label} of {self._organisation} stays, and leads nowhere until it is started again; remove it:"
        )
        if organisations.organisation(self._organisation).default_provider == record.id:
            out.note(f"  {commands.clear_default(self._organisation)}")
        out.note(f"  {commands.remove(self._organisation, record.label)}")

    def _taken_up(self, kind: str, settings: Mapping[str, object]) -> ProviderRecord:
        organisations = self._command.organisations
        found = next((one for one in organisations.providers(self._organisation) if one.label == self._label), None)
        if found is None:
            return organisations.add_provider(self._organisation, kind, self._label, settings)
        if found.managed or found.kind != kind or not _is_here(found.settings):
            raise SettingsError(
                f"{self._organisation} has a provider {self._label!r} that is not an emulated one; give another --label"
            )
        return organisations.update_provider(self._organisation, found.id, settings=settings)


def _is_here(settings: Mapping[str, object]) -> bool:
    """Say whether *settings* lead to this machine."""
    urls = [settings.get(name) for name in ("endpoint_url", "graph_url")]
    return any(isinstance(url, str) and urlsplit(url).hostname in _HERE for url in urls)
