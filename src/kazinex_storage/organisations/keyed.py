"""The data keys of organisations, and sealing again under new ones: what ``Organisations`` has of that.

``data_keys.py`` keeps them. Only catalogues in a database that were given a key service have any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from ..documents.events import DataKeyRenewed, DataKeysDestroyed, SecretsResealed, check_by
from ..errors import SettingsError, StorageError
from ..keys import check_identifier
from ..values import value
from .limits import Limits

if TYPE_CHECKING:
    from .data_key_rows import DataKey
    from .data_keys import DataKeys


@runtime_checkable
class SealingCatalogue(Protocol):
    """What a catalogue adds when it seals."""

    @property
    def data_keys(self) -> DataKeys | None:
        """The keys of organisations; None where one ring seals for all."""
        ...

    def prepare_sealing(self, organisation: str) -> None:
        """Have what seals for the organisation at hand."""
        ...

    def sealed_organisations(self) -> Sequence[str]:
        """Return the organisations that have something sealed, sorted."""
        ...


@value
class ResealStep:
    """How far sealing again has come: one organisation after the other."""

    organisation: str
    done: int
    """Organisations that are done, this one among them."""
    total: int
    """All of them."""
    changed: int
    """Records of this one that were sealed again."""
    error: StorageError | None = None
    """Why this one was left as it is: a secret cannot be opened, or a service does not answer."""


@value
class ResealReport:
    """What sealing again came to."""

    steps: tuple[ResealStep, ...]
    """Of each organisation, in order."""

    @property
    def changed(self) -> int:
        """Records that were sealed again."""
        return sum(step.changed for step in self.steps)

    @property
    def failures(self) -> tuple[ResealStep, ...]:
        """The organisations that were left as they are."""
        return tuple(step for step in self.steps if step.error is not None)

    @property
    def ok(self) -> bool:
        """Whether none was."""
        return not self.failures


ResealHook: TypeAlias = Callable[[ResealStep], object]
"""Called after each organisation."""


class Keys(Limits):
    """What organisations are sealed with."""

    def data_keys(self, organisation: str) -> tuple[DataKey, ...]:
        """Return every data key that the organisation ever had, the newest first; none where it has no such keys.

        Raises:
            InvalidKeyError: the id is not one.
        """
        keys = self._data_keys
        return () if keys is None else keys.all(_checked(organisation))

    def renew_data_key(self, organisation: str) -> DataKey:
        """Have another data key seal for the organisation. What is sealed stays as it is until ``reseal_each``.

        Two requests to the key service, none in a transaction of the database.

        Raises:
            SettingsError: the catalogue has no key service.
            StorageError: the key service or the database refuses, or does not answer.
        """
        keys = self._need_keys()
        made = keys.renew(_checked(organisation))
        self.tell([DataKeyRenewed(organisation=organisation, key=made.id, wrapped_by=made.key)])
        return made

    def rewrap_data_keys(self, organisation: str) -> int:
        """Wrap the data keys of the organisation under the newest version of the key in the service; secrets stay.

        Returns how many were wrapped again. At most four requests to the key service for each.

        Raises:
            SettingsError: the catalogue has no key service.
            SealError: one cannot be unwrapped.
            StorageError: the key service or the database refuses, or does not answer.
        """
        return self._need_keys().rewrap(_checked(organisation))

    def destroy_data_keys(
        self, organisation: str, *, reason: str, keys: Iterable[str] | None = None
    ) -> tuple[DataKey, ...]:
        """Destroy the data keys of the organisation, or those of the ids in *keys*: what they sealed opens no more.

        Secrets of providers, upload states, and the seals of the audit among them; documents stay where they are. Other
        organisations notice nothing. Backups of the database still hold the keys wrapped. Other processes go on with
        what they have unwrapped, for five minutes at most. It is audited with *reason*.

        Raises:
            SettingsError: the catalogue has no key service, or *reason* is empty.
        """
        if check_by(reason) is None or not reason.strip():
            raise SettingsError("destroying keys needs a reason, which the audit keeps")
        known = self._need_keys()
        change = partial(known.destroy, _checked(organisation), keys, by=self.by, reason=reason)
        ids = {found.id for found in known.all(organisation)}
        unknown = sorted(set(keys or ()) - ids)
        if unknown:
            raise SettingsError(f"the organisation {organisation!r} has no data key {', '.join(unknown)}")
        return self._changed(
            change,
            lambda gone: (
                [DataKeysDestroyed(organisation=organisation, keys=tuple(key.id for key in gone), reason=reason)]
                if gone
                else []
            ),
        )

    def reseal_each(
        self, organisations: Iterable[str] | None = None, *, on_progress: ResealHook | None = None
    ) -> ResealReport:
        """Seal the secrets of each organisation under its newest key, one transaction for each, all by default.

        One whose secrets cannot be opened is left as it is and stands in the report; the others go on. It can be
        stopped and begun again: what is sealed as it should be costs one look.

        Raises:
            InvalidKeyError: an id is not one.
        """
        catalogue = self.catalogue
        names = organisations
        if names is None:
            names = catalogue.sealed_organisations() if isinstance(catalogue, SealingCatalogue) else ()
        wanted = [_checked(name) for name in names]
        steps: list[ResealStep] = []
        for done, name in enumerate(wanted, 1):
            changed, failure = 0, None
            try:
                changed = self._changed(partial(catalogue.reseal, name), partial(_resealed, name))
            except StorageError as error:
                failure = error
            steps.append(ResealStep(organisation=name, done=done, total=len(wanted), changed=changed, error=failure))
            if on_progress is not None:
                on_progress(steps[-1])
        return ResealReport(steps=tuple(steps))

    def _prepare_sealing(self, organisation: str) -> None:
        if isinstance(self.catalogue, SealingCatalogue):
            self.catalogue.prepare_sealing(organisation)

    @property
    def _data_keys(self) -> DataKeys | None:
        return self.catalogue.data_keys if isinstance(self.catalogue, SealingCatalogue) else None

    def _need_keys(self) -> DataKeys:
        keys = self._data_keys
        if keys is None:
            raise SettingsError(
                "this catalogue has no data keys: one ring seals for all organisations; set "
                "KAZINEX_STORAGE_KEY_SOURCE, or open it with a key service"
            )
        return keys


def _resealed(organisation: str, records: int) -> list[SecretsResealed]:
    return [SecretsResealed(organisation=organisation, records=records)] if records else []


def _checked(organisation: str) -> str:
    return check_identifier(organisation, "organisation") if organisation else organisation
