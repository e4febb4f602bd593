"""The largest file that a provider takes: what is set for it, else what its kind or the plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ..errors import StorageError
from ..policy import SIZE_RULES, TIB, size_rule
from ..values import value

if TYPE_CHECKING:
    from .records import ProviderRecord
    from .service import Organisations

Origin: TypeAlias = Literal["own", "kind", "plan", "unknown"]
"""Where a limit comes from: set for the provider, the default of its kind, the plan of a managed one."""

# A disk gives the largest offset of the file interface, which no disk holds and JavaScript cannot count.
_NO_CEILING: Final = 1024 * TIB


@value
class FileLimit:
    """The largest file of one provider, in bytes."""

    in_force: int | None
    """What applies; None where it is not known before the provider opens."""
    origin: Origin
    default: int | None
    """What applies where nothing is set."""
    ceiling: int | None
    """What nobody can exceed; None where there is no such size."""

    def to_dict(self) -> dict[str, object]:
        """Return what applies as values that JSON can hold."""
        return {"bytes": self.in_force, "from": self.origin}


def file_limit(organisations: Organisations, record: ProviderRecord) -> FileLimit:
    """Return the limit of *record*; the provider of a kind without documented figures is opened for it."""
    if record.managed:
        plan = record.max_file_bytes
        return FileLimit(in_force=plan, origin="plan", default=plan, ceiling=plan)
    rule = SIZE_RULES.get(record.kind)
    if rule is None:
        try:
            provider = organisations.registry.open(record.kind, organisations.settings(record))
        except StorageError:  # what it can hold is not known before it opens
            own = record.max_file_bytes
            return FileLimit(in_force=own, origin="own" if own is not None else "unknown", default=None, ceiling=None)
        try:
            rule = size_rule(record.kind, provider.info.max_object_bytes)
        finally:
            provider.close()
    own = record.max_file_bytes
    return FileLimit(
        in_force=own if own is not None else rule.default,
        origin="own" if own is not None else "kind",
        default=rule.default,
        ceiling=rule.ceiling if rule.ceiling < _NO_CEILING else None,
    )
