"""Settings that promise what a service does not do, found out by a check of ``verify``: the error says why itself."""

from __future__ import annotations

from ...errors import SettingsError, StorageError
from ...types import Diagnosis


class UnmetError(SettingsError):
    """A check found that the service does not do what the settings say."""

    def __init__(self, diagnosis: Diagnosis, error: StorageError | None = None, *, code: str | None = None) -> None:
        """Say *diagnosis*, and what the service said in *error*, whose code and request id are kept."""
        said = f": {error.message}" if error is not None else ""
        super().__init__(
            f"{diagnosis.meaning}{said}; {diagnosis.fix}",
            code=error.code if error is not None else code,
            request_id=error.request_id if error is not None else None,
        )
        self.diagnosis = diagnosis
        """What it means, and what to do."""
