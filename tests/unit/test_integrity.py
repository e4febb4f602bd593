"""What the marks of a service and the bytes say about a stored document, without any service."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import Checksum, DocumentKey, IntegrityState, ObjectInfo, StoredDocument
from kazinex_storage.documents.integrity import REWRITE_WINDOW, state_of

OURS, OTHER = "a" * 64, "b" * 64
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
HASH = Checksum(algorithm="quickxor", value="01" * 20)
REWRITES = frozenset({"pdf"})
FIRST, SECOND, THIRD = (f'"c:{{9F3C}},{number}"' for number in (1, 2, 10))
ELSEWHERE = '"c:{77AB},2"'
"""Version marks of SharePoint: the item, and how often its content has changed."""


def receipt(filename: str = "plan.pdf") -> StoredDocument:
    document = DocumentKey("acme", "bridge", "DRG-1", "P01", filename)
    return StoredDocument(
        document=document,
        provider="p",
        kind="sharepoint",
        key=document.build(),
        size=9,
        sha256=OURS,
        etag=FIRST,
        content_type=None,
        stored_at=NOON,
        service_checksum=HASH,
        stored_by="application 1",
    )


def stored(**changes: object) -> ObjectInfo:
    info = ObjectInfo(
        key="k", size=9, etag=FIRST, last_modified=NOON, service_checksum=HASH, modified_by="application 1"
    )
    return replace(info, **changes)  # type: ignore[arg-type]


CHANGED = {"etag": SECOND, "size": 12, "service_checksum": None}
SOON, LATE = NOON + timedelta(seconds=30), NOON + REWRITE_WINDOW + timedelta(seconds=1)
MUTATED, TAMPERED = IntegrityState.PROVIDER_MUTATED, IntegrityState.TAMPERED


@pytest.mark.parametrize(
    ("info", "sha256", "expected"),
    [
        pytest.param(stored(), None, IntegrityState.SAME_VERSION, id="nothing read is never intact"),
        pytest.param(stored(**CHANGED), None, IntegrityState.UNKNOWN, id="nothing read of another version"),
        pytest.param(stored(etag=SECOND), OURS, IntegrityState.INTACT, id="the bytes count, not the version"),
        pytest.param(stored(), OTHER, MUTATED, id="rewritten before the receipt"),
        pytest.param(stored(modified_by="user 7"), OTHER, MUTATED, id="and its properties were edited since"),
        pytest.param(stored(etag=SECOND, modified_by="user 7"), OTHER, TAMPERED, id="the recorded hash proves nothing"),
        pytest.param(stored(**CHANGED, last_modified=SOON), OTHER, MUTATED, id="soon, same uploader"),
        pytest.param(stored(**{**CHANGED, "etag": THIRD}, last_modified=SOON), OTHER, MUTATED, id="several changes"),
        pytest.param(stored(**{**CHANGED, "etag": ELSEWHERE}, last_modified=SOON), OTHER, TAMPERED, id="another file"),
        pytest.param(stored(**{**CHANGED, "etag": "x"}, last_modified=SOON), OTHER, TAMPERED, id="no such mark"),
        pytest.param(stored(**{**CHANGED, "etag": None}, last_modified=SOON), OTHER, TAMPERED, id="no mark"),
        pytest.param(stored(**CHANGED, last_modified=SOON, modified_by="user 7"), OTHER, TAMPERED, id="a person"),
        pytest.param(stored(**CHANGED, last_modified=SOON, modified_by=None), OTHER, TAMPERED, id="nobody knows"),
        pytest.param(stored(**CHANGED, last_modified=LATE), OTHER, TAMPERED, id="long after"),
        pytest.param(stored(**CHANGED, last_modified=NOON - timedelta(1)), OTHER, TAMPERED, id="before"),
        pytest.param(stored(**CHANGED, last_modified=None), OTHER, TAMPERED, id="at no time"),
    ],
)
def test_a_file_that_the_service_may_rewrite(info: ObjectInfo, sha256: str | None, expected: IntegrityState) -> None:
    assert expected == state_of(receipt(), info, REWRITES, sha256)


def test_a_time_by_our_own_clock_excuses_no_change() -> None:
    ours = replace(receipt(), stored_at_by="client")

    assert TAMPERED is state_of(ours, stored(**CHANGED, last_modified=SOON), REWRITES, OTHER)


def test_an_older_version_is_not_the_service_s_doing() -> None:
    assert TAMPERED is state_of(replace(receipt(), etag=THIRD), stored(**CHANGED, last_modified=SOON), REWRITES, OTHER)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        pytest.param(stored(), IntegrityState.SAME_VERSION, id="the same version"),
        pytest.param(stored(etag=SECOND), IntegrityState.UNKNOWN, id="another version of the same size"),
        pytest.param(stored(size=10), TAMPERED, id="another size"),
        pytest.param(stored(checksum=Checksum(algorithm="sha256", value=OTHER)), TAMPERED, id="another sha256"),
    ],
)
def test_a_file_that_the_service_never_rewrites(info: ObjectInfo, expected: IntegrityState) -> None:
    assert expected == state_of(receipt("model.ifc"), info, REWRITES)


def test_without_a_sha256_no_bytes_are_intact() -> None:
    bare = replace(receipt("model.ifc"), sha256=None)

    assert IntegrityState.SAME_VERSION is state_of(bare, stored(), REWRITES, OURS)
    assert IntegrityState.UNKNOWN is state_of(bare, stored(etag=SECOND), REWRITES, OURS)


def test_a_receipt_of_before_these_fields_is_loaded() -> None:
    old = receipt().to_dict()
    del old["service_checksum"], old["stored_by"], old["stored_at_by"]

    found = StoredDocument.from_dict(old)

    assert replace(receipt(), service_checksum=None, stored_by=None) == found


_MARKS = st.sampled_from([FIRST, SECOND, ELSEWHERE, "x", None])
_TIMES = st.sampled_from([NOON - timedelta(1), NOON, SOON, LATE, None])
_INFOS = st.builds(
    stored,
    etag=_MARKS,
    size=st.sampled_from([9, 10]),
    last_modified=_TIMES,
    modified_by=st.sampled_from(["application 1", "user 7", None]),
    service_checksum=st.sampled_from([HASH, None]),
)


@given(_INFOS, st.sampled_from(["plan.pdf", "model.ifc", "pdf"]), st.sampled_from([OURS, OTHER]))
def test_bytes_decide_whatever_the_version_says(info: ObjectInfo, filename: str, sha256: str) -> None:
    state = state_of(receipt(filename), info, REWRITES, sha256)

    assert (sha256 == OURS) == (state is IntegrityState.INTACT)
    assert state is not IntegrityState.PROVIDER_MUTATED or filename == "plan.pdf"


@given(_INFOS, st.sampled_from(["plan.pdf", "model.ifc"]), st.sampled_from([OURS, None]))
def test_nothing_is_intact_that_was_not_read(info: ObjectInfo, filename: str, sha256: str | None) -> None:
    state = state_of(replace(receipt(filename), sha256=sha256), info, REWRITES)

    assert state in (IntegrityState.SAME_VERSION, IntegrityState.UNKNOWN, IntegrityState.TAMPERED)


@given(_INFOS)
def test_what_is_excused_was_made_by_the_uploader_soon_or_is_the_recorded_version(info: ObjectInfo) -> None:
    if state_of(receipt(), info, REWRITES, OTHER) is IntegrityState.PROVIDER_MUTATED:
        late = info.last_modified is None or not NOON <= info.last_modified <= NOON + REWRITE_WINDOW
        assert info.etag == FIRST or (info.etag == SECOND and info.modified_by == "application 1" and not late)


@given(st.builds(receipt, st.sampled_from(["plan.pdf", "model.ifc"])), st.booleans())
def test_receipts_survive_their_form(found: StoredDocument, with_marks: bool) -> None:
    found = found if with_marks else replace(found, service_checksum=None, stored_by=None)

    assert found == StoredDocument.from_dict(found.to_dict())
