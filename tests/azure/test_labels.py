"""azure-storage-blob reads the tags and tiers that we set; uploads in parts and copies keep the tags."""

from __future__ import annotations

from azure.storage.blob import ContainerClient

from kazinex_storage import PutOptions, Storage

TAGS = {"project": "north", "state": "1/2 a+b"}


def test_the_witness_reads_the_tags_and_the_tier_that_we_set(storage: Storage, witness: ContainerClient) -> None:
    storage.put("a", b"1", PutOptions(tags=TAGS, storage_class="Cool"))

    blob = witness.get_blob_client("a")
    found, tier = blob.get_blob_tags(), blob.get_blob_properties().blob_tier
    blob.set_blob_tags({"state": "approved"})

    assert TAGS == found
    assert "Cool" == tier
    assert {"state": "approved"} == storage.tags("a")


def test_an_upload_in_parts_keeps_what_it_was_begun_with(storage: Storage) -> None:
    state = storage.begin_upload("a", 3, PutOptions(tags=TAGS, storage_class="Cool"))
    storage.resume_upload(state, b"123")

    assert TAGS == storage.tags("a")
    assert "Cool" == storage.head("a").storage_class
