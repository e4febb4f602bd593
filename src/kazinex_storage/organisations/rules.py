"""The rules that every catalogue keeps, and the words in which it refuses.

A default or override whose provider is no longer VERIFIED stays: there is no silent fallback to another place, and new
credentials must work at once. Only *becoming* default or override needs VERIFIED.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ..errors import RecordConflictError, RecordNotFoundError, SettingsError
from ..lazy import regex
from . import commands
from .records import ProviderRecord, ProviderStatus

MAX_LABEL_CHARACTERS = 100
"""Characters in a label."""

# What cannot be seen, breaks a line or turns the direction of text.
_INVISIBLE = regex("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


def normal_label(label: str) -> str:
    """Return *label* in NFC and without white space around it; one that is much too long stays as it is."""
    return unicodedata.normalize("NFC", label).strip() if len(label) <= 8 * MAX_LABEL_CHARACTERS else label


def check_label(label: str) -> str:
    """Return the normal form of *label*.

    Raises:
        SettingsError: it is empty, too long, or holds what cannot be seen.
    """
    label = normal_label(label)
    if not label or len(label) > MAX_LABEL_CHARACTERS or _INVISIBLE.search(label):
        raise SettingsError(f"a label is 1 to {MAX_LABEL_CHARACTERS} visible characters on one line; give another one")
    return label


def label_key(label: str) -> str:
    """Return what two labels share when they differ in the case of letters only."""
    return label.casefold()


def check_chosen(record: ProviderRecord) -> None:
    """Refuse a provider that may not become a default or an override.

    Raises:
        SettingsError: it is not VERIFIED, or retired.
    """
    if record.retired_at is not None:
        raise SettingsError(
            f"the provider {record.label!r} is retired and only reads; run "
            f"{commands.bring_back(record.organisation, record.label)} before it is chosen",
            provider=record.kind,
        )
    if record.status is not ProviderStatus.VERIFIED:
        raise SettingsError(
            f"the provider {record.label!r} is {record.status.value} and only a VERIFIED one can be chosen; run "
            f"{commands.verify(record.organisation, record.label)}",
            provider=record.kind,
        )


def check_unchosen(record: ProviderRecord, default: str | None, projects: list[str]) -> None:
    """Refuse to remove or retire a provider that is the *default*, or the override of one of *projects*.

    Raises:
        SettingsError: it is; the message says what to do first.
    """
    if default == record.id:
        another = commands.set_default(record.organisation, "<another label>")
        none = commands.clear_default(record.organisation)
        raise SettingsError(
            f"the provider {record.label!r} is the default; first choose another: {another}, or none: {none}"
        )
    if projects:
        advice = commands.clear_override(record.organisation, projects[0])
        more = f" and {len(projects) - 1} more" if len(projects) > 1 else ""
        raise SettingsError(
            f"the provider {record.label!r} is the override of the project {projects[0]!r}{more}; "
            f"clear it first: {advice}"
        )


def named(records: Iterable[ProviderRecord], organisation: str, provider: str) -> ProviderRecord:
    """Return the one of *records* with that id, else the one of that label, whatever the case of its letters.

    Raises:
        RecordNotFoundError: the organisation has neither.
    """
    key = label_key(normal_label(provider))
    found: ProviderRecord | None = None
    for record in records:
        if record.id == provider:
            return record
        if label_key(record.label) == key:
            found = found or record
    if found is None:
        raise unknown_provider(organisation, provider)
    return found


def free_label(records: Iterable[ProviderRecord], organisation: str, label: str, own: str | None = None) -> str:
    """Return *label*, which no other of *records* has; one that reads like an id would make commands reach that one.

    Raises:
        SettingsError: another one has it.
    """
    others = [record for record in records if record.id != own]
    if any(label_key(label) in (label_key(record.label), label_key(record.id)) for record in others):
        raise label_in_use(organisation, label)
    return label


def label_in_use(organisation: str, label: str) -> SettingsError:
    """Make the error for a label that another provider has."""
    return SettingsError(
        f"the organisation {organisation!r} has a provider labelled {label!r} already; choose another label"
    )


def id_in_use(provider: str) -> SettingsError:
    """Make the error for an id that another provider has."""
    return SettingsError(f"the id {provider!r} is in use; choose another one")


def unknown_provider(organisation: str, provider: str) -> RecordNotFoundError:
    """Make the error for a provider that the organisation has not."""
    return RecordNotFoundError(
        f"the organisation {organisation!r} has no provider {provider!r}; see {commands.listing(organisation)}"
    )


def conflict(what: str, version: int) -> RecordConflictError:
    """Make the error for a change made from an outdated *version* of *what*."""
    return RecordConflictError(f"{what} was changed by someone else after version {version}; read it and try again")
