"""What the marks of a service and the bytes say about a stored document, without any service."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import Checksum, DocumentKey, IntegrityState, ObjectInfo, StoredDocument
from kazinex_storage.documents.integrity import REWRITE_WINDOW, judge

OURS, OTHER = "a" * 64, "b" * 64
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
HASH = Checksum(algorithm="quickxor", value="01" * 20)
REWRITES = frozenset({"pdf"})


def receipt(filename: str = "plan.pdf") -> StoredDocument:
    document = DocumentKey("acme", "bridge", "DRG-1", "P01", filename)
    return StoredDocument(
        document=document,
        provider="p",
        kind="sharepoint",
        key=document.build(),
        size=9,
        sha256=OURS,
        etag="c1",
        content_type=None,
        stored_at=NOON,
        service_checksum=HASH,
        stored_by="application 1",
    )


def stored(**changes: object) -> ObjectInfo:
    info = ObjectInfo(
        key="k", size=9, etag="c1", last_modified=NOON, service_checksum=HASH, modified_by="application 1"
    )
    return replace(info, **changes)  # type: ignore[arg-type]


CHANGED = {"etag": "c2", "size": 12, "service_checksum": None}
SOON, LATE = NOON + timedelta(seconds=30), NOON + REWRITE_WINDOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("info", "sha256", "expected"),
    [
        pytest.param(stored(), None, None, id="a version that may hold rewritten bytes is read"),
        pytest.param(stored(etag="c2"), OURS, IntegrityState.INTACT, id="the bytes count, not the version"),
        pytest.param(stored(), OTHER, IntegrityState.PROVIDER_MUTATED, id="rewritten before the receipt"),
        pytest.param(stored(etag="c2"), OTHER, IntegrityState.PROVIDER_MUTATED, id="the recorded hash"),
        pytest.param(
            stored(**CHANGED, last_modified=SOON), OTHER, IntegrityState.PROVIDER_MUTATED, id="soon, same uploader"
        ),
        pytest.param(
            stored(**CHANGED, last_modified=SOON, modified_by="user 7"), OTHER, IntegrityState.TAMPERED, id="a person"
        ),
        pytest.param(
            stored(**CHANGED, last_modified=SOON, modified_by=None), OTHER, IntegrityState.TAMPERED, id="nobody knows"
        ),
        pytest.param(stored(**CHANGED, last_modified=LATE), OTHER, IntegrityState.TAMPERED, id="long after"),
        pytest.param(stored(**CHANGED, last_modified=NOON - timedelta(1)), OTHER, IntegrityState.TAMPERED, id="before"),
    ],
)
def test_a_file_that_the_service_may_write_anew(
    info: ObjectInfo, sha256: str | None, expected: IntegrityState | None
) -> None:
    assert expected == judge(receipt(), info, REWRITES, sha256)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        pytest.param(stored(), IntegrityState.INTACT, id="the same version"),
        pytest.param(stored(etag="c2"), None, id="another version of the same size"),
        pytest.param(stored(size=10), IntegrityState.TAMPERED, id="another size"),
        pytest.param(
            stored(checksum=Checksum(algorithm="sha256", value=OTHER)), IntegrityState.TAMPERED, id="another sha256"
        ),
    ],
)
def test_a_file_that_the_service_never_writes_anew(info: ObjectInfo, expected: IntegrityState | None) -> None:
    assert expected == judge(receipt("model.ifc"), info, REWRITES)


def test_a_receipt_of_before_these_fields_is_loaded() -> None:
    old = receipt().to_dict()
    del old["service_checksum"], old["stored_by"]

    found = StoredDocument.from_dict(old)

    assert replace(receipt(), service_checksum=None, stored_by=None) == found


_MARKS = st.sampled_from(["c1", "c2", None])
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
def test_bytes_decide_whatever_the_marks_say(info: ObjectInfo, filename: str, sha256: str) -> None:
    state = judge(receipt(filename), info, REWRITES, sha256)

    assert (sha256 == OURS) == (state is IntegrityState.INTACT)
    assert state is not IntegrityState.PROVIDER_MUTATED or filename == "plan.pdf"


@given(st.builds(receipt, st.sampled_from(["plan.pdf", "model.ifc"])), st.booleans())
def test_receipts_survive_their_form(found: StoredDocument, with_marks: bool) -> None:
    found = found if with_marks else replace(found, service_checksum=None, stored_by=None)

    assert found == StoredDocument.from_dict(found.to_dict())
