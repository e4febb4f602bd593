"""What a command works with: how to print, the catalogue of the environment, and what is opened on first use."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

import typer

from ..errors import SettingsError
from ..secrecy.masking import leaves
from .exits import ExitCode, UsageError, printable
from .output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from ..documents.listing import RevisionListing
    from ..documents.store import DocumentStore
    from ..organisations import Organisations, Resolver
    from ..storage.sync import Storage
    from ..transport import Transport


def complete_kinds(incomplete: str) -> list[str]:
    """Complete a kind of provider."""
    from .completing import kinds

    return kinds(incomplete)


def complete_organisations(incomplete: str) -> list[str]:
    """Complete the id of an organisation."""
    from .completing import organisations

    return organisations(incomplete)


def complete_labels(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the label of a provider of the organisation that the command line or the environment names."""
    from .completing import labels

    return labels(context.params.get("organisation"), incomplete)


Organisation: TypeAlias = Annotated[
    str,
    typer.Option(
        "--organisation",
        "-o",
        envvar="KAZINEX_STORAGE_ORGANISATION",
        help="The id of the organisation.",
        autocompletion=complete_organisations,
    ),
]
"""The option that names the organisation."""

_KIND = "One of those that `kazinex-storage kinds` lists."

Kind: TypeAlias = Annotated[str, typer.Argument(help=_KIND, autocompletion=complete_kinds)]
OptionalKind: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="KIND", help=_KIND, autocompletion=complete_kinds)
]

Provider: TypeAlias = Annotated[
    str, typer.Argument(metavar="PROVIDER", help="Its label or its id.", autocompletion=complete_labels)
]
OptionalProvider: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[PROVIDER]", help="Its label or its id.", autocompletion=complete_labels)
]

Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
"""The option that answers the question before it is asked."""


class RunningCommand:
    """One command at work: how it prints, and what it has opened."""

    def __init__(self, out: Output, environ: Mapping[str, str] | None = None) -> None:
        """Take the catalogue from *environ*, by default from the environment of the process."""
        self.out = out
        self.secrets: set[str] = set()
        """What was entered and must appear in no message."""
        self._environ = environ
        self._storages: dict[str, Storage] = {}

    @cached_property
    def organisations(self) -> Organisations:
        """The catalogue; made on a fresh machine.

        Raises:
            SettingsError: it cannot be opened.
        """
        from ..organisations import OPERATOR_CHOICES, open_organisations

        # A person with a shell here is the operator.
        return open_organisations(self._environ, admit=OPERATOR_CHOICES).acting(f"cli:{_user()}")

    @cached_property
    def transport(self) -> Transport:
        """What runs the exchanges of all storages of the command."""
        from ..transport import Transport

        return Transport()

    @cached_property
    def resolver(self) -> Resolver:
        """Opens providers."""
        from ..organisations import Resolver

        return Resolver(self.organisations, transport=self.transport)

    @cached_property
    def documents(self) -> DocumentStore:
        """The documents of all organisations."""
        from ..documents.store import DocumentStore

        return DocumentStore(self.resolver)

    @property
    def listing(self) -> RevisionListing:
        """What the register of the catalogue knows, as lists.

        Raises:
            SettingsError: the catalogue makes no lists.
        """
        from ..organisations.catalogue import ListingCatalogue

        catalogue = self.organisations.catalogue
        if not isinstance(catalogue, ListingCatalogue):
            raise SettingsError("this catalogue makes no lists of what is stored; use one in a database")
        return catalogue.listing

    @cached_property
    def state_folder(self) -> Path:
        """Where commands keep what they go on with later; not made.

        Raises:
            SettingsError: there is no home folder.
        """
        from ..providers.settings.environment import state_directory

        return state_directory(self._environ)

    def storage_at(self, url: str) -> Storage:
        """Return the storage of *url*, whose settings are in the environment: opened once, closed with the command.

        Raises:
            SettingsError: settings are wrong or missing; the message says which variables give them.
        """
        found = self._storages.get(url)
        if found is None:
            from ..storage.sync import Storage

            found = self._storages[url] = Storage.from_url(url, transport=self.transport)
            found.operations.context.carrier = found.transport  # a batch runs on the one of the command
        return found

    def remember(self, values: object) -> None:
        """Keep every text in *values*, however deep, out of what is printed from now on."""
        self.secrets.update(str(value) for value in leaves(values) if value is not None)

    def close(self) -> None:
        """Close what was opened."""
        for storage in self._storages.values():
            storage.close()
        self._storages.clear()
        for name in ("resolver", "organisations", "transport"):
            opened = self.__dict__.pop(name, None)
            if opened is not None:
                opened.close()


def _user() -> str:
    """Return the name of the user that the process runs as; its number where it has none."""
    try:
        import pwd
    except ImportError:  # Windows
        try:
            return os.getlogin()
        except OSError:  # a service without a user
            return "unknown"
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def command_of(context: typer.Context) -> RunningCommand:
    """Return the command that *context* belongs to."""
    return cast(RunningCommand, context.obj)


def confirm(question: str, *, yes: bool) -> None:
    """Ask *question* on the terminal unless *yes* answers it.

    Raises:
        UsageError: there is no terminal to ask on.
        typer.Exit: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this asks before it removes, and there is no terminal to ask on; add --yes")
    if not typer.confirm(printable(question), err=True):
        raise typer.Exit(ExitCode.FAILED)
