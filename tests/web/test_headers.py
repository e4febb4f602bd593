"""Values in headers: those of clients are read strictly, those of services cannot break out."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.serving.headers import declared_sha256, entity_tag, media_type, version_of, version_tag

SHA256 = hashlib.sha256(b"example").hexdigest()
DIGEST = f"sha-256=:{base64.b64encode(bytes.fromhex(SHA256)).decode()}:"


@given(st.text())
def test_the_etag_of_a_service_is_an_entity_tag(etag: str) -> None:
    found = entity_tag(etag)

    assert found is not None
    assert found.removeprefix("W/").startswith('"')
    assert found.endswith('"')
    assert found.isascii()
    assert found.isprintable()


def test_an_etag_that_is_one_stays() -> None:
    assert '"{abc},1"' == entity_tag('"{abc},1"')
    assert '"18ec86b1-11"' == entity_tag("18ec86b1-11")
    assert entity_tag(None) is None


@given(st.text())
def test_a_media_type_cannot_break_out_of_its_header(text: str) -> None:
    found = media_type(text)

    assert found.isascii()
    assert found.isprintable()
    assert "/" in found


@pytest.mark.parametrize(
    ("given_digest", "given_sha256", "expected"),
    [
        (None, None, None),
        (None, SHA256.upper(), SHA256),
        (DIGEST, None, SHA256),
        (f"md5=:AAAA:, {DIGEST}", SHA256, SHA256),
        ("sha-512=:AAAA:", None, None),
    ],
)
def test_a_declared_sha256_is_read(given_digest: str | None, given_sha256: str | None, expected: str | None) -> None:
    assert expected == declared_sha256(given_digest, given_sha256)


@pytest.mark.parametrize(("digest", "sha256"), [(None, "abc"), ("sha-256=:AAAA:", None), (DIGEST, "0" * 64)])
def test_a_declared_sha256_that_is_malformed_is_refused(digest: str | None, sha256: str | None) -> None:
    with pytest.raises(ValueError, match="256"):
        declared_sha256(digest, sha256)


@given(st.integers(0, 10**17))
def test_versions_come_back_as_they_were_sent(version: int) -> None:
    assert version == version_of(version_tag(version))


def test_a_condition_that_names_no_version_of_ours_never_holds() -> None:
    assert -1 == version_of('"abc"') == version_of('W/"3"') == version_of("3")
    assert version_of(None) is None
    assert version_of("*") is None
