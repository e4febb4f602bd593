"""The provider passes the conformance kit behind the strict R2 front, in plain http and over TLS."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.errors import AlreadyExistsError
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import R2, Credentials, Target
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_conditional import ConditionalContract
from kazinex_storage.testing.contract_get import GetContract
from kazinex_storage.testing.contract_part_faults import PartFaultContract
from kazinex_storage.testing.contract_parts import PartContract
from kazinex_storage.testing.contract_put import PutContract
from kazinex_storage.testing.contract_resume import ResumeContract
from kazinex_storage.testing.contract_versions import VersionContract
from kazinex_storage.testing.emulators.cloudflare import Answer, Kind, R2Front, RequestFault, r2_front
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import RetryPolicy, Transport, TransportSettings
from kazinex_storage.types import PutMode, PutOptions
from kazinex_storage.verbs import AnyProvider

from ..keeping import keeping

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def front(ministack_server: S3Server) -> Iterator[R2Front]:
    with r2_front(ministack_server) as front:
        yield front


@pytest.fixture(scope="module")
def r2_bucket(front: R2Front) -> str:
    return front.make_bucket()


@pytest.fixture(scope="module")
def r2_witness(front: R2Front) -> S3Client:
    return front.client()


class R2Harness(Harness):
    """A folder of one bucket for each provider, reached with a token for objects in that bucket alone."""

    max_examples = 8
    shrink = False

    def __init__(self, front: R2Front, bucket: str, witness: S3Client) -> None:
        self._bucket = bucket
        self._witness = witness
        self._front = front
        self._token = front.token([bucket])
        self._prefix = ""

    def make(self) -> AnyProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        return S3Provider(
            Target(
                kind="r2",
                preset=replace(R2, write_interval_s=0),  # the front takes more than one write a second
                endpoint_url=self._front.endpoint_url,
                bucket=self._bucket,
                region="auto",
                credentials=Credentials(
                    access_key_id=self._token.access_key_id, secret_access_key=self._token.secret_access_key
                ),
                prefix=self._prefix,
                max_object_bytes=R2.max_object_bytes,
            )
        )

    def peek(self, key: str) -> bytes | None:
        try:
            return self._witness.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"].read()
        except self._witness.exceptions.NoSuchKey:
            return None

    def poke(self, key: str, data: bytes) -> None:
        self._witness.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def close(self) -> None:
        """Keep the witness, which all tests share."""


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestR2Front(ProviderContract):
    """R2's rules, enforced."""

    @pytest.fixture(autouse=True)
    def _use(self, front: R2Front, r2_bucket: str, r2_witness: S3Client) -> None:
        self._parts = (front, r2_bucket, r2_witness)

    def harness(self) -> Harness:
        return R2Harness(*self._parts)


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestWhatIsDeletedStays(VersionContract, OnBench):
    """What this library keeps, where the service does not."""

    @pytest.fixture(autouse=True)
    def _use(self, front: R2Front, r2_bucket: str, r2_witness: S3Client) -> None:
        self._parts = (front, r2_bucket, r2_witness)

    def harness(self) -> Harness:
        return keeping(R2Harness(*self._parts))


@pytest.fixture(scope="module")
def tls_parts(ministack_server: S3Server) -> Iterator[tuple[R2Front, str, S3Client]]:
    with r2_front(ministack_server, tls=True) as front, contextlib.closing(front.client()) as witness:
        yield front, front.make_bucket(), witness


@pytest.mark.parametrize("bench", [""], ids=["tls"], indirect=True)
class TestR2FrontOverTls(
    OnBench, PutContract, GetContract, ConditionalContract, PartContract, PartFaultContract, ResumeContract
):
    """What differs over TLS: payloads are not signed, and have checksums in their place."""

    @pytest.fixture(autouse=True)
    def _use(self, tls_parts: tuple[R2Front, str, S3Client], monkeypatch: pytest.MonkeyPatch) -> None:
        assert tls_parts[0].ca_file is not None
        monkeypatch.setenv("SSL_CERT_FILE", tls_parts[0].ca_file)
        self._parts = tls_parts

    def harness(self) -> Harness:
        return R2Harness(*self._parts)


@pytest.fixture
def r2_storage(front: R2Front, r2_bucket: str, r2_witness: S3Client) -> Iterator[tuple[Storage, str]]:
    """A storage that waits for nothing, and the folder in the bucket that it is in."""
    harness = R2Harness(front, r2_bucket, r2_witness)
    provider = harness.make()
    retry = RetryPolicy(attempts=3, base_s=0.001, first_429_wait_s=0)
    with contextlib.closing(Transport(settings=TransportSettings(proxy=""), retry=retry)) as transport:
        yield Storage(provider, transport=transport), harness._prefix


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER], ids=["before", "after"])
def test_a_create_only_copy_whose_answer_was_lost_is_found_done(
    front: R2Front, r2_storage: tuple[Storage, str], kind: Kind
) -> None:
    storage, _ = r2_storage
    storage.put(
        "a", b"12345", PutOptions(content_type="application/pdf", metadata={"author": "A. Müller"}, digest="sha256")
    )
    front.faults.add(RequestFault(kind=kind, method="PUT", contains="/b"))

    info = storage.copy("a", "b", mode=PutMode.CREATE)

    found = storage.head("b")
    assert (5, info.etag, "application/pdf", {"author": "A. Müller"}, hashlib.sha256(b"12345").hexdigest()) == (
        info.size,
        found.etag,
        found.content_type,
        found.metadata,
        found.sha256,
    )


@pytest.mark.parametrize("lost", [False, True])
def test_a_create_only_copy_is_not_taken_for_anothers_copy_of_the_same(
    front: R2Front, r2_storage: tuple[Storage, str], lost: bool
) -> None:
    storage, _ = r2_storage
    storage.put("a", b"12345")
    storage.copy("a", "b", mode=PutMode.CREATE)
    if lost:
        front.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PUT", contains="/b"))

    with pytest.raises(AlreadyExistsError):
        storage.copy("a", "b", mode=PutMode.CREATE)


@pytest.mark.parametrize("status", [503, 429])
def test_a_create_only_copy_that_is_refused_for_a_while_is_repeated(
    front: R2Front, r2_storage: tuple[Storage, str], status: int
) -> None:
    storage, _ = r2_storage
    storage.put("a", b"12345")
    answer = Answer(status=status, headers={"retry-after": "0"})
    front.faults.add(RequestFault(kind=Kind.ANSWER, method="PUT", contains="/b", answer=answer))

    assert 5 == storage.copy("a", "b", mode=PutMode.CREATE).size


@pytest.mark.parametrize("mode", list(PutMode))
def test_a_copy_keeps_what_no_option_can_say(
    r2_storage: tuple[Storage, str], r2_bucket: str, r2_witness: S3Client, mode: PutMode
) -> None:
    storage, folder = r2_storage
    others = {"ContentEncoding": "zstd", "ContentLanguage": "de"}
    r2_witness.put_object(Bucket=r2_bucket, Key=f"{folder}a", Body=b"12345", **others)  # type: ignore[arg-type]

    storage.copy("a", "b", mode=mode)

    found = r2_witness.head_object(Bucket=r2_bucket, Key=f"{folder}b")
    assert others == {name: found.get(name) for name in others}


del (
    ProviderContract,
    PutContract,
    GetContract,
    ConditionalContract,
    PartContract,
    PartFaultContract,
    ResumeContract,
)  # pytest would collect them as well
