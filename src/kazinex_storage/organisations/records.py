"""What a catalogue holds of an organisation: its providers, its default, its overrides, its allowlist.

Values only. ``catalogue.py`` says who keeps them and which changes are allowed; ``service.py`` makes them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from enum import Enum
from typing import Final, NoReturn, TypeAlias

from ..errors import SettingsError
from ..file_rules import FileRules
from ..values import value

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""What JSON can hold."""


def now() -> datetime:
    """Return the time as records keep it; aware UTC."""
    return datetime.now(UTC)


class Keep(Enum):
    """Leaves a value as it is, where None means something else."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""Leave the value as it is."""


class ProviderStatus(Enum):
    """What the last verification found."""

    PENDING = "PENDING"
    """Not verified since it was added or its settings changed."""
    VERIFIED = "VERIFIED"
    """The last verification passed."""
    FAILED = "FAILED"
    """The last verification failed, or credentials were refused since; uploads are probably failing too."""


class SecretValues:
    """Secrets by name, which only ``reveal`` shows: not ``repr``, ``str``, JSON, pickles or copies of a record.

    A pickle keeps the names and drops the values. Copies are the same object: it never changes.
    """

    __slots__ = ("_open", "names")

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        kept = dict(values or {})
        self.names: tuple[str, ...] = tuple(sorted(kept))
        """What the secrets are called, sorted; JSON pointers without the leading slash."""
        self._open: Callable[[], Mapping[str, str]] = lambda: kept

    @classmethod
    def opened_by(cls, names: Sequence[str], opener: Callable[[], Mapping[str, str]]) -> SecretValues:
        """Make a holder of secrets that *opener* yields when they are asked for."""
        made = cls()
        made.names = tuple(sorted(names))
        made._open = opener
        return made

    def reveal(self) -> dict[str, str]:
        """Return the secrets in clear; keep them no longer than needed.

        Raises:
            SealError: they are sealed under a key that is not at hand.
            SettingsError: they were left behind by a pickle.
        """
        return dict(self._open())

    def __bool__(self) -> bool:
        return bool(self.names)

    def __repr__(self) -> str:
        return f"SecretValues({', '.join(f'{name}=***' for name in self.names)})"

    def __copy__(self) -> SecretValues:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> SecretValues:
        return self

    def __reduce__(self) -> tuple[Callable[[tuple[str, ...]], SecretValues], tuple[tuple[str, ...]]]:
        return _without_values, (self.names,)


def _without_values(names: tuple[str, ...]) -> SecretValues:
    def refuse() -> NoReturn:
        raise SettingsError("a pickle carries no secrets; read the record from the catalogue in this process")

    return SecretValues.opened_by(names, refuse) if names else SecretValues()


@value
class ProviderRecord:
    """One provider of one organisation."""

    id: str
    """Never changes; receipts of documents name it."""
    organisation: str
    kind: str
    """A name in the registry."""
    label: str
    """What people call it; unique in the organisation, whatever the case of its letters."""
    settings: Mapping[str, JsonValue]
    """What was set, without the secrets."""
    secrets: SecretValues = field(default_factory=SecretValues, compare=False)
    """Not compared: equal versions have equal secrets."""
    status: ProviderStatus = ProviderStatus.PENDING
    last_verified_at: datetime | None = None
    """When a verification last passed; aware UTC."""
    last_error: str | None = None
    """Why it is FAILED; None once it is VERIFIED."""
    failed_at: datetime | None = None
    """When it turned FAILED; aware UTC."""
    failed_in_use: bool = False
    """Whether it was a refused call that found it, not a verification; the next call that works then clears it."""
    retired_at: datetime | None = None
    """Since when it only reads, so that receipts lead to what it holds and nothing is added; aware UTC."""
    max_file_bytes: int | None = None
    """The largest file; None is the default of the kind."""
    managed: bool = False
    """Whether it is the platform's: organisations choose it and can change nothing of it; ``managed.py``."""
    plan: str | None = None
    """The name of the plan that sets the largest file of a managed one."""
    created_at: datetime
    """Aware UTC."""
    settings_version: int = 1
    """Grows when settings or secrets change, and only then."""
    version: int = 0
    """Grows with every change; 0 is a record that no catalogue holds yet."""

    def __post_init__(self) -> None:
        """Turn times into UTC.

        Raises:
            ValueError: a time has no zone.
        """
        for name in ("created_at", "last_verified_at", "failed_at", "retired_at"):
            time: datetime | None = getattr(self, name)
            if time is not None and time.tzinfo is None:
                raise ValueError(f"{name} has no zone; use datetime.now(UTC)")
            if time is not None and time.tzinfo is not UTC:
                object.__setattr__(self, name, time.astimezone(UTC))

    def public(self) -> dict[str, JsonValue]:
        """Return everything but the secrets, of which only the names, as JSON values."""
        return {
            "id": self.id,
            "organisation": self.organisation,
            "kind": self.kind,
            "label": self.label,
            "settings": copy.deepcopy(self.settings),
            "secrets": list(self.secrets.names),
            "status": self.status.value,
            "last_verified_at": self.last_verified_at.isoformat() if self.last_verified_at else None,
            "last_error": self.last_error,
            "failed_at": self.failed_at.isoformat() if self.failed_at else None,
            "failed_in_use": self.failed_in_use,
            "retired_at": self.retired_at.isoformat() if self.retired_at else None,
            "max_file_bytes": self.max_file_bytes,
            "managed": self.managed,
            "plan": self.plan,
            "created_at": self.created_at.isoformat(),
            "settings_version": self.settings_version,
            "version": self.version,
        }


@value
class OrganisationRecord:
    """What is set for an organisation as a whole."""

    organisation: str
    default_provider: str | None = None
    """The id of the provider that takes new documents."""
    default_chosen: bool = False
    """Whether a default, or that there be none, was ever set; until then it is the platform's, if there is one."""
    allowlist: tuple[str, ...] = ()
    """Allowed extensions, sorted, lower case, without the dot; empty allows every type."""
    file_rules: FileRules | None = None
    """What is refused beside sizes and the allowlist; None until it was set, which is ``file_rules.PRESET``."""
    version: int = 0
    """Grows with every change; 0 when nothing was ever set."""


@value
class ProjectOverride:
    """Which provider takes the new documents of one project."""

    organisation: str
    project: str
    provider: str | None = None
    """The id of a provider; None is the default of the organisation."""
    version: int = 0
    """Grows with every change, clearing included; 0 when none was ever set."""


@value
class Choice:
    """All that decides where a document goes, read at one instant."""

    providers: tuple[ProviderRecord, ...] = ()
    """Every provider of the organisation, oldest first."""
    default: str | None = None
    default_chosen: bool = False
    """Whether it was ever set."""
    override: str | None = None
    allowlist: tuple[str, ...] = ()
    file_rules: FileRules | None = None
    """What is refused beside sizes and the allowlist; None until it was set."""
    limited: bool = False
    """Whether the organisation or one of its projects has a quota."""
