"""Where the objects must be: what the settings of a provider demand, compared with what its service says.

A residency is one place or several, parted by commas, in the words of the service; one that ends with ``*`` means all
that begin so: ``eu-central-1``, ``eu-*``, ``westeurope, northeurope``. ``verify`` fails where the service says another.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import SettingsError
from ...types import Diagnosis


class OutsideError(SettingsError):
    """The objects are not where the settings demand."""

    def __init__(self, what: str, found: str, residency: str, fix: str) -> None:
        """Say that *what* is in *found*; *fix* is what to do."""
        super().__init__(f"{what} is in {found}, and the settings demand {residency}", code="residency")
        self.diagnosis = Diagnosis(
            meaning=f"{what} is in {found}, and the residency of the settings is {residency}", fix=fix
        )


def check_within(what: str, found: Sequence[str], residency: str, fix: str) -> None:
    """Compare the places that the service *found*, all of which hold the objects, with what the settings demand.

    Raises:
        OutsideError: one of them is none of the demanded ones.
    """
    demanded = residency.split(", ")
    for place in found:
        name = place.strip().lower()
        if not any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in demanded):
            raise OutsideError(what, place, residency, fix)


def unproven(residency: str, why: str, fix: str) -> Diagnosis:
    """Return the warning for a residency that the service does not prove."""
    return Diagnosis(meaning=f"that the objects are in {residency} is not proved: {why}", fix=fix)
