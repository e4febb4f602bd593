"""boto3 reads the tags and classes that we set, and we those that it set; uploads in parts keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazinex_storage import PutOptions, Storage
from kazinex_storage.providers.s3.target import Target

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TAGS = {"project": "north + south", "state": "1/2"}


def test_boto3_reads_the_tags_and_the_class_that_we_set(
    seaweedfs_storage: Storage, seaweedfs_target: Target, seaweedfs_witness: S3Client
) -> None:
    bucket, name = seaweedfs_target.bucket, f"{seaweedfs_target.prefix}a"
    seaweedfs_storage.put("a", b"1", PutOptions(tags=TAGS, storage_class="STANDARD_IA"))

    found = seaweedfs_witness.get_object_tagging(Bucket=bucket, Key=name)["TagSet"]
    head = seaweedfs_witness.head_object(Bucket=bucket, Key=name)
    seaweedfs_witness.put_object_tagging(Bucket=bucket, Key=name, Tagging={"TagSet": [{"Key": "a", "Value": "b c"}]})

    assert {tag["Key"]: tag["Value"] for tag in found} == TAGS
    assert "STANDARD_IA" == head["StorageClass"]
    assert {"a": "b c"} == seaweedfs_storage.tags("a")


def test_an_upload_in_parts_keeps_the_tags_and_the_class_it_was_begun_with(seaweedfs_storage: Storage) -> None:
    options = PutOptions(tags=TAGS, storage_class="STANDARD_IA")
    state = seaweedfs_storage.begin_upload("a", 3, options)
    seaweedfs_storage.resume_upload(state, b"123")

    assert TAGS == seaweedfs_storage.tags("a")
    assert "STANDARD_IA" == seaweedfs_storage.head("a").storage_class
