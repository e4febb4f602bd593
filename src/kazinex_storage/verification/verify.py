"""Find out whether a storage really works and, when it does not, why and what to do.

The checks touch probe objects below the storage's prefix and nothing else; they need no more rights than documents do.
A failed check is a finding, not an exception. ``advice.py`` says what errors mean where the provider has no
better diagnosis; a check that only one kind of provider needs is one of its ``ExtraChecks``.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast

from ..capabilities import Capability
from ..contract import Diagnoser, DiscoveryCache, ExtraChecks
from ..errors import (
    AlreadyExistsError,
    AuthenticationError,
    ClosedError,
    IntegrityError,
    NotSupportedError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from ..keys import ObjectKey
from ..lazy import logger
from ..public_access import PubliclyReadable, check_private
from ..storage.aio import AsyncStorage
from ..storage.awaiting import run_blocking
from ..storage.sync import Storage
from ..transport import Call, Exchange
from ..types import Diagnosis, PutMode, PutOptions
from . import DEFAULT_TIMEOUT_S
from .advice import advise
from .findings import HANGS, METADATA_ALTERED, content_type_altered, no_create_only, unpassed, unusable
from .reports import Check as Check
from .reports import CheckStatus as CheckStatus
from .reports import Explained, kept_by_of
from .reports import VerificationReport as VerificationReport

if TYPE_CHECKING:
    from ..organisations import Organisations, ProviderRecord
    from ..verbs import AnyProvider

# After an interrupt the person is still there, but not for long.
_CLEAN_UP_S = 2.0

PROBE_FOLDER = ".kazinex-verify"
"""The folder of the probe object, below the prefix of the storage."""

_log = logger(__name__)
_BODY = b"kazinex-storage probe: safe to delete\n"
_CONTENT_TYPE = "text/plain"
_METADATA = {"kazinex-probe": "1"}
_NEEDS = {"write": "list", "read": "write", "compare": "read", "create-only": "write", "private": "write"}


Step: TypeAlias = Callable[[], Diagnosis | None]
"""One check: returns what makes it a warning, or None; raises when it fails."""

OnCheck: TypeAlias = Callable[[Check], object]
"""Called with each check as it ends; must not raise."""


def verify(storage: Storage, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> VerificationReport:
    """Try what documents need (list, write, read, compare, create-only, delete) and report; eight requests.

    Further checks of the provider follow when those passed; finding out why a check failed may take requests as well.
    The probe object is removed whatever happens, even when the time runs out: the removal then continues in the
    background. Policies do not apply to the probe. An interrupt passes through once the probe is removed, or after two
    seconds; nothing else is raised.
    """
    return _verify(storage, timeout_s, lambda: None, {})


async def verify_async(storage: AsyncStorage, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> VerificationReport:
    """Do what ``verify`` does, on a thread of the transport, and await it; a task that is cancelled stops waiting."""
    call = Call(partial(verify, storage.storage, timeout_s=timeout_s))
    return cast(VerificationReport, await storage.storage.transport.run_async(run_blocking(call)))


def _verify(
    storage: Storage,
    timeout_s: float,
    at_end: Callable[[], None],
    further: Mapping[str, Step],
    on_check: OnCheck | None = None,
) -> VerificationReport:
    run = _Run(storage, at_end, further, on_check)
    # A disk or a service that hangs cannot be interrupted; it is watched from here.
    thread = threading.Thread(target=run.all, name="kazinex-storage-verify", daemon=True)
    try:
        thread.start()
        run.ended.wait(timeout_s)
    except BaseException:
        run.hurry()
        run.ended.wait(_CLEAN_UP_S)
        raise
    return run.report(timeout_s)


def verify_provider(
    organisations: Organisations,
    organisation: str,
    provider: str,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    share: bool = False,
    on_check: OnCheck | None = None,
) -> VerificationReport:
    """Verify a provider of *organisation*, given by id or label, below its prefix, and record the outcome.

    The record becomes VERIFIED or FAILED with the time and the error; ids that the provider looked up are kept in its
    settings. About nine requests.

    Args:
        share: Let every organisation use the place, whichever one owned it: for an operator who intends that.
        on_check: Called with each check as it ends, on the thread that verifies; the outcome is recorded after all.

    Raises:
        RecordNotFoundError: the organisation has no such provider.
        RecordConflictError: its settings were changed in the meantime; nothing was recorded.
        SettingsError: the platform manages it.
    """
    record = organisations.find(organisation, provider)
    report, discovered = try_provider(organisations, record, timeout_s=timeout_s, share=share, on_check=on_check)
    organisations.record_verification(
        record, ok=report.ok, error=report.failure, at=report.started_at, discovered=discovered
    )
    return report


def try_provider(
    organisations: Organisations,
    record: ProviderRecord,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    share: bool = False,
    on_check: OnCheck | None = None,
    opener: Callable[[ProviderRecord], AnyProvider] | None = None,
) -> tuple[VerificationReport, Mapping[str, object] | None]:
    """Verify the provider of *record* and record nothing; return the report, and the ids that the provider looked up.

    ``Organisations.record_verification`` takes both.

    Args:
        opener: Makes the provider in place of ``organisations.open``, for what is not stored: then a place
            that nobody owns stays so.

    Raises:
        SettingsError: the platform manages it.
    """
    from ..organisations.managed import check_own

    check_own(record)
    try:
        opened = (opener or organisations.open)(record)
        storage = Storage(opened, prefix=record.organisation)
    except StorageError as error:
        report = unusable(record.kind, error)
        if on_check is not None:
            on_check(report.checks[0])
        return report, None
    cache = opened if isinstance(opened, DiscoveryCache) else None
    if cache is not None:
        cache.refresh()
    # Closed by the thread that verifies, which after a timeout still has the probe to remove.
    further = {
        "owner": lambda: organisations.check_owner(record, opened, storage.transport, share=share, bind=opener is None)
    }
    report = _verify(storage, timeout_s, storage.close, further, on_check)
    return report, cache.discovered if cache is not None else None


def verify_managed(
    organisations: Organisations, provider: str | None = None, *, timeout_s: float = DEFAULT_TIMEOUT_S
) -> VerificationReport:
    """Verify a provider that the platform declares, by its id, outside the folder of every organisation.

    For the host alone: nothing is recorded, and the report names the place. Without an id it is the default of new
    organisations. Eight requests.

    Raises:
        SettingsError: none of that id is declared.
    """
    managed = organisations.managed
    id = provider or next(iter(managed.declared), "managed")  # noqa: A001 -- as the record calls it
    try:
        storage = Storage(managed.open(id))
    except StorageError as error:
        if id not in managed.declared:
            raise
        return unusable(managed.declared[id].kind, error)
    return _verify(storage, timeout_s, storage.close, {})


class _UndeclaredError(NotSupportedError):
    """Documents need create-only writes, which the provider does not declare."""

    def __init__(self, missing: str | None) -> None:
        super().__init__(f"the provider does not declare the capability {Capability.CREATE_ONLY.value!r}")
        self.diagnosis = no_create_only(missing)


class _Run:
    """A verification in progress: a separate thread adds checks, the caller's reads the report."""

    def __init__(
        self, storage: Storage, at_end: Callable[[], None], further: Mapping[str, Step], on_check: OnCheck | None
    ) -> None:
        self._at_end = at_end
        self._on_check = on_check
        self._storage = storage.with_policy(None)
        self._key = f"{PROBE_FOLDER}/{secrets.token_hex(8)}"
        self._started_at = datetime.now(UTC)
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._checks: dict[str, Check] = {}
        self._steps: dict[str, Step] = {
            "list": self._list,
            "write": self._write,
            "read": self._read,
            "compare": self._compare,
            "create-only": self._create_only,
        }
        context = self._storage.operations.context
        self._exchanges, self._provider = context.exchanges, context.provider
        provider = self._provider
        key = ObjectKey(self._storage.prefix + self._key)
        self._access = provider.public_access(key) if isinstance(provider, PubliclyReadable) else None
        if self._access is not None:
            self._steps["private"] = self._private
        self._steps["delete"] = self._delete
        checks = self._exchanges.checks() if isinstance(provider, ExtraChecks) else {}
        own = {name: partial(self._asked, check) for name, check in checks.items()}
        self._extra: dict[str, Step] = {**own, **further}
        self._steps |= self._extra
        self._body = b""
        self._written_at = float("-inf")
        self._unreachable = False
        self._hurried = threading.Event()
        self.ended = threading.Event()
        """Set when nothing is running any more."""

    def all(self) -> None:
        """Try everything in order; the removal of the probe is tried whatever happened before."""
        try:
            self._all()
        finally:
            self._at_end()
            self.ended.set()

    def _all(self) -> None:
        for name, step in self._steps.items():
            reason = self._unmet(name)
            check = Check(name=name, status=CheckStatus.SKIPPED, diagnosis=reason) if reason else self._try(name, step)
            with self._lock:
                self._checks[name] = check
            if self._on_check is not None:
                self._on_check(check)

    def hurry(self) -> None:
        """Skip what has not started, except for the removal of the probe."""
        self._hurried.set()

    def report(self, timeout_s: float) -> VerificationReport:
        """Return what is known now; what is still running counts as failed, having got no answer."""
        with self._lock:
            checks = list(self._checks.values())
        missing = list(self._steps)[len(checks) :]
        for position, name in enumerate(missing):
            checks.append(
                Check(name=name, status=CheckStatus.SKIPPED, diagnosis=f"{missing[0]} did not end")
                if position
                else Check(
                    name=name,
                    status=CheckStatus.FAILED,
                    seconds=timeout_s,
                    error=f"no answer within {timeout_s:g} s",
                    passing=True,
                    diagnosis=HANGS.meaning,
                    fix=HANGS.fix,
                )
            )
        info = self._storage.info
        return VerificationReport(
            kind=info.kind,
            location=info.location,
            checks=tuple(checks),
            started_at=self._started_at,
            seconds=time.monotonic() - self._started,
            kept_by=kept_by_of(info),
        )

    def _unmet(self, name: str) -> str | None:
        """Say why *name* need not be tried, or None."""
        if self._hurried.is_set() and name != "delete":
            return "it was interrupted"
        if name in self._extra:
            failed = (before.name for before in self._checks.values() if before.status is CheckStatus.FAILED)
            return next((f"{before} did not pass" for before in failed if before not in self._extra), None)
        if name == "delete" and self._checks["write"].status is CheckStatus.SKIPPED:
            return "nothing was written"
        if (needs := _NEEDS.get(name)) is None:
            return None
        before = self._checks[needs]
        # Listing may be forbidden while writing is not; but without an answer at all nothing else can work.
        if before.status is CheckStatus.SKIPPED or (
            before.status is CheckStatus.FAILED and (needs != "list" or self._unreachable)
        ):
            return f"{needs} did not pass"
        return None

    def _try(self, name: str, step: Step) -> Check:
        begin = time.monotonic()
        try:
            warning = step()
        except Exception as error:  # the runner of checks: whatever a provider raises is a finding
            self._unreachable = isinstance(error, SettingsError | AuthenticationError | UnavailableError | ClosedError)
            return unpassed(name, error, time.monotonic() - begin, self._advise(error, name))
        return Check(
            name=name,
            status=CheckStatus.WARNING if warning else CheckStatus.PASSED,
            seconds=time.monotonic() - begin,
            diagnosis=warning.meaning if warning else None,
            fix=warning.fix if warning else None,
        )

    def _asked(self, check: Callable[[], Exchange[Diagnosis | None]]) -> Diagnosis | None:
        return self._storage.transport.run(check())

    def _advise(self, error: Exception, check: str) -> Diagnosis:
        found = error.diagnosis if isinstance(error, Explained) else None
        if found is None and isinstance(error, StorageError) and isinstance(self._provider, Diagnoser):
            try:
                found = self._storage.transport.run(self._exchanges.diagnose(error, check))
            except Exception:  # a diagnosis that fails must not hide what it was to explain
                _log.debug("the provider's diagnosis of %s failed", check, exc_info=True)
        return found if found is not None else advise(error)

    def _list(self) -> None:
        next(self._storage.list(f"{PROBE_FOLDER}/"), None)

    def _write(self) -> None:
        metadata = _METADATA if self._storage.info.can(Capability.METADATA) else {}
        self._pace()
        self._storage.put(self._key, _BODY, PutOptions(content_type=_CONTENT_TYPE, metadata=metadata))

    def _read(self) -> None:
        self._body = self._storage.get_bytes(self._key)

    def _compare(self) -> Diagnosis | None:
        if self._body != _BODY:
            raise IntegrityError(f"{len(_BODY)} bytes were written, {len(self._body)} others came back")
        info = self._storage.head(self._key)
        if info.size != len(_BODY):
            raise IntegrityError(f"{len(_BODY)} bytes were written, the service reports {info.size}")
        if info.content_type != _CONTENT_TYPE:
            return content_type_altered(info.content_type)
        if self._storage.info.can(Capability.METADATA) and dict(info.metadata) != _METADATA:
            return METADATA_ALTERED
        return None

    def _create_only(self) -> None:
        info = self._storage.info
        if not info.can(Capability.CREATE_ONLY):
            raise _UndeclaredError(info.missing.get(Capability.CREATE_ONLY))
        self._pace()
        try:
            self._storage.put(self._key, b"overwritten", PutOptions(mode=PutMode.CREATE))
        except AlreadyExistsError:
            return
        raise IntegrityError("a create-only write replaced an object: revisions would not be safe here")

    def _private(self) -> Diagnosis | None:
        return self._storage.transport.run(check_private(self._access, _BODY)) if self._access is not None else None

    def _pace(self) -> None:
        """Leave the interval that the service requires between two writes of one key; it answers 429 otherwise."""
        begin = self._written_at + 1.05 * self._storage.info.write_interval_s
        self._hurried.wait(max(0.0, begin - time.monotonic()))
        self._written_at = time.monotonic()

    def _delete(self) -> None:
        self._pace()
        self._storage.delete(self._key)
        if self._storage.exists(self._key):
            raise IntegrityError("the probe object is still there after it was deleted")
        if Capability.UNDELETE in self._storage.info.capabilities - self._storage.info.ours:
            with suppress(StorageError):  # whether that may be done is a check of its own
                self._storage.purge(self._key)
