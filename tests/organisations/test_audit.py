"""The audit: a chain of events that shows whoever changes it afterwards, in memory and in SQL."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from kazinex_storage import (
    DefaultChanged,
    IntegrityError,
    InvalidJsonError,
    InvalidKeyError,
    ProviderAdded,
    ProviderPassedOver,
    ProviderResolved,
    StorageError,
    UnavailableError,
)
from kazinex_storage.organisations import (
    AuditLog,
    AuditQuery,
    Catalogue,
    KeyRing,
    MemoryCatalogue,
    OrganisationKeys,
    Organisations,
    Sealer,
    SqlCatalogue,
    verify_exported,
)
from kazinex_storage.organisations.audit.entries import AuditEntry, AuditHead, Seals, after, entry_of
from kazinex_storage.organisations.catalogue import keys_of
from kazinex_storage.organisations.service_tables import audit, audit_heads
from kazinex_storage.registry import Registry
from kazinex_storage.testing.bench import in_child

TOKEN = "example-token-not-real"  # noqa: S105  # an example
DAY = datetime(2026, 8, 1, tzinfo=UTC)


def event(number: int, organisation: str = "org-1", by: str | None = "meier") -> DefaultChanged:
    return DefaultChanged(
        organisation=organisation, before=None, after=f"p-{number}", by=by, at=DAY + timedelta(hours=number)
    )


def filled(catalogue: Catalogue, count: int = 5, organisation: str = "org-1") -> AuditLog:
    log = AuditLog(catalogue)
    for number in range(1, count + 1):
        log(event(number, organisation))
    return log


def test_events_become_a_chain_of_their_organisation(catalogue: Catalogue) -> None:
    log = filled(catalogue)
    log(event(1, "org-2"))

    entries = log.query("org-1")

    assert [1, 2, 3, 4, 5] == [entry.number for entry in entries]
    assert event(3).to_dict() == entries[2].said()
    assert (DAY + timedelta(hours=3), "default.changed", "meier", "p-3", "done") == (
        entries[2].at,
        entries[2].event,
        entries[2].by,
        entries[2].provider,
        entries[2].outcome,
    )
    assert ["0" * 64, *[entry.hash for entry in entries[:-1]]] == [entry.previous for entry in entries]
    report = log.verify_audit("org-1")
    assert report.ok, report.problems
    assert (5, 1, 5, entries[-1].hash) == (report.entries, report.first, report.number, report.hash)
    assert report.sealed is isinstance(catalogue, SqlCatalogue)
    assert ("org-1", "org-2") == log.organisations()
    assert log.verify_audit("org-3").ok
    assert () == log.query("org-3")


def test_what_is_asked_for_is_found(catalogue: Catalogue) -> None:
    log = filled(catalogue, 4)
    of: dict[str, Any] = {"organisation": "org-1", "provider": "p-9", "kind": "vault", "label": "Vault"}
    log(ProviderAdded(**of, at=DAY))
    log(ProviderPassedOver(**of, operation="find", key="org-1/a", error="no route", by="huber", at=DAY))
    log(ProviderResolved(**of, project="bridge", reason="default"))  # left out by default

    def numbers(**wanted: Any) -> list[int]:
        return [entry.number for entry in log.query("org-1", AuditQuery(**wanted))]

    assert [1, 2, 3, 4, 5, 6] == numbers()
    assert [6, 5] == numbers(newest_first=True, limit=2)
    assert [3, 4] == numbers(after=2, before=5)
    assert [5] == numbers(event="provider.added")
    assert [5, 6] == numbers(event="provider.")
    assert [6] == numbers(by="huber")
    assert [2] == numbers(provider="p-2")
    assert [] == numbers(project="bridge")
    assert [2, 3] == numbers(since=DAY + timedelta(hours=2), until=DAY + timedelta(hours=4))
    with pytest.raises(ValueError, match="at least 1"):
        numbers(limit=0)
    with pytest.raises(InvalidKeyError):
        log.query("../org")


def tampered_rows() -> Iterator[Any]:
    """Yield what somebody does to the tables by hand, and what the report says of it."""
    own = audit.c.organisation == "org-1"
    second = (own, audit.c.number == 2)

    def set_(**values: object) -> Callable[[Any], None]:
        return lambda connection: connection.execute(update(audit).where(*second).values(**values))

    def remove(*numbers: int, head: int | None = None) -> Callable[[Any], None]:
        def change(connection: Any) -> None:
            connection.execute(delete(audit).where(own, audit.c.number.in_(numbers)))
            if head is not None:
                last = connection.execute(select(audit.c.hash).where(own, audit.c.number == head)).scalar_one()
                connection.execute(update(audit_heads).values(number=head, hash=last))

        return change

    def drop_the_first(connection: Any) -> None:
        first = connection.execute(select(audit.c.hash).where(own, audit.c.number == 1)).scalar_one()
        connection.execute(delete(audit).where(own, audit.c.number == 1))
        connection.execute(update(audit_heads).values(first=2, before_first=first))

    def put_in(connection: Any) -> None:
        row = dict(connection.execute(select(audit).where(*second)).mappings().one())
        connection.execute(audit.insert().values({**row, "number": 6}))

    def swap(connection: Any) -> None:
        for number, other in ((2, 100), (3, 2), (100, 3)):
            connection.execute(update(audit).where(own, audit.c.number == number).values(number=other))

    def write_again(connection: Any) -> None:
        """Compute a whole other chain, as anybody can who has no key."""
        seals = Seals(None)
        head = AuditHead(organisation="org-1")
        connection.execute(delete(audit).where(own))
        for number in (1, 2, 4):
            entry = entry_of(event(number), head, seals)
            head = after(head, entry, seals)
            connection.execute(audit.insert().values(asdict(entry)))
        connection.execute(update(audit_heads).values(number=head.number, hash=head.hash))

    for name, value in {
        "by": "huber",
        "at": DAY,
        "event": "default.cleared",
        "provider": None,
        "project": "tunnel",
        "outcome": "refused",
        "fields": "{}",
    }.items():
        yield pytest.param(set_(**{name: value}), 2, "it was changed", id=f"changed {name}")
    yield pytest.param(set_(hash="1" * 64), 2, "it was changed", id="another hash")
    yield pytest.param(set_(previous="1" * 64), 2, "does not follow", id="another previous")
    yield pytest.param(set_(seal=None), 2, "not sealed", id="no seal")
    yield pytest.param(set_(seal=f"{'0' * 16}.{'0' * 64}"), 2, "not at hand", id="a seal of another key")
    yield pytest.param(remove(2, 3), 2, "the entries 2 to 3 are missing", id="taken out")
    yield pytest.param(remove(1), 1, "the entry 1 is missing", id="the first taken out")
    yield pytest.param(remove(5), 5, "the end was cut off", id="cut off")
    yield pytest.param(remove(4, 5, head=3), None, "its seal does not fit", id="cut off, and the end set back")
    yield pytest.param(drop_the_first, None, "its seal does not fit", id="the first dropped without the key")
    yield pytest.param(put_in, 6, "after the end of the chain", id="put in")
    yield pytest.param(swap, 2, "it was changed", id="moved")
    yield pytest.param(write_again, 1, "it is not sealed", id="written again without the key")
    yield pytest.param(lambda connection: connection.execute(delete(audit_heads)), 1, "after the end", id="no end")


@pytest.mark.parametrize(("tamper", "number", "problem"), list(tampered_rows()))
def test_whoever_changes_the_tables_by_hand_is_found_out(
    sql_catalogue: SqlCatalogue, tamper: Callable[[Any], None], number: int | None, problem: str
) -> None:
    log = filled(sql_catalogue)
    assert log.verify_audit("org-1").ok

    with sql_catalogue._database.changing() as connection:
        tamper(connection)

    report = log.verify_audit("org-1")
    assert not report.ok
    assert any(each.number == number and problem in each.problem for each in report.problems), report.problems


def test_an_older_state_that_is_put_back_is_seen_by_what_was_known(sql_catalogue: SqlCatalogue) -> None:
    log = filled(sql_catalogue, 3)
    with sql_catalogue._database.reading() as connection:
        old = dict(connection.execute(select(audit_heads)).mappings().one())
    log(event(4))
    known = log.verify_audit("org-1")
    with sql_catalogue._database.changing() as connection:
        connection.execute(delete(audit).where(audit.c.number == 4))
        connection.execute(update(audit_heads).values(old))

    assert log.verify_audit("org-1").ok  # all of it is genuine
    report = log.verify_audit("org-1", known=(known.number, known.hash))

    assert ["there was an entry 4: the chain was rolled back"] == [each.problem for each in report.problems]
    log(event(5))
    report = log.verify_audit("org-1", known=(known.number, known.hash))
    assert [4] == [each.number for each in report.problems]


def test_keys_that_were_rotated_go_on_checking_and_lost_ones_are_named(tmp_path: Any) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    for ring in (old, old.with_first(new)):
        catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(ring))
        filled(catalogue, 2)
        assert AuditLog(catalogue).verify_audit("org-1").ok
        catalogue.close()

    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(new))
    report = AuditLog(catalogue).verify_audit("org-1")
    catalogue.close()

    assert [1, 2] == [each.number for each in report.problems]
    assert f"it is sealed under the key {old.ids[0]}, which is not at hand" == report.problems[0].problem


def exported(log: AuditLog, **options: Any) -> list[str]:
    file = io.StringIO()
    count = log.export("org-1", file, **options)
    lines = file.getvalue().splitlines(keepends=True)
    assert count == len(lines) - 1
    return lines


def test_an_export_is_verified_without_the_catalogue(catalogue: Catalogue, sealer: Sealer) -> None:
    log = filled(catalogue)
    keys = OrganisationKeys(sealer.keys, "org-1") if isinstance(catalogue, SqlCatalogue) else None
    lines = exported(log)

    report = verify_exported(lines, keys)

    assert report == log.verify_audit("org-1")
    assert verify_exported([line.encode() for line in lines]).ok
    known = (report.number, report.hash)
    log(event(6))
    rest = exported(log, after=report.number)
    assert 2 == len(rest)
    assert verify_exported(rest, keys, known).ok
    assert not verify_exported(rest, keys, (5, "0" * 64)).ok
    assert not verify_exported(lines[:-1], keys).ok
    assert not verify_exported(lines[:2] + lines[3:], keys).ok
    assert verify_exported(exported(log, after=6), keys).ok
    if keys is not None:
        assert not verify_exported(lines, OrganisationKeys(KeyRing.generate(), "org-1")).ok
        assert not verify_exported(lines, OrganisationKeys(sealer.keys, "org-2")).ok


@pytest.mark.parametrize("line", ["", "{}", "no json", '{"kazinex_audit": 2}', "[]"])
def test_what_is_no_export_is_refused(line: str) -> None:
    with pytest.raises(InvalidJsonError):
        verify_exported([line])
    lines = exported(filled(MemoryCatalogue(), 1))
    with pytest.raises(InvalidJsonError):
        verify_exported([lines[0], line or "{}"])


@settings(max_examples=60, deadline=None)
@given(
    number=st.integers(1, 4),
    name=st.sampled_from([each.name for each in fields(AuditEntry) if each.name != "seal"]),
    data=st.data(),
)
def test_every_change_of_an_exported_entry_is_found(number: int, name: str, data: st.DataObject) -> None:
    lines = exported(filled(MemoryCatalogue(), 4))
    entry = json.loads(lines[number])
    before = entry[name]
    other: st.SearchStrategy[object] = st.integers(1, 9)
    if name == "at":
        other = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    elif name != "number":
        other = st.text(max_size=3)
    entry[name] = data.draw(other.filter(lambda found: found != before))
    lines[number] = f"{json.dumps(entry)}\n"

    assert not verify_exported(lines).ok


def test_old_entries_are_dropped_and_the_chain_goes_on(catalogue: Catalogue) -> None:
    log = filled(catalogue)
    last = log.query("org-1")[2]

    assert log.drop_before("org-1", DAY) is None
    dropped = log.drop_before("org-1", DAY + timedelta(hours=4), by="huber")

    assert dropped is not None
    assert (1, 3, "huber") == (dropped.first, dropped.last, dropped.by)
    assert [4, 5, 6] == [entry.number for entry in log.query("org-1")]
    assert "audit.dropped" == log.query("org-1")[-1].event
    report = log.verify_audit("org-1", known=(3, last.hash))
    assert report.ok, report.problems
    assert (4, 6) == (report.first, report.number)
    assert not log.verify_audit("org-1", known=(3, "1" * 64)).ok
    everything = log.drop_before("org-1", datetime.now(UTC) + timedelta(days=1))
    assert everything is not None
    assert (4, 6) == (everything.first, everything.last)
    assert log.verify_audit("org-1").ok
    assert verify_exported(exported(log), keys_of(catalogue, "org-1")).ok
    with pytest.raises(ValueError, match="no zone"):
        log.drop_before("org-1", datetime(2026, 8, 1))


def test_a_chain_that_is_wrong_is_not_shortened(sql_catalogue: SqlCatalogue) -> None:
    log = filled(sql_catalogue)
    with sql_catalogue._database.changing() as connection:
        connection.execute(update(audit).where(audit.c.number == 2).values(by="huber"))

    with pytest.raises(IntegrityError, match="nothing was dropped: it was changed"):
        log.drop_before("org-1", DAY + timedelta(days=9))

    assert 5 == len(log.query("org-1"))


def test_a_change_and_its_entry_are_one_transaction(catalogue: Catalogue, registry: Registry) -> None:
    log = AuditLog(catalogue)

    def hook(event: Any) -> None:
        log(event)
        if event.name != "provider.added":
            raise UnavailableError("the host is not well")

    service = Organisations(catalogue, registry, on_event=hook)
    record = service.add_provider("org-1", "vault", "Vault", {"bucket": "a", "token": "example-token-not-real"})
    for change in (
        lambda: service.set_allowlist("org-1", ["pdf"]),
        lambda: service.update_provider("org-1", "Vault", label="Safe"),
        lambda: service.record_verification(record, ok=True),
        lambda: service.remove_provider("org-1", "Vault"),
    ):
        with pytest.raises(StorageError, match="not well"):
            change()
        if not isinstance(catalogue, SqlCatalogue):
            return  # memory undoes nothing

    assert ["provider.added"] == [entry.event for entry in log.query("org-1")]
    assert log.verify_audit("org-1").ok
    assert replace(record) == service.find("org-1", "Vault")
    assert () == service.organisation("org-1").allowlist


def test_a_process_that_is_killed_leaves_the_change_and_its_entry_or_neither(
    open_catalogue: Callable[[], SqlCatalogue], registry: Registry
) -> None:
    catalogue = open_catalogue()
    log = AuditLog(catalogue)
    service = Organisations(catalogue, registry, on_event=log)

    def killed(organisation: str, moment: str) -> None:
        def hook(event: Any) -> None:
            if moment == "before the entry":
                os.kill(os.getpid(), signal.SIGKILL)
            log(event)
            if moment == "before the commit":
                os.kill(os.getpid(), signal.SIGKILL)

        Organisations(catalogue, registry, on_event=hook).set_allowlist(organisation, ["pdf"])
        os.kill(os.getpid(), signal.SIGKILL)

    for number, moment in enumerate(["before the entry", "before the commit", "after the commit"]):
        organisation = f"org-{number}"
        service.set_allowlist(organisation, ["dwg"])
        assert -signal.SIGKILL == in_child(partial(killed, organisation, moment))

        done = moment == "after the commit"
        assert (("pdf",) if done else ("dwg",)) == service.organisation(organisation).allowlist
        assert (2 if done else 1) == len(log.query(organisation))
        service.set_allowlist(organisation, ["ifc"])  # nothing is locked
        assert log.verify_audit(organisation).ok


def test_no_secret_and_no_endless_text_reaches_the_audit(catalogue: Catalogue, registry: Registry) -> None:
    log = AuditLog(catalogue)
    service = Organisations(catalogue, registry, on_event=log)
    record = service.add_provider("org-1", "vault", "Vault", {"bucket": "a", "token": TOKEN})
    service.record_verification(record, ok=False, error=f"{TOKEN} was refused")
    service.update_provider("org-1", "Vault", settings={"bucket": "b", "token": "another-example"})
    log(ProviderPassedOver(**telling_facts(), operation="find", key="k", error="x" * 10_000))

    lines = exported(log)

    assert all(word not in "".join(lines) for word in (TOKEN, "another-example"))
    assert max(map(len, lines)) < 6000
    assert log.verify_audit("org-1").ok


def telling_facts() -> dict[str, Any]:
    return {"organisation": "org-1", "provider": "p", "kind": "vault", "label": "Vault"}


_WRITER = """
import sys
from kazinex_storage import DefaultChanged
from kazinex_storage.organisations import AuditLog, KeyRing, Sealer, SqlCatalogue
place, keys, name = sys.argv[1:]
catalogue = SqlCatalogue(place, Sealer(KeyRing.parse(keys)))
log = AuditLog(catalogue)
for number in range(15):
    for organisation in ("org-1", "org-2"):
        log(DefaultChanged(organisation=organisation, before=None, after=f"p-{number}", by=name))
"""


def test_the_numbers_of_several_processes_have_no_gaps(place: str) -> None:
    ring = KeyRing.generate()
    first = SqlCatalogue(place, Sealer(ring))
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, place, ring.export(), f"process {number}"])
        for number in range(2)
    ]
    try:
        reports = [AuditLog(first).verify_audit("org-1").ok for _ in range(20)]
        assert [0, 0] == [writer.wait(60) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()

    log = AuditLog(first)
    assert all(reports)  # as of one instant, while others write
    for organisation in ("org-1", "org-2"):
        report = log.verify_audit(organisation)
        assert report.ok, report.problems
        assert (30, 30) == (report.entries, report.number)
        for number in range(2):
            assert 15 == len(log.query(organisation, AuditQuery(by=f"process {number}")))
    first.close()
