"""Holds by retention labels: the theme of the kit on the emulator of Graph, and what only a tenant's labels do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256

import pytest

from kazinex_storage import (
    BulkError,
    CheckStatus,
    LockedError,
    NotFoundError,
    PutMode,
    PutOptions,
    RetentionError,
    SettingsError,
    Storage,
    verify,
)
from kazinex_storage.capabilities import Capability
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.testing import Harness
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_retention import RetentionContract
from kazinex_storage.testing.emulators.graph import GraphEmulator
from kazinex_storage.testing.emulators.graph.labels import Applied, Label
from kazinex_storage.verbs import AnyProvider
from kazinex_storage.verification.reports import kept_by_of

from .conftest import Place, SharePointHarness, target_on
from .test_verify import app_of

HOLD = "Kazinex hold"
REFUSALS = [(423, "notAllowed", "resourceLocked"), (403, "accessDenied", None)]


class LabellingHarness(SharePointHarness):
    """A library whose files are held by a label that makes no record."""

    def __init__(self, emulator: GraphEmulator) -> None:
        super().__init__(emulator, "Kazinex/Plans #1")
        emulator.state.labels.add(Label(HOLD))

    def make(self) -> AnyProvider:
        super().make()
        target = target_on(self._emulator, self._drive, root_folder=self._root_folder)
        return SharePointProvider(replace(target, hold_label=HOLD))


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestHoldsByLabel(RetentionContract, OnBench):
    """The theme of the kit."""

    @pytest.fixture(autouse=True)
    def _use(self, shared_emulator: GraphEmulator) -> None:
        self._emulator = shared_emulator

    def harness(self) -> Harness:
        return LabellingHarness(self._emulator)


@contextmanager
def holding(place: Place, label: Label | None = None) -> Iterator[Storage]:
    """A storage whose holds are *label*, which the tenant has; None: it has no such label."""
    if label is not None:
        place.emulator.state.labels.add(label)
    target = replace(place.target, hold_label=label.name if label is not None else HOLD)
    with Storage(SharePointProvider(target)) as storage:
        yield storage


def label_on(place: Place, key: str) -> Applied | None:
    return place.drive.find(key).label


@pytest.mark.parametrize("unlocked", [False, True])
def test_a_hold_by_the_label_of_a_record_is_kept_by_the_service_from_everyone(place: Place, unlocked: bool) -> None:
    app_of(place).full_control = True  # a person has connected
    record = Label(HOLD, "retainAsRecord", starts_unlocked=unlocked)
    with holding(place, record) as storage:
        storage.put("a", b"1")
        storage.hold("a")

        with pytest.raises(RetentionError):  # by those who never ask what keeps it
            place.storage.delete("a")
        with pytest.raises(RetentionError):
            place.storage.put("a", b"2")
        assert b"1" == place.stored("a")
        storage.release("a")
        storage.delete("a")
        assert place.stored("a") is None


def test_the_label_of_a_record_is_not_taken_off_by_an_app_alone(place: Place) -> None:
    with holding(place, Label(HOLD, "retainAsRecord")) as storage:
        storage.put("a", b"1")
        storage.hold("a")

        with pytest.raises(RetentionError, match="a person who has connected"):
            storage.release("a")

        assert storage.retention("a").held


def test_what_a_label_retains_is_preserved_where_the_tenant_lets_others_delete_it(place: Place) -> None:
    with holding(place, Label(HOLD)) as storage:
        storage.put("a", b"1")
        storage.hold("a")

        place.storage.delete("a")

        assert [b"1"] == [node.content for node in place.drive.preserved]
        with pytest.raises(NotFoundError):
            storage.hold("a")


_CHANGES: list[Callable[[Storage], object]] = [
    lambda storage: storage.put("a", b"2"),
    lambda storage: storage.put("a", bytes(9 << 20)),
    lambda storage: storage.delete("a"),
    lambda storage: storage.copy("other", "a"),
    lambda storage: storage.move("other", "a"),
    lambda storage: storage.restore("a", storage.versions("a")[-1].version),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_what_a_label_of_the_tenant_refuses_is_a_retention_error_with_and_without_the_setting(
    place: Place, refusal: tuple[int, str, str | None]
) -> None:
    labels = place.emulator.state.labels
    labels.refusal = refusal
    contracts = labels.add(Label("Contracts", "retainAsRegulatoryRecord"))
    with holding(place, Label(HOLD)) as storage:
        for each in (storage, place.storage):
            for key in ("a", "a", "other"):
                each.put(key, b"1")
            begun = each.begin_upload("a", 1, PutOptions(mode=PutMode.REPLACE), sha256=sha256(b"2").hexdigest())
            place.drive.find("a").label = Applied(contracts, "admin", locked=True)
            for change in _CHANGES:
                with pytest.raises(RetentionError, match="'Contracts'"):
                    change(each)
            with pytest.raises(RetentionError, match="'Contracts'"):
                each.resume_upload(begun, b"2")
            with pytest.raises(BulkError) as caught:
                each.delete_many(["a"])
            assert [RetentionError] == [type(failure) for failure in caught.value.failures]
            assert (b"1", b"1") == (place.stored("a"), place.stored("other"))
            place.drive.find("a").label = None


def test_a_label_that_is_there_is_not_replaced_by_a_hold(place: Place) -> None:
    contracts = place.emulator.state.labels.add(Label("Contracts"))
    with holding(place, Label(HOLD)) as storage:
        storage.put("a", b"1")
        place.drive.find("a").label = Applied(contracts, "admin", locked=False)

        with pytest.raises(RetentionError, match="'Contracts'"):
            storage.hold("a")
        storage.release("a")

        found = label_on(place, "a")
        assert found is not None
        assert contracts == found.label


def test_a_file_that_someone_has_locked_is_not_said_to_be_retained(place: Place) -> None:
    place.storage.put("a", b"1")
    place.drive.find("a").locked = True

    with pytest.raises(LockedError) as caught:
        place.storage.delete("a")

    assert type(caught.value) is LockedError


def test_a_label_that_the_tenant_does_not_have_is_said_to_be_so(place: Place) -> None:
    with holding(place) as storage:
        storage.put("a", b"1")

        with pytest.raises(SettingsError, match="hold_label"):
            storage.hold("a")


def test_verify_proves_that_files_are_held_by_the_label_and_says_who_keeps_them(place: Place) -> None:
    with holding(place, Label(HOLD)) as storage:
        report = verify(storage)

        assert report.ok, report.failure
        assert "hold label" in [check.name for check in report.checks if check.status is CheckStatus.PASSED]
        assert {"legal-hold": "service", "retention": "register"} == dict(report.kept_by)
        assert [] == list(storage.list(""))
    info = place.provider.info
    assert "hold_label" in info.missing[Capability.LEGAL_HOLD]
    assert "register" == kept_by_of(info)["legal-hold"]


@pytest.mark.parametrize(
    ("label", "says"),
    [(None, "does not take"), (Label(HOLD, "doNotRetain"), "keeps nothing"), (Label(HOLD, "retainAsRecord"), "an app")],
    ids=["unknown", "retains nothing", "record"],
)
def test_verify_fails_where_the_label_cannot_hold_and_release(place: Place, label: Label | None, says: str) -> None:
    with holding(place, label) as storage:
        report = verify(storage)

    (failed,) = [check for check in report.checks if check.status is CheckStatus.FAILED]
    assert "hold label" == failed.name
    assert says in str(failed.error)


# pytest would collect them as well
del OnBench, RetentionContract
