"""What keeps revisions, on memory, SQLite and PostgreSQL alike: decided together with the register."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kazinex_storage import DocumentKey, Organisations, PolicyError, RecordConflictError, RetentionError, RetentionMode
from kazinex_storage.documents.register import Removal, RevisionRecord, new_token
from kazinex_storage.documents.retentions import DefaultRetention, Hold, KeptRevision
from kazinex_storage.organisations import Catalogue
from kazinex_storage.retention import Retention

KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
LATER = datetime.now(UTC) + timedelta(days=1)
KEPT = KeptRevision(document=KEY, retention=Retention(until=LATER, mode=RetentionMode.COMPLIANCE))


def stored() -> RevisionRecord:
    return RevisionRecord(document=KEY, provider="local-1", sha256="0" * 64, recorded_at=datetime.now(UTC))


def removed(record: RevisionRecord) -> RevisionRecord:
    return replace(record, removal=Removal(at=datetime.now(UTC)), token=new_token())


def test_what_is_kept_comes_back_and_is_changed_from_its_version_only(catalogue: Catalogue) -> None:
    table, record = catalogue.revisions.retentions, stored()
    hold = Hold(reason="case 7", at=datetime.now(UTC), by="meier")

    assert not table.set_kept(KEPT)  # nothing is stored
    catalogue.revisions.swap_revision(None, record)
    assert table.set_kept(KEPT)
    assert not table.set_kept(KEPT)
    assert table.set_kept(replace(table.find(KEY), hold=hold, by_service=True))

    assert replace(KEPT, hold=hold, by_service=True, version=2) == replace(table.find(KEY), document=KEY)


def test_a_removal_of_what_is_kept_is_refused_and_changes_nothing(catalogue: Catalogue) -> None:
    register, record = catalogue.revisions, stored()
    register.swap_revision(None, record)
    register.retentions.set_kept(replace(KEPT, by_service=True))

    with pytest.raises(RetentionError) as caught:
        register.swap_revision(record, removed(record))

    assert LATER == caught.value.until
    assert record == register.revision(KEY)
    moved = replace(record, provider="local-2", token=new_token())
    assert register.swap_revision(record, moved)  # where the file is does not matter
    kept = register.retentions.find(KEY)
    assert (True, False) == (kept.keeps(datetime.now(UTC)), kept.by_service)  # the service there was told nothing


def test_a_removed_revision_is_not_kept_any_more(catalogue: Catalogue) -> None:
    register, record = catalogue.revisions, stored()
    register.swap_revision(None, record)

    register.swap_revision(record, removed(record))

    assert not register.retentions.set_kept(KEPT)


def test_of_a_removal_and_a_retention_at_once_exactly_one_is_done(catalogue: Catalogue) -> None:
    register = catalogue.revisions
    for number in range(5):
        document = replace(KEY, revision=f"P{number:02}")
        record = replace(stored(), document=document)
        register.swap_revision(None, record)
        done: list[str] = []

        def retain(of: DocumentKey = document, to: list[str] = done) -> None:
            if register.retentions.set_kept(replace(KEPT, document=of)):
                to.append("retained")

        def remove(of: RevisionRecord = record, to: list[str] = done) -> None:
            try:
                if register.swap_revision(of, removed(of)):
                    to.append("removed")
            except RetentionError:
                pass

        threads = [threading.Thread(target=call) for call in (retain, remove)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 1 == len(done), done


def test_a_default_is_applied_with_the_record_and_withdrawn_with_it(catalogue: Catalogue) -> None:
    register = catalogue.revisions
    register.retentions.set_default(DefaultRetention(organisation="org-1", period=timedelta(days=10)))
    record = stored()

    register.swap_revision(None, record)

    kept = register.retentions.find(KEY)
    assert (True, record.recorded_at + timedelta(days=10)) == (kept.by_default, kept.retention and kept.retention.until)
    assert register.swap_revision(record, None)
    assert 0 == register.retentions.find(KEY).version


def test_defaults_are_listed_and_changed_from_their_version_only(organisations: Organisations) -> None:
    organisations.set_retention("org-1", "tunnel", timedelta(days=20), RetentionMode.COMPLIANCE)
    first = organisations.set_retention("org-1", None, timedelta(days=10))
    organisations.set_retention("org-1", "free", None)

    assert first == organisations.set_retention("org-1", None, timedelta(days=10))
    with pytest.raises(RecordConflictError):
        organisations.set_retention("org-1", None, timedelta(days=11), version=0)
    with pytest.raises(PolicyError):
        organisations.set_retention("org-1", None, timedelta(0))

    found = [(rule.project, rule.period, rule.mode) for rule in organisations.retentions("org-1")]
    assert [
        (None, timedelta(days=10), RetentionMode.GOVERNANCE),
        ("tunnel", timedelta(days=20), RetentionMode.COMPLIANCE),
    ] == found
    assert () == organisations.retentions("org-2")
