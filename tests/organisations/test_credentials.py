"""New credentials are proven while the old ones are in use, then take their place; the old ones stay for a while."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from kazinex_storage import (
    DocumentKey,
    DocumentStore,
    Organisations,
    Resolver,
    verify_credentials,
    verify_provider,
)
from kazinex_storage.documents.events import Event
from kazinex_storage.errors import RecordConflictError, RecordNotFoundError, SealError, SettingsError
from kazinex_storage.organisations import (
    Catalogue,
    CredentialStatus,
    KeyRing,
    MemoryCatalogue,
    ProviderRecord,
    ProviderStatus,
    Sealer,
    SqlCatalogue,
)
from kazinex_storage.organisations.credential_versions import RotatingCatalogue
from kazinex_storage.organisations.rotating import DEFAULT_GRACE
from kazinex_storage.organisations.rotation import KeptVersionSecret
from kazinex_storage.registry import Registry
from kazinex_storage.testing.servers import S3Server

Verified = Callable[..., ProviderRecord]
NEW = {"token": "example-new-token-not-real"}


@pytest.fixture(params=["memory", "sqlite"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path, sealer: Sealer) -> Iterator[Catalogue]:
    """Without PostgreSQL: what is peculiar about it is in ``database.py``."""
    made = MemoryCatalogue() if request.param == "memory" else SqlCatalogue(tmp_path / "catalogue.db", sealer)
    yield made
    made.close()


def proven(organisations: Organisations, settings: dict[str, object] | None = None) -> None:
    """Propose and prove, without a service."""
    found = organisations.propose_credentials("org-1", "Vault", settings or NEW)
    organisations.record_credentials_check(found, ok=True)


def token(organisations: Organisations) -> str:
    return organisations.find("org-1", "Vault").secrets.reveal()["token"]


def statuses(organisations: Organisations) -> list[tuple[int, str]]:
    return [(found.version, found.status.value) for found in organisations.credentials("org-1", "Vault")]


def test_new_credentials_take_the_place_of_old_ones_when_they_are_proven(
    organisations: Organisations, verified: Verified
) -> None:
    before = verified()
    proposal = organisations.propose_credentials("org-1", "Vault", NEW)
    while_proposed = token(organisations), organisations.find("org-1", "Vault").status
    organisations.record_credentials_check(proposal, ok=True)

    after = organisations.activate_credentials("org-1", "Vault")

    assert ("example-token-not-real", ProviderStatus.VERIFIED) == while_proposed
    assert (NEW["token"], ProviderStatus.VERIFIED) == (token(organisations), after.status)
    assert (before.id, before.settings_version + 1) == (after.id, after.settings_version)
    assert [(2, "ACTIVE"), (1, "RETIRED")] == statuses(organisations)
    retired = organisations.credentials("org-1", "Vault")[1]
    assert "example-token-not-real" == retired.secrets.reveal()["token"]
    assert retired.drop_at is not None
    assert DEFAULT_GRACE == retired.drop_at - (retired.retired_at or retired.drop_at)


def test_what_is_not_proven_is_not_activated(organisations: Organisations, verified: Verified) -> None:
    verified()
    with pytest.raises(RecordNotFoundError, match="no credentials are proposed"):
        organisations.activate_credentials("org-1", "Vault")
    proposal = organisations.propose_credentials("org-1", "Vault", NEW)
    with pytest.raises(SettingsError, match="PROPOSED; verify them first"):
        organisations.activate_credentials("org-1", "Vault")
    organisations.record_credentials_check(proposal, ok=False, error=f"refused {NEW['token']}")

    with pytest.raises(SettingsError, match=r"FAILED: refused \*\*\*"):
        organisations.activate_credentials("org-1", "Vault")

    assert "example-token-not-real" == token(organisations)


def test_settings_that_were_changed_meanwhile_outdate_a_proposal(
    organisations: Organisations, verified: Verified
) -> None:
    verified()
    proven(organisations)
    organisations.update_provider("org-1", "Vault", settings={"bucket": "other"})

    with pytest.raises(RecordConflictError, match="propose them again"):
        organisations.activate_credentials("org-1", "Vault")

    proven(organisations)
    organisations.activate_credentials("org-1", "Vault")
    assert "other" == organisations.find("org-1", "Vault").settings["bucket"]


def test_a_second_proposal_makes_the_first_one_go(organisations: Organisations, verified: Verified) -> None:
    verified()
    first = organisations.propose_credentials("org-1", "Vault", {"token": "example-first-not-real"})
    proven(organisations)

    with pytest.raises(RecordConflictError, match="replaced while they were verified"):
        organisations.record_credentials_check(first, ok=False, error="late")
    assert [(2, "PROVEN"), (1, "ACTIVE")] == statuses(organisations)


def test_a_retired_version_comes_back_once_it_is_proven_to_work(
    organisations: Organisations, verified: Verified
) -> None:
    verified()
    proven(organisations)
    organisations.activate_credentials("org-1", "Vault")
    with pytest.raises(SettingsError, match="not verified since"):
        organisations.activate_credentials("org-1", "Vault", version=1)
    _, retired = organisations.credentials_to_verify("org-1", "Vault", 1)
    organisations.record_credentials_check(retired, ok=True)

    organisations.activate_credentials("org-1", "Vault", version=1)

    assert "example-token-not-real" == token(organisations)
    assert [(3, "ACTIVE"), (2, "RETIRED")] == statuses(organisations)


def test_what_is_retired_is_forgotten_after_its_grace(
    catalogue: Catalogue, registry: Registry, verified: Verified
) -> None:
    moment = [datetime(2026, 8, 1, 12, tzinfo=UTC)]
    told: list[Event] = []
    organisations = Organisations(catalogue, registry, clock=lambda: moment[0], on_event=told.append)
    verified()
    proven(organisations)
    organisations.activate_credentials("org-1", "Vault", grace=timedelta(days=2))

    early = organisations.drop_retired_credentials()
    moment[0] += timedelta(days=2)
    due = organisations.drop_retired_credentials()

    assert ((), [1]) == (early, [found.version for found in due])
    assert [(2, "ACTIVE")] == statuses(organisations)
    told_of = [event.to_dict()["status"] for event in told if event.name == "credentials.changed"]
    assert ["PROPOSED", "PROVEN", "ACTIVE", "RETIRED", "DROPPED"] == told_of
    assert not any("token-not-real" in str(event.to_dict()) for event in told)


def test_a_proposal_is_for_the_same_place(tmp_path: Path) -> None:
    organisations = Organisations(MemoryCatalogue())
    keys = {"access_key_id": "AKIAEXAMPLENOTREAL00", "secret_access_key": "example-not-real"}
    organisations.add_provider("org-1", "s3", "Bucket", {**keys, "bucket": "plans", "region": "eu-central-1"})
    other = {**keys, "secret_access_key": "example-other-not-real"}

    with pytest.raises(SettingsError, match="the same place"):
        organisations.propose_credentials("org-1", "Bucket", {**other, "bucket": "other-plans"})
    with pytest.raises(SettingsError, match="enter others"):
        organisations.propose_credentials("org-1", "Bucket", keys)
    assert "PROPOSED" == organisations.propose_credentials("org-1", "Bucket", other).status.value


def test_versions_are_sealed_resealed_and_go_with_their_provider(tmp_path: Path, registry: Registry) -> None:
    place, first, second = tmp_path / "catalogue.db", KeyRing.generate(), KeyRing.generate()
    organisations = Organisations(SqlCatalogue(place, Sealer(first)), registry)
    organisations.add_provider("org-1", "vault", "Vault", {"bucket": "plans", "token": "example-token-not-real"})
    proven(organisations)
    organisations.close()
    dump = b"".join(file.read_bytes() for file in tmp_path.glob("catalogue.db*"))
    rotated = Organisations(SqlCatalogue(place, Sealer(first.with_first(second))), registry)
    changed = rotated.reseal()
    rotated.close()
    after = Organisations(SqlCatalogue(place, Sealer(second)), registry)

    assert NEW["token"].encode() not in dump
    assert 2 == changed
    assert NEW["token"] == after.credentials("org-1", "Vault")[0].secrets.reveal()["token"]
    after.remove_provider("org-1", "Vault")
    again = after.add_provider("org-1", "vault", "Vault", {"bucket": "plans", "token": "example-token-not-real"})
    assert [again.settings_version] == [found.version for found in after.credentials("org-1", "Vault")]
    after.close()


def test_old_credentials_that_cannot_be_opened_do_not_stop_new_ones(tmp_path: Path, registry: Registry) -> None:
    place = tmp_path / "catalogue.db"
    organisations = Organisations(SqlCatalogue(place, Sealer(KeyRing.generate())), registry)
    organisations.add_provider("org-1", "vault", "Vault", {"bucket": "plans", "token": "example-token-not-real"})
    organisations.close()
    lost = Organisations(SqlCatalogue(place, Sealer(KeyRing.generate())), registry)
    with pytest.raises(SealError):
        token(lost)

    proven(lost)
    lost.activate_credentials("org-1", "Vault")

    assert NEW["token"] == token(lost)
    assert [(2, "ACTIVE")] == statuses(lost)
    lost.close()


def test_an_activation_that_a_hook_refuses_changes_nothing(tmp_path: Path, registry: Registry) -> None:
    """Active, retired and dropped are one transaction: what stops it half way undoes all of it."""

    def refuse(event: Event) -> None:
        if event.to_dict().get("status") == "RETIRED":
            raise ZeroDivisionError

    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    organisations = Organisations(catalogue, registry, on_event=refuse)
    organisations.add_provider("org-1", "vault", "Vault", {"bucket": "plans", "token": "example-token-not-real"})
    proven(organisations)

    with pytest.raises(ZeroDivisionError):
        organisations.activate_credentials("org-1", "Vault")

    assert [(2, "PROVEN"), (1, "ACTIVE")] == statuses(organisations)
    assert "example-token-not-real" == token(organisations)
    organisations.close()


def test_a_secret_that_the_service_replaces_while_it_is_proven_is_kept(
    organisations: Organisations, verified: Verified, catalogue: Catalogue
) -> None:
    verified()
    proposal = organisations.propose_credentials("org-1", "Vault", NEW)
    assert isinstance(catalogue, RotatingCatalogue)
    kept = KeptVersionSecret(catalogue.credentials, proposal, "token")

    swapped, late = kept.swap(NEW["token"], "example-newer-not-real"), kept.swap(NEW["token"], "example-late-not-real")
    organisations.record_credentials_check(proposal, ok=True)
    organisations.activate_credentials("org-1", "Vault")

    assert (True, False) == (swapped, late)
    assert "example-newer-not-real" == token(organisations)


@pytest.fixture
def new_key(seaweedfs_server: S3Server) -> tuple[dict[str, str], Callable[[], object]]:
    """Settings of a bucket with a key that may be deleted, and what deletes it."""
    iam: Any = boto3.client(  # boto3-stubs[s3] knows S3 only
        "iam",
        endpoint_url=seaweedfs_server.endpoint_url,
        aws_access_key_id=seaweedfs_server.access_key_id,
        aws_secret_access_key=seaweedfs_server.secret_access_key,
        region_name=seaweedfs_server.region,
    )
    bucket, name = seaweedfs_server.make_bucket(), f"user-{secrets.token_hex(4)}"
    statement = {
        "Effect": "Allow",
        "Action": ["s3:*"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    settings = {
        "bucket": bucket,
        "endpoint_url": seaweedfs_server.endpoint_url,
        "region": seaweedfs_server.region,
        "access_key_id": key["AccessKeyId"],
        "secret_access_key": key["SecretAccessKey"],
    }
    return settings, lambda: iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])


def test_a_service_proves_credentials_and_what_was_begun_under_old_ones_goes_on(
    new_key: tuple[dict[str, str], Callable[[], object]], seaweedfs_server: S3Server, tmp_path: Path
) -> None:
    """Over a server that verifies signatures: wrong keys never reach the calls of documents."""
    settings, delete_old_key = new_key
    organisations = Organisations(SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate())))
    organisations.add_provider("org-1", "s3", "Bucket", settings)
    assert verify_provider(organisations, "org-1", "Bucket").ok
    organisations.set_default("org-1", "Bucket")
    resolver = Resolver(organisations)
    documents = DocumentStore(resolver)
    held = resolver.storage_for("org-1")
    state = held.begin_upload("bridge/DRG-1/P02/b.pdf", size=8)
    wrong = {"access_key_id": "example-wrong-not-real", "secret_access_key": "example-wrong-not-real"}
    right = {
        "access_key_id": seaweedfs_server.access_key_id,
        "secret_access_key": seaweedfs_server.secret_access_key,
    }

    organisations.propose_credentials("org-1", "Bucket", wrong)
    refused = verify_credentials(organisations, "org-1", "Bucket")
    failed = organisations.credentials("org-1", "Bucket")[0]
    organisations.propose_credentials("org-1", "Bucket", right)
    proof = verify_credentials(organisations, "org-1", "Bucket")
    organisations.activate_credentials("org-1", "Bucket")
    receipt = documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "a.pdf"), b"%PDF-1.7")

    assert (False, CredentialStatus.FAILED, True) == (refused.ok, failed.status, proof.ok)
    assert b"%PDF-1.7" == held.get_bytes("bridge/DRG-1/P01/a.pdf"), "a storage that was opened under the old ones"
    assert 8 == resolver.storage_for("org-1").resume_upload(state, b"12345678").size, "a state from before"
    delete_old_key()
    assert b"%PDF-1.7" == documents.get_bytes(receipt), "nothing needs the old ones any more"
    resolver.close()
    organisations.close()
