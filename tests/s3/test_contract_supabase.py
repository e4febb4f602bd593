"""The provider passes the conformance kit behind the Supabase front, where create-only goes through REST."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.capabilities import Capability
from kazinex_storage.errors import AlreadyExistsError, FileTooLargeError, NotSupportedError
from kazinex_storage.providers.s3 import SupabaseSettings, open_supabase
from kazinex_storage.providers.s3.names import encode
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_versions import VersionContract
from kazinex_storage.testing.emulators.cloudflare import Kind, RequestFault
from kazinex_storage.testing.emulators.supabase import SupabaseFront, supabase_front
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.types import PutMode, PutOptions
from kazinex_storage.verbs import AnyProvider
from kazinex_storage.verification.verify import CheckStatus, verify

from ..keeping import keeping
from ..organisations.binding import bound_once

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CREATE = PutOptions(mode=PutMode.CREATE)


@pytest.fixture(scope="module")
def front(ministack_server: S3Server) -> Iterator[SupabaseFront]:
    with supabase_front(ministack_server) as front:
        yield front


@pytest.fixture(scope="module")
def supabase_bucket(front: SupabaseFront) -> str:
    return front.make_bucket()


@pytest.fixture(scope="module")
def behind(ministack_server: S3Server) -> S3Client:
    """boto3 on the server behind the front."""
    return ministack_server.client()


def settings_of(front: SupabaseFront, bucket: str, prefix: str = "", *, rest: bool = True) -> SupabaseSettings:
    return SupabaseSettings.model_validate(
        {
            "project_ref": front.project_ref,
            "region": front.region,
            "access_key_id": front.access_key_id,
            "secret_access_key": front.secret_access_key,
            "bucket": bucket,
            "service_key": front.service_key if rest else None,
            "prefix": prefix,
            "endpoint_url": front.endpoint_url,
        }
    )


class SupabaseHarness(Harness):
    """A folder of one bucket for each provider; the back door is behind the front."""

    max_examples = 8
    shrink = False

    def __init__(self, front: SupabaseFront, bucket: str, witness: S3Client) -> None:
        self._front = front
        self._bucket = bucket
        self._witness = witness
        self._prefix = ""

    def make(self) -> AnyProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        return open_supabase(settings_of(self._front, self._bucket, self._prefix))

    def peek(self, key: str) -> bytes | None:
        bucket = self._front.behind(self._bucket)
        try:
            return self._witness.get_object(Bucket=bucket, Key=self._prefix + encode(key))["Body"].read()
        except self._witness.exceptions.NoSuchKey:
            return None

    def poke(self, key: str, data: bytes) -> None:
        bucket = self._front.behind(self._bucket)
        self._witness.put_object(Bucket=bucket, Key=self._prefix + encode(key), Body=data)

    def close(self) -> None:
        """Keep the witness, which all tests share."""


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestSupabaseFront(ProviderContract):
    """Supabase's rules, enforced."""

    @pytest.fixture(autouse=True)
    def _use(self, front: SupabaseFront, supabase_bucket: str, behind: S3Client) -> None:
        self._places = (front, supabase_bucket, behind)

    def harness(self) -> Harness:
        return SupabaseHarness(*self._places)


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestWhatIsDeletedStays(VersionContract, OnBench):
    """What this library keeps, where the service does not."""

    @pytest.fixture(autouse=True)
    def _use(self, front: SupabaseFront, supabase_bucket: str, behind: S3Client) -> None:
        self._parts = (front, supabase_bucket, behind)

    def harness(self) -> Harness:
        return keeping(SupabaseHarness(*self._parts))


del ProviderContract  # pytest would collect it as well


@pytest.fixture
def settings(front: SupabaseFront, supabase_bucket: str) -> SupabaseSettings:
    return settings_of(front, supabase_bucket, f"{secrets.token_hex(4)}/")


@pytest.fixture
def storage(settings: SupabaseSettings) -> Iterator[Storage]:
    with Storage(open_supabase(settings)) as storage:
        yield storage


def test_without_a_service_key_a_create_is_refused_and_says_why(front: SupabaseFront, supabase_bucket: str) -> None:
    with Storage(open_supabase(settings_of(front, supabase_bucket, rest=False))) as storage:
        assert not storage.info.can(Capability.CREATE_ONLY)
        with pytest.raises(NotSupportedError, match="service key"):
            storage.put("a", b"1", CREATE)


def test_a_create_whose_answer_was_lost_recognises_its_own_object(front: SupabaseFront, storage: Storage) -> None:
    front.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="POST", contains="/object/"))

    storage.put("a", b"ours", CREATE)

    assert b"ours" == storage.get_bytes("a")


def test_a_create_over_an_object_of_the_same_bytes_is_refused(storage: Storage) -> None:
    storage.put("a", b"same", CREATE)

    with pytest.raises(AlreadyExistsError):
        storage.put("a", b"same", CREATE)


def test_names_in_any_script_are_encoded_in_ascii(
    front: SupabaseFront, supabase_bucket: str, storage: Storage, settings: SupabaseSettings, behind: S3Client
) -> None:
    storage.put("Pläne/Grundriß #1 [alt].pdf", b"1", CREATE)

    listed = behind.list_objects_v2(Bucket=front.behind(supabase_bucket), Prefix=settings.prefix)["Contents"]
    assert [f"{settings.prefix}Pl=C3=A4ne/Grundri=C3=9F =231 =5Balt=5D.pdf"] == [entry["Key"] for entry in listed]
    assert ["Pläne/Grundriß #1 [alt].pdf"] == [info.key for info in storage.list("Plä")]


def test_names_that_other_programs_chose_are_not_listed(
    front: SupabaseFront, supabase_bucket: str, storage: Storage, settings: SupabaseSettings, behind: S3Client
) -> None:
    for name in ("50=2", "sub/.emptyFolderPlaceholder"):
        behind.put_object(Bucket=front.behind(supabase_bucket), Key=settings.prefix + name, Body=b"1")

    assert [] == list(storage.list())


def test_a_file_over_the_limit_of_the_project_is_refused(front: SupabaseFront, storage: Storage) -> None:
    front.max_file_bytes = 10
    try:
        for options in (CREATE, PutOptions()):
            with pytest.raises(FileTooLargeError):
                storage.put("a", b"12345678901", options)
    finally:
        front.max_file_bytes = None


def test_the_content_disposition_survives_in_the_metadata(storage: Storage) -> None:
    options = PutOptions(content_disposition='attachment; filename="a.pdf"', metadata={"author": "Müller"})
    for mode in PutMode:
        storage.put(f"a-{mode.value}", b"1", replace(options, mode=mode))

        info = storage.head(f"a-{mode.value}")

        assert ('attachment; filename="a.pdf"', {"author": "Müller"}) == (info.content_disposition, dict(info.metadata))


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
def test_a_public_bucket_is_not_verified(front: SupabaseFront, public: bool) -> None:
    """Supabase serves public buckets under an address of their own (issue 18, C5)."""
    provider = open_supabase(settings_of(front, front.make_bucket(public=public), "archive \u00e4/"))
    with Storage(provider, prefix="acme") as storage:
        report = verify(storage)

    failed = [(check.name, check.fix) for check in report.checks if check.status is CheckStatus.FAILED]
    fix = "Supabase dashboard, Storage, the bucket, Edit bucket: turn off Public bucket"
    assert ([("private", fix)] if public else []) == failed


def test_a_place_belongs_to_the_first_organisation(front: SupabaseFront) -> None:
    with Storage(open_supabase(settings_of(front, front.make_bucket(), "archive \u00e4/"))) as place:
        bound_once(place)
