"""What verification finds, says and leaves behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    AuthenticationError,
    CheckStatus,
    Diagnosis,
    LockedError,
    NotSupportedError,
    ObjectInfo,
    ObjectKey,
    Organisations,
    Prefix,
    ProviderInfo,
    ProviderKind,
    PutMode,
    PutOptions,
    Registry,
    SettingsError,
    Source,
    Storage,
    StorageError,
    UploadPolicy,
    VerificationReport,
    verify,
    verify_provider,
)
from kazinex_storage.capabilities import KEEPS, Capability
from kazinex_storage.organisations import MemoryCatalogue, ProviderStatus
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.types import MIB, ByteRange, Sink
from kazinex_storage.verification.reports import kept_by_of


class Altered(MemoryProvider):
    """A memory provider whose operations are replaced by what a test gives; everything else is real."""

    def __init__(
        self,
        *,
        before: Callable[[str, str], None] = lambda operation, key: None,
        without: frozenset[Capability] = frozenset(),
        overwrites: bool = False,
        corrupts: bool = False,
        missing: str | None = None,
    ) -> None:
        super().__init__()
        self._before = before
        self._overwrites = overwrites
        self._corrupts = corrupts
        self._declared = self._info.capabilities - without
        self._missing = dict.fromkeys(without, missing) if missing is not None else {}

    @property
    def info(self) -> ProviderInfo:
        return ProviderInfo(
            kind="altered",
            location="here",
            capabilities=self._declared,
            max_object_bytes=self._info.max_object_bytes,
            missing=self._missing,
        )

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        self._before("put", key)
        if self._overwrites:
            options = PutOptions(mode=PutMode.REPLACE, content_type=options.content_type, metadata=options.metadata)
        return super().put(key, source, options)

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        self._before("get", key)
        return super().get(key, span, (lambda buffer: sink(b"x")) if self._corrupts else sink, if_match)

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        self._before("scan", prefix)
        return super().scan(prefix)

    def delete(self, key: ObjectKey) -> None:
        self._before("delete", key)
        super().delete(key)


def statuses(report: VerificationReport) -> dict[str, str]:
    return {check.name: check.status.value for check in report.checks}


def replacing(_: MemorySettings) -> Altered:
    """Open a provider that cannot create without replacing."""
    return Altered(without=frozenset({Capability.CREATE_ONLY}))


def left(provider: MemoryProvider) -> list[str]:
    return list(provider.shelf.objects)


def test_a_working_storage_passes_every_check_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    with Storage(LocalProvider(LocalSettings(root=tmp_path))) as storage:
        report = verify(storage)

        assert report.ok
        assert dict.fromkeys(["list", "write", "read", "compare", "create-only", "delete"], "passed") == statuses(
            report
        )
        assert report.failure is None
        assert [] == list(storage.list())


def test_the_report_is_json_and_names_the_place(tmp_path: Path) -> None:
    with Storage(LocalProvider(LocalSettings(root=tmp_path))) as storage:
        fields = verify(storage).to_dict()

    assert ("local", str(tmp_path), True) == (fields["kind"], fields["location"], fields["ok"])


def test_a_policy_does_not_stand_in_the_way_of_the_probe() -> None:
    policy = UploadPolicy.make(kind="memory", ceiling=MIB, max_file_bytes=1, extensions=["pdf"])

    report = verify(Storage(MemoryProvider(), policy=policy))

    assert report.ok


def test_what_depends_on_a_failed_write_is_skipped_and_the_fix_is_named() -> None:
    def refuse(operation: str, key: str) -> None:
        if operation == "put":
            raise AccessDeniedError("the token is read-only", code="10003")

    report = verify(Storage(Altered(before=refuse)))

    assert {
        "list": "passed",
        "write": "failed",
        "read": "skipped",
        "compare": "skipped",
        "create-only": "skipped",
        "delete": "passed",
    } == statuses(report)
    failed = report.checks[1]
    assert failed.error is not None
    assert "10003" in failed.error
    assert "may not" in str(failed.diagnosis)
    assert "grant" in str(failed.fix)
    assert "write" in str(report.failure)


def test_a_token_that_may_not_list_is_still_tried_for_the_rest() -> None:
    def refuse(operation: str, key: str) -> None:
        if operation == "scan":
            raise AccessDeniedError("no listing")

    report = verify(Storage(Altered(before=refuse)))

    assert not report.ok
    assert ("failed", "passed") == (statuses(report)["list"], statuses(report)["write"])


def test_refused_credentials_skip_everything_that_would_fail_alike() -> None:
    def refuse(operation: str, key: str) -> None:
        raise AuthenticationError("unknown key id")

    report = verify(Storage(Altered(before=refuse)))

    assert ["failed", "skipped", "skipped", "skipped", "skipped", "skipped"] == list(statuses(report).values())


def test_bytes_that_come_back_other_fail_the_comparison() -> None:
    provider = Altered(corrupts=True)

    report = verify(Storage(provider))

    assert "failed" == statuses(report)["compare"]
    assert "do not use" in str(report.failure)
    assert [] == left(provider)


def test_a_create_only_that_overwrites_is_found() -> None:
    provider = Altered(overwrites=True)

    report = verify(Storage(provider))

    assert "failed" == statuses(report)["create-only"]
    assert [] == left(provider)


def test_a_provider_without_create_only_writes_is_no_place_for_documents() -> None:
    """Issue 18: it was VERIFIED, could become the default, and then refused every document."""
    provider = Altered(without=frozenset({Capability.CREATE_ONLY}))

    report = verify(Storage(provider))

    failed = next(check for check in report.checks if check.name == "create-only")
    assert CheckStatus.FAILED is failed.status
    assert "documents cannot be stored here" in str(failed.diagnosis)
    assert "choose a kind of provider" in str(failed.fix)
    assert [] == left(provider)


def test_why_create_only_writes_are_missing_is_the_fix() -> None:
    provider = Altered(without=frozenset({Capability.CREATE_ONLY}), missing="give the service key of the project")

    report = verify(Storage(provider))

    assert "give the service key of the project" in str(report.failure)


def test_what_cannot_take_documents_cannot_become_the_default() -> None:
    kind = ProviderKind(
        kind="replacing",
        title="Always replaces",
        settings="kazinex_storage.providers.memory:MemorySettings",
        factory=f"{__name__}:replacing",
    )
    organisations = Organisations(MemoryCatalogue(), Registry(kind, entry_points=False))
    organisations.add_provider("org-1", "replacing", "R", {})

    report = verify_provider(organisations, "org-1", "R")

    assert not report.ok
    assert ProviderStatus.FAILED is organisations.find("org-1", "R").status
    with pytest.raises(SettingsError, match="only a VERIFIED one"):
        organisations.set_default("org-1", "R")


def test_the_probe_is_removed_after_a_failure_in_the_middle() -> None:
    def refuse(operation: str, key: str) -> None:
        if operation == "get":
            raise StorageError("broken")

    provider = Altered(before=refuse)

    report = verify(Storage(provider))

    assert "failed" == statuses(report)["read"]
    assert [] == left(provider)


def test_an_error_that_is_not_ours_is_a_finding_too() -> None:
    def refuse(operation: str, key: str) -> None:
        if operation == "put":
            raise ZeroDivisionError("a bug")

    report = verify(Storage(Altered(before=refuse)))

    assert str(report.checks[1].error).startswith("ZeroDivisionError")
    assert "a bug" not in str(report.to_dict())


def test_a_service_that_hangs_ends_with_the_time_and_the_probe_is_removed_afterwards() -> None:
    release, removed = threading.Event(), threading.Event()

    def hang(operation: str, key: str) -> None:
        if operation == "get":
            release.wait()
        if operation == "delete":
            removed.set()

    provider = Altered(before=hang)

    report = verify(Storage(provider), timeout_s=0.2)
    release.set()

    assert ["passed", "passed", "failed", "skipped", "skipped", "skipped"] == list(statuses(report).values())
    assert "hangs" in str(report.failure)
    assert removed.wait(10)


def test_an_interrupt_removes_the_probe_before_it_passes_through() -> None:
    script = (
        "import _thread, threading\n"
        "from kazinex_storage import Storage, verify\n"
        "from kazinex_storage.providers.memory import MemoryProvider\n"
        "class Slow(MemoryProvider):\n"
        "    def get(self, *arguments):\n"
        "        _thread.interrupt_main()\n"
        "        threading.Event().wait(0.2)\n"
        "        return super().get(*arguments)\n"
        "provider = Slow()\n"
        "try:\n"
        "    verify(Storage(provider))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', list(provider.shelf.objects))\n"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert "interrupted []" == ended.stdout.strip()


def test_the_diagnosis_of_the_provider_goes_before_the_general_one() -> None:
    class Knowing(Altered):
        def diagnose(self, error: StorageError, check: str) -> Diagnosis | None:
            return Diagnosis(meaning=f"{check}: I know", fix="do this") if check == "write" else None

    def refuse(operation: str, key: str) -> None:
        if operation in ("put", "delete"):
            raise AccessDeniedError("no")

    report = verify(Storage(Knowing(before=refuse)))

    assert ("write: I know", "do this") == (report.checks[1].diagnosis, report.checks[1].fix)
    assert "may not" in str(report.checks[-1].diagnosis)


def test_an_altered_content_type_is_a_warning_only() -> None:
    class Forgetful(Altered):
        def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
            return super().put(key, source, PutOptions(mode=options.mode, metadata=options.metadata))

    report = verify(Storage(Forgetful()))

    assert report.ok
    assert CheckStatus.WARNING is report.checks[3].status


class Wanting(Altered):
    """A provider that has something more to check."""

    def __init__(self, outcome: Diagnosis | Exception | None, before: Callable[[str, str], None] | None = None) -> None:
        super().__init__(before=before or (lambda operation, key: None))
        self._outcome = outcome

    def checks(self) -> Mapping[str, Callable[[], Diagnosis | None]]:
        return {"distance": self._distance, "height": lambda: None}

    def _distance(self) -> Diagnosis | None:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def test_the_checks_that_a_provider_brings_along_come_last() -> None:
    report = verify(Storage(Wanting(None)))

    assert report.ok
    assert ["delete", "distance", "height"] == [check.name for check in report.checks][-3:]
    assert {"passed"} == set(statuses(report).values())


def test_what_an_extra_check_returns_is_a_warning_with_its_fix() -> None:
    report = verify(Storage(Wanting(Diagnosis(meaning="it is far away", fix="come nearer"))))

    check = report.checks[-2]
    assert report.ok
    assert (CheckStatus.WARNING, "it is far away", "come nearer") == (check.status, check.diagnosis, check.fix)


def test_an_extra_check_that_raises_fails_and_the_next_one_is_still_tried() -> None:
    report = verify(Storage(Wanting(AccessDeniedError("too far"))))

    assert not report.ok
    assert ("failed", "passed") == (statuses(report)["distance"], statuses(report)["height"])


def test_extra_checks_are_skipped_after_a_failure() -> None:
    def refuse(operation: str, key: str) -> None:
        if operation == "put":
            raise AccessDeniedError("no")

    report = verify(Storage(Wanting(None, refuse)))

    assert ("skipped", "skipped") == (statuses(report)["distance"], statuses(report)["height"])
    assert "write did not pass" == report.checks[-1].diagnosis


def test_a_probe_that_a_lock_keeps_is_a_warning() -> None:
    """Documents can be stored where a retention rule forbids to delete them, and often that is wanted."""

    def refuse(operation: str, key: str) -> None:
        if operation == "delete":
            raise LockedError("a rule keeps it")

    report = verify(Storage(Altered(before=refuse)))

    assert report.ok
    assert CheckStatus.WARNING is report.checks[-1].status
    assert "a rule keeps it" in str(report.checks[-1].error)


@pytest.fixture
def organisations() -> Organisations:
    return Organisations(MemoryCatalogue())


def test_the_outcome_is_recorded_with_its_time(organisations: Organisations, tmp_path: Path) -> None:
    record = organisations.add_provider("org-1", "local", "disk", {"root": str(tmp_path), "durable": False})

    report = verify_provider(organisations, "org-1", "disk")

    after = organisations.find("org-1", record.id)
    assert (ProviderStatus.VERIFIED, report.started_at, None) == (
        after.status,
        after.last_verified_at,
        after.last_error,
    )


def test_a_root_that_is_missing_is_a_failed_check_with_a_fix(organisations: Organisations, tmp_path: Path) -> None:
    organisations.add_provider("org-1", "local", "disk", {"root": str(tmp_path / "missing")})

    report = verify_provider(organisations, "org-1", "disk")

    assert [("settings", CheckStatus.FAILED)] == [(check.name, check.status) for check in report.checks]
    after = organisations.find("org-1", "disk")
    assert ProviderStatus.FAILED is after.status
    assert "settings" in str(after.last_error)


def test_the_probe_stays_below_the_prefix_of_the_organisation(tmp_path: Path) -> None:
    seen: list[str] = []
    provider = Altered(before=lambda operation, key: seen.append(key))

    verify(Storage(provider, prefix="org-1"))

    assert seen
    assert all(key.startswith("org-1/.kazinex-verify/") for key in seen)


def test_an_existing_object_is_never_the_probe() -> None:
    provider = MemoryProvider()
    storage = Storage(provider)
    storage.put("a", b"1")

    verify(storage)

    assert b"1" == storage.get_bytes("a")


def test_refusals_are_not_taken_for_create_only_support() -> None:
    with pytest.raises(NotSupportedError):
        Storage(Altered(without=frozenset({Capability.CREATE_ONLY}))).put("a", b"1", PutOptions(mode=PutMode.CREATE))
    with pytest.raises(AlreadyExistsError):
        storage = Storage(MemoryProvider())
        storage.put("a", b"1")
        storage.put("a", b"1", PutOptions(mode=PutMode.CREATE))


def test_a_diagnosis_that_fails_hides_nothing() -> None:
    class Broken(Altered):
        def diagnose(self, error: StorageError, check: str) -> Diagnosis | None:
            raise ZeroDivisionError

    def refuse(operation: str, key: str) -> None:
        if operation == "get":
            raise AccessDeniedError("no")

    provider = Broken(before=refuse)

    report = verify(Storage(provider))

    assert "may not" in str(report.checks[2].diagnosis)
    assert [] == left(provider)


def test_a_timeout_of_a_recorded_verification_removes_the_probe_too(
    organisations: Organisations, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, removed = threading.Event(), threading.Event()

    def hang(operation: str, key: str) -> None:
        if operation == "get":
            release.wait(30)

    class Late(Altered):
        def delete(self, key: ObjectKey) -> None:
            super().delete(key)
            removed.set()

    provider = Late(before=hang)
    organisations.add_provider("org-1", "memory", "slow", {})
    monkeypatch.setattr(organisations, "open", lambda record: provider)
    objects = provider.shelf.objects

    report = verify_provider(organisations, "org-1", "slow", timeout_s=0.2)
    release.set()

    assert not report.ok
    assert removed.wait(30)
    assert {} == objects


def test_the_report_says_who_keeps_what_is_retained_and_held(tmp_path: Path) -> None:
    local = Storage(LocalProvider(LocalSettings(root=tmp_path)))
    with local, Storage(MemoryProvider()) as memory:
        found = [verify(storage).to_dict()["kept_by"] for storage in (local, memory)]
        bare = kept_by_of(replace(memory.info, capabilities=memory.info.capabilities - KEEPS))

    assert [{"legal-hold": who, "retention": who} for who in ("ours", "service", "register")] == [*found, bare]
