"""What keeps a synchronisation from deleting more than was meant. Pure."""

from __future__ import annotations

from ..errors import PolicyError, SettingsError
from ..lazy import regex
from ..values import value

_LIMIT = regex(r"([0-9]{1,15})(%?)")


class DeletesRefusedError(PolicyError):
    """More would be deleted than is allowed, or all because the source is empty; nothing was changed."""


@value(kw_only=False)
class MostDeletes:
    """How many objects of the target may be deleted: a number, or a share of what it has, rounded up."""

    number: int
    """Objects, or hundredths of what the target has."""
    percent: bool = False
    """Whether it is a share."""

    @classmethod
    def parse(cls, text: str) -> MostDeletes:
        """Return what ``20`` or ``10%`` means.

        Raises:
            SettingsError: it is neither.

        Example:
            >>> MostDeletes.parse("10%").of(41)
            5
        """
        found = _LIMIT.fullmatch(text.strip())
        if found is None or (found[2] and int(found[1]) > 100):
            raise SettingsError(f"{text[:40]!r} is no limit; give a number such as 20, or a share such as 10%")
        return cls(int(found[1]), bool(found[2]))

    def of(self, total: int) -> int:
        """Return how many of *total* objects may be deleted."""
        return -(-total * self.number // 100) if self.percent else self.number

    def __str__(self) -> str:
        return f"{self.number}%" if self.percent else f"{self.number:,}"


def check_deletes(deletes: int, total: int, most: MostDeletes, *, empty: bool, allow_empty: bool) -> None:
    """Refuse to delete more of *total* objects than *most* allows, or anything for a source that is *empty*.

    Raises:
        DeletesRefusedError: that is asked for.
    """
    if not deletes:
        return
    if empty and not allow_empty:
        raise DeletesRefusedError(
            f"the source is empty, and all {total:,} objects of the target would be deleted; nothing was changed. "
            "Check the source; if this is meant, allow it: --allow-empty"
        )
    if deletes > most.of(total):
        raise DeletesRefusedError(
            f"{deletes:,} of {total:,} objects of the target would be deleted, and at most {most} may be; nothing was "
            f"changed. Look with --dry-run; if this is meant, allow it: --max-delete {deletes}"
        )
