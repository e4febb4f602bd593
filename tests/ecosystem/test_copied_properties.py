"""What stands beside the bytes of an object goes along to another bucket or provider, or is said to be lost."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from kazinex_storage import Organisations, PutOptions, Resolver
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.storage.rules import metadata_of
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.types import ObjectInfo, PutMode

from .conftest import Served

KEPT = PutOptions(
    content_type="application/json",
    content_disposition='inline; filename="plan.json"',
    cache_control="no-store",
    content_encoding="gzip",
    content_language="de",
    metadata={"author": "A. Person", "title": "Übersicht"},
)
BODY = gzip.compress(b"{}", mtime=0)


@pytest.fixture(scope="module", params=["local", "s3", "r2", "supabase", "azure", "sharepoint"])
def served(request: pytest.FixtureRequest) -> Served:
    found: Served = request.getfixturevalue(f"{request.param}_served")
    return found


@pytest.fixture
def resolver(served: Served) -> Iterator[Resolver]:
    """An organisation whose project ``there`` is on the provider, and whose other ones are in memory."""
    fs: Any = served.open()
    settings = dict(served.options)
    if served.place:
        settings[fs.place_field] = served.place
    if fs.kind == "local":
        settings["root"] = str(settings["root"])
    with closing(Organisations(MemoryCatalogue())) as organisations, closing(Resolver(organisations)) as resolver:
        for kind, label, given in (("memory", "here", {}), (fs.kind, "there", settings)):
            record = organisations.add_provider("acme", kind, label, given)
            organisations.record_verification(record, ok=True)
            if label == "here":
                organisations.set_default("acme", record.id)
            else:
                organisations.set_override("acme", "there", record.id)
        yield resolver


def looked_up(resolver: Resolver, key: str) -> ObjectInfo:
    return resolver.chosen("acme", key.partition("/")[0]).storage.head(key)


def beside(info: ObjectInfo) -> PutOptions:
    return PutOptions.of(info, PutMode.REPLACE)


def test_a_move_there_and_back_keeps_everything_or_says_what_is_lost(
    resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    """The bytes are not packed: where no encoding is kept, packed ones would be refused under such a name."""
    fs, body = OrganisationFileSystem(resolver=resolver), b'{"drawing": 1}'
    resolver.chosen("acme", "here").storage.put("here/tables/a.json", body, KEPT)

    with caplog.at_level(logging.WARNING):
        fs.mv("acme/here/tables/a.json", "acme/there/tables/a.json")
        there = looked_up(resolver, "there/tables/a.json")
        fs.mv("acme/there/tables/a.json", "acme/here/tables/b.json")

    here = looked_up(resolver, "here/tables/b.json")
    assert body == fs.cat_file("acme/here/tables/b.json")
    if metadata_of(beside(there)):
        assert KEPT == beside(there) == beside(here)
        assert "the copy is without" not in caplog.text
    else:
        lost = "metadata, content disposition, cache control, content encoding, content language"
        assert f"sharepoint keeps no {lost}: the copy is without" in caplog.text


def test_a_copy_between_buckets_keeps_the_headers_that_others_wrote(
    ministack_server: S3Server, s3_served: Served
) -> None:
    fs, other, client = s3_served.open(), ministack_server.make_bucket(), ministack_server.client()
    path = f"{s3_served.folder()}/a.json"
    bucket, _, key = path.partition("/")
    headers: dict[str, Any] = {"ContentEncoding": "gzip", "ContentLanguage": "de", "ContentType": "application/json"}
    client.put_object(Bucket=bucket, Key=key, Body=BODY, **headers)

    fs.copy(path, f"{other}/copied.json")
    fs.mv(path, f"{other}/moved.json")

    for name in ("copied.json", "moved.json"):
        found: dict[str, Any] = dict(client.head_object(Bucket=other, Key=name))
        assert headers == {header: found.get(header) for header in headers}
