"""``fs.sign`` gives a URL that works as it stands, or refuses and names the call that gives the headers too."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest

from kazinex_storage import (
    AlreadyExistsError,
    DocumentKey,
    DocumentStore,
    NotSupportedError,
    Organisations,
    PolicyError,
    PresignOptions,
    Resolver,
)
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.providers.s3.target import Target
from kazinex_storage.testing.servers import S3Server

from .test_presign import send

REVISION = DocumentKey("acme", "bridge", "DRG-1", "P01", "plan.pdf")


@pytest.fixture
def files(seaweedfs_server: S3Server) -> Any:
    return fsspec.filesystem(
        "kazinex+s3",
        access_key_id=seaweedfs_server.access_key_id,
        secret_access_key=seaweedfs_server.secret_access_key,
        endpoint_url=seaweedfs_server.endpoint_url,
        region=seaweedfs_server.region,
        skip_instance_cache=True,
    )


@pytest.fixture
def resolver(seaweedfs_server: S3Server) -> Iterator[Resolver]:
    organisations = Organisations(MemoryCatalogue())
    settings = {
        "bucket": seaweedfs_server.make_bucket(),
        "endpoint_url": seaweedfs_server.endpoint_url,
        "region": seaweedfs_server.region,
        "access_key_id": seaweedfs_server.access_key_id,
        "secret_access_key": seaweedfs_server.secret_access_key,
    }
    record = organisations.add_provider("acme", "s3", "a", settings)
    organisations.record_verification(record, ok=True)
    organisations.set_default("acme", "a")
    resolver = Resolver(organisations)
    yield resolver
    resolver.close()


def test_a_url_that_needs_no_headers_is_given(files: Any, seaweedfs_target: Target) -> None:
    path = f"{seaweedfs_target.bucket}/signed/a"

    url = files.sign(path, method="PUT")
    with urllib.request.urlopen(urllib.request.Request(url, data=b"12345", method="PUT")) as answer:  # noqa: S310
        assert 200 == answer.status

    assert b"12345" == files.cat_file(path)


@pytest.mark.asyncio
async def test_a_url_that_needs_headers_is_refused_with_the_call_that_gives_them(
    files: Any, seaweedfs_target: Target
) -> None:
    path = f"{seaweedfs_target.bucket}/signed/a"

    with pytest.raises(NotSupportedError, match=r"Content-Type.*Storage\.presign"):
        files.sign(path, method="PUT", content_type="application/pdf")
    with pytest.raises(NotSupportedError, match=r"Content-Type.*Storage\.presign"):
        await files._sign(path, method="PUT", content_type="application/pdf")


@pytest.mark.asyncio
async def test_a_revision_is_neither_written_nor_removed_by_a_signed_path(resolver: Resolver) -> None:
    path, files = f"kazinex://{REVISION.build()}", OrganisationFileSystem(resolver=resolver)
    DocumentStore(resolver).upload(REVISION, b"ORIGINAL")

    for method, refusal in (("PUT", PolicyError), ("DELETE", NotSupportedError)):
        with pytest.raises(refusal):
            files.sign(path, method=method)
        with pytest.raises(refusal):
            await files._sign(path, method=method)

    assert b"ORIGINAL" == DocumentStore(resolver).open(REVISION).read()
    with urllib.request.urlopen(files.sign(path)) as answer:  # noqa: S310
        assert b"ORIGINAL" == answer.read()


def test_a_storage_of_an_organisation_signs_what_creates_a_revision(resolver: Resolver) -> None:
    storage, key = resolver.storage_for("acme"), "bridge/DRG-1/P01/plan.pdf"
    options = PresignOptions(method="PUT", size=8, content_type="application/pdf")
    url = storage.presign(key, options)

    statuses = [send(url, body)[0] for body in (b"ORIGINAL", b"REPLACED")]

    assert [200, 412] == statuses
    assert {"size", "type", "create"} == url.bound
    assert not url.needs_confirm
    assert 8 == storage.confirm(key, options, write_token=url.write_token).size
    assert b"ORIGINAL" == DocumentStore(resolver).open(REVISION).read()
    with pytest.raises(AlreadyExistsError):
        storage.put(key, b"REPLACED")


@pytest.mark.parametrize("declared", [False, True])
def test_what_a_signed_put_brought_is_a_document_when_it_is_confirmed(resolver: Resolver, declared: bool) -> None:
    storage, key = resolver.storage_for("acme"), "bridge/DRG-1/P01/plan.pdf"
    sha256 = hashlib.sha256(b"ORIGINAL").hexdigest() if declared else None
    options = PresignOptions(method="PUT", size=8, sha256=sha256)
    url = storage.presign(key, options)
    assert 200 == send(url, b"ORIGINAL")[0]
    assert resolver.revisions.revision(REVISION) is None

    with pytest.raises(ValueError, match="write_token"):
        storage.confirm(key, options)
    for _ in range(2):
        storage.confirm(key, options, write_token=url.write_token)

    recorded = resolver.revisions.revision(REVISION)
    assert recorded is not None
    assert (REVISION, sha256) == (recorded.document, recorded.sha256)


def test_what_was_confirmed_is_no_longer_removed_by_a_policy_of_later(resolver: Resolver) -> None:
    """A call that is repeated after its answer was lost meets the rules of now."""
    key, options = "bridge/DRG-1/P01/plan.pdf", PresignOptions(method="PUT", size=8)
    storage = resolver.storage_for("acme")
    url = storage.presign(key, options)
    assert 200 == send(url, b"ORIGINAL")[0]
    storage.confirm(key, options, write_token=url.write_token)
    resolver.organisations.set_allowlist("acme", ["dwg"])

    with pytest.raises(PolicyError, match="left alone"):
        resolver.storage_for("acme").confirm(key, options, write_token=url.write_token)

    assert b"ORIGINAL" == storage.get_bytes(key)


@pytest.mark.parametrize("removed", [False, True])
def test_what_a_signed_put_brought_too_late_is_taken_away(resolver: Resolver, removed: bool) -> None:
    """It was signed while the revision was free."""
    storage, documents = resolver.storage_for("acme"), DocumentStore(resolver)
    options, key = PresignOptions(method="PUT", size=8), "bridge/DRG-1/P01/late.pdf"
    url = storage.presign(key, options)
    documents.upload(REVISION, b"ORIGINAL")
    if removed:
        documents.remove(REVISION)
    assert 200 == send(url, b"REPLACED")[0]

    with pytest.raises(AlreadyExistsError, match="was removed" if removed else "has the file"):
        storage.confirm(key, options, write_token=url.write_token)

    assert ([] if removed else [REVISION]) == [found.document for found in documents.revisions(REVISION)]
