"""Puts together what an ``Admit`` decides on: the settings, our own files, and where other organisations are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError, StorageError
from ..providers.settings.environment import catalogue_location, data_directory
from .admission import FOLDER, OPERATOR_CHOICES, Admit, OtherPlace, Proposal, Sharing, guarded_paths, place_of
from .catalogue import Catalogue
from .managed import PLATFORM, ManagedProviders
from .records import ProviderRecord

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..transport.addresses import PublicAddresses


class Proposals:
    """Asks the host whether settings are admitted."""

    def __init__(
        self,
        catalogue: Catalogue,
        settings_of: Callable[[ProviderRecord], BaseModel],
        admit: Admit,
        guarded: Iterable[Path] | None,
        managed: ManagedProviders,
    ) -> None:
        """Ask *admit*; *settings_of* returns the settings of a record of *catalogue* with its secrets.

        Raises:
            SettingsError: what is declared as *managed* is never right.
        """
        self._catalogue = catalogue
        self._settings_of = settings_of
        self._admit = admit
        self.shares = isinstance(admit, Sharing) and admit.shares
        """Whether organisations may use one place together."""
        self._guarded = guarded_paths(files_of_ours() if guarded is None else guarded)
        self._managed = managed
        for kind, model in managed.models():  # the rules for tenants are not for the host
            OPERATOR_CHOICES(Proposal(organisation=PLATFORM, kind=kind, settings=model, guarded=self._guarded))

    def admit(
        self, organisation: str, kind: str, settings: BaseModel, *, alone: bool = False
    ) -> PublicAddresses | None:
        """Return which addresses connections with *settings* may go to, None for all.

        Args:
            alone: Leave out where other organisations are: that was checked when the settings were stored.

        Raises:
            SettingsError: they are refused.
        """
        check_folder(organisation)
        others = () if alone or place_of(settings) is None else tuple(self._others(organisation, kind))
        return self._admit(
            Proposal(organisation=organisation, kind=kind, settings=settings, guarded=self._guarded, others=others)
        )

    def _others(self, organisation: str, kind: str) -> Iterator[OtherPlace]:
        yield from self._managed.places()
        for record in self._catalogue.of_kind(kind):
            if record.organisation == organisation or record.managed:
                continue
            with suppress(StorageError):  # a provider that cannot be opened does not count
                place = place_of(self._settings_of(record))
                if place is not None:
                    yield OtherPlace(organisation=record.organisation, place=place)


def check_folder(organisation: str) -> None:
    """Refuse the organisation whose folder would be that of our own marker.

    Raises:
        SettingsError: it would.
    """
    if organisation.casefold() == FOLDER:
        raise SettingsError(f"{FOLDER!r} is the folder of our own marker; give the organisation another id")


def files_of_ours(environ: Mapping[str, str] | None = None) -> Iterator[Path]:
    """Yield the data folder and the file of the catalogue, as the environment says."""
    with suppress(StorageError):  # where there is no home folder nothing is kept in one
        yield data_directory(environ)
    with suppress(StorageError):
        place = catalogue_location(environ)
        if "://" not in place:
            yield Path(place)
