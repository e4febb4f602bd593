"""A check of a provider that finds a promise of the settings unkept says so itself, with what the service said."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kazinex_storage import AccessDeniedError, Storage, verify
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.providers.s3 import causes
from kazinex_storage.providers.settings.unmet import UnmetError
from kazinex_storage.types import Diagnosis


class Unlockable(MemoryProvider):
    """Refuses holds."""

    def checks(self) -> Mapping[str, Callable[[], Diagnosis | None]]:
        return {"object lock": self._lock}

    def _lock(self) -> Diagnosis | None:
        refused = AccessDeniedError("the service refuses it", code="AccessDenied", request_id="REQUEST1")
        raise UnmetError(causes.NOT_HELD, refused) from refused


def test_the_report_has_the_cause_and_the_fix_and_what_the_service_said() -> None:
    report = verify(Storage(Unlockable()))

    check = report.checks[-1]
    assert ("object lock", "failed") == (check.name, check.status.value)
    assert (causes.NOT_HELD.meaning, causes.NOT_HELD.fix) == (check.diagnosis, check.fix)
    assert check.error is not None
    assert check.error.startswith("objects cannot be held: the service refuses it; the bucket needs Object Lock")


def test_code_and_request_id_are_those_of_the_refusal() -> None:
    error = UnmetError(causes.NO_VERSIONS, AccessDeniedError("no", code="AccessDenied", request_id="REQUEST1"))

    assert ("AccessDenied", "REQUEST1") == (error.code, error.request_id)
    assert UnmetError(causes.NO_VERSIONS).message == f"{causes.NO_VERSIONS.meaning}; {causes.NO_VERSIONS.fix}"
