"""Providers that the platform itself declares: every organisation has them from the moment it exists.

Their settings stay in the host's program, and nothing is written before an organisation chooses: what a catalogue holds
is completed here by what is declared. Organisations see and choose them, and can change nothing of them. ADR 0050.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ..errors import SettingsError
from ..keys import check_identifier
from ..policy import STANDARD, Plan
from ..registry import Registry
from ..secrecy.masking import masked
from ..secrecy.pickling import not_pickled
from ..values import value
from .admission import OtherPlace, place_of
from .catalogue import Catalogue
from .records import Choice, OrganisationRecord, ProviderRecord, ProviderStatus
from .rules import check_label, label_key

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..verbs import AnyProvider

PLATFORM: Final = "the platform"
"""Stands where an organisation is named, for what belongs to none; no id can have a blank."""

_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)  # older than every provider that was added
_WAYS: Final = "managed by the platform; contact support"


def standard(organisation: str) -> Plan:  # noqa: ARG001 -- the interface of plans
    """Return ``STANDARD``, whatever the organisation."""
    return STANDARD


@not_pickled("declare it in the other process as well")
@value
class ManagedProvider:
    """One provider of the platform, for all organisations."""

    kind: str
    """A name in the registry."""
    label: str
    """What people call it."""
    settings: Mapping[str, object] = field(repr=False)
    """As for ``Organisations.add_provider``, secrets included. They are never stored and never shown."""
    plan: Callable[[str], Plan] = standard
    """Called with the id of an organisation at each use, on any thread, so it should be quick; its errors pass."""
    id: str = "managed"
    """Receipts name it: whoever moves the platform elsewhere declares the new place under another id, and keeps this
    one declared after it, so that documents are found where they are."""

    def __post_init__(self) -> None:
        """Check what people see.

        Raises:
            SettingsError: the label is illegal.
            InvalidKeyError: the id is not one.
        """
        check_identifier(self.id, "provider")
        object.__setattr__(self, "label", check_label(self.label))
        object.__setattr__(self, "settings", masked(self.settings))


class ManagedProviders:
    """Completes what a catalogue holds by what the platform declares; without a declaration it changes nothing."""

    def __init__(self, declared: ManagedProvider | Iterable[ManagedProvider], registry: Registry) -> None:
        """Declare one provider or several; the first one is the default of new organisations.

        Raises:
            UnknownProviderError: there is no such kind.
            SettingsError: settings are wrong, or two have one id or label.
        """
        found = (declared,) if isinstance(declared, ManagedProvider) else tuple(declared)
        self.declared: Mapping[str, ManagedProvider] = {one.id: one for one in found}
        """By their ids, the default of new organisations first."""
        if len(self.declared) < len(found) or len({label_key(one.label) for one in found}) < len(found):
            raise SettingsError("two managed providers have one id or one label; give each its own")
        self._registry = registry
        self._models = {one.id: registry.parse_settings(one.kind, one.settings) for one in found}

    def providers(self, organisation: str, kept: tuple[ProviderRecord, ...]) -> tuple[ProviderRecord, ...]:
        """Return the providers of an organisation of which a catalogue has *kept* some, oldest first."""
        if not self.declared:
            return kept
        own = [record for record in kept if record.id not in self.declared]
        rows = {record.id: record for record in kept}
        shown = [self._shown(one, rows.get(one.id) or _record(organisation, one), own) for one in self._all()]
        return (*shown, *own)

    def organisation(self, kept: OrganisationRecord) -> OrganisationRecord:
        """Return *kept* with the default that an organisation has until it chooses one, or none."""
        return replace(kept, default_provider=self._first) if self.declared and not kept.default_chosen else kept

    def choice(self, organisation: str, kept: Choice) -> Choice:
        """Return the choice that an organisation has of which a catalogue has *kept* some."""
        if not self.declared:
            return kept
        default = kept.default if kept.default_chosen else self._first
        return replace(kept, providers=self.providers(organisation, kept.providers), default=default)

    def open(self, provider: str, label: str | None = None) -> AnyProvider:
        """Make the provider with that id; the caller closes it.

        Raises:
            SettingsError: this process does not declare it, or it cannot use its settings.
        """
        one = self.declared.get(provider)
        if one is None:
            raise SettingsError(
                f"the provider {label or provider!r} is managed by the platform, and this process was not told its "
                "settings; declare it: Organisations(managed=...), or KAZINEX_STORAGE_MANAGED",
                code="undeclared",
            )
        return self._registry.open(one.kind, self._models[one.id])

    def places(self) -> Iterator[OtherPlace]:
        """Yield where the platform is, which no organisation may name as its own."""
        for model in self._models.values():
            place = place_of(model)
            if place is not None:
                yield OtherPlace(organisation=PLATFORM, place=place)

    def models(self) -> Iterator[tuple[str, BaseModel]]:
        """Yield the kind and the settings of each."""
        return ((one.kind, self._models[one.id]) for one in self._all())

    @property
    def _first(self) -> str:
        return next(iter(self.declared))

    def _all(self) -> Iterable[ManagedProvider]:
        return self.declared.values()

    def _shown(self, one: ManagedProvider, record: ProviderRecord, own: list[ProviderRecord]) -> ProviderRecord:
        plan = one.plan(record.organisation)
        return replace(
            record,
            kind=one.kind,
            label=_free(one, own),
            managed=True,
            plan=plan.name,
            max_file_bytes=plan.max_file_bytes,
        )


def keep(catalogue: Catalogue, record: ProviderRecord) -> None:
    """Write *record*, a managed one, if *catalogue* has none of that id: before it is chosen, or its status changes.

    Raises:
        SettingsError: its label was given to another one at this moment.
        StorageError: the database does not answer.
    """

    def is_there() -> bool:
        return any(found.id == record.id for found in catalogue.providers(record.organisation))

    if not is_there():
        try:
            catalogue.add_provider(replace(record, plan=None, max_file_bytes=None))
        except SettingsError:
            if not is_there():  # else another process was faster
                raise


def check_own(record: ProviderRecord) -> None:
    """Refuse to change, remove or verify what is not the organisation's own.

    Raises:
        SettingsError: the platform manages it; its code is ``managed``.
    """
    if record.managed:
        raise SettingsError(f"the provider {record.label!r} is {_WAYS}", provider=record.kind, code="managed")


def _record(organisation: str, one: ManagedProvider) -> ProviderRecord:
    return ProviderRecord(
        id=one.id,
        organisation=organisation,
        kind=one.kind,
        label=one.label,
        settings={},
        status=ProviderStatus.VERIFIED,
        created_at=_ALWAYS,
        managed=True,
    )


def _free(one: ManagedProvider, own: list[ProviderRecord]) -> str:
    """Return the label of a managed provider that none of the organisation's *own* has: they were there before."""
    taken = {label_key(name) for record in own for name in (record.label, record.id)}
    label = one.label
    while label_key(label) in taken:
        label = f"{label} (managed)"
    return label
