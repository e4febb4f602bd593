"""verify() on containers: what it finds wrong, and what it tells the administrator to do."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from azure.storage.blob import ContainerClient, CorsRule, generate_blob_sas, generate_container_sas

from kazinex_storage import CheckStatus, Storage, VerificationReport, verify
from kazinex_storage.providers.azure_blob.causes import of_token
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import AccountKey, Identity, SasToken, Target
from kazinex_storage.testing.servers import AzuriteServer
from kazinex_storage.transport import RetryPolicy, Transport, TransportSettings

from ..organisations.binding import bound_once
from ..s3.proxy import Proxy, proxy, says
from ..transport.connect_proxy import private_network
from .conftest import azure_fails, azure_kind, target_of

SETTINGS = TransportSettings(connect_timeout_s=5, first_byte_timeout_s=5, idle_timeout_s=5, proxy="")
QUICK = RetryPolicy(attempts=2, base_s=0.001, first_429_wait_s=0)
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def verified(target: Target) -> VerificationReport:
    with closing(Transport(settings=SETTINGS, retry=QUICK)) as transport:
        return verify(Storage(AzureBlobProvider(target), transport=transport))


def explained(target: Target) -> str:
    """What a report says of its first failure: what it means and what to do."""
    report = verified(target)
    assert not report.ok
    check = next(check for check in report.checks if check.status is CheckStatus.FAILED)
    return f"{check.diagnosis} {check.fix}"


@pytest.fixture
def front(azurite_server: AzuriteServer) -> Iterator[Proxy]:
    with proxy(azurite_server.host_url, kind_of=azure_kind) as found:
        yield found


@pytest.fixture
def behind(front: Proxy, target: Target) -> Target:
    return replace(target, endpoint_url=f"{front.url}/{target.account}")


def signed(server: AzuriteServer, container: str, permission: str = "racwdl", hours: float = 1) -> SasToken:
    expiry = datetime.now(UTC) + timedelta(hours=hours)
    given = {"account_key": server.account_key, "permission": permission, "expiry": expiry}
    return SasToken(token=generate_container_sas(server.account, container, **given))  # type: ignore[arg-type]


def test_a_good_container_passes_every_check_and_keeps_nothing(target: Target, witness: ContainerClient) -> None:
    report = verified(target)

    assert report.ok, report.failure
    assert all(check.status is CheckStatus.PASSED for check in report.checks)
    assert [] == list(witness.list_blob_names())


@pytest.mark.parametrize("level", ["container", "blob"])
def test_a_container_that_anybody_may_read_fails(target: Target, witness: ContainerClient, level: str) -> None:
    """What verifies is private (issue 18, C5)."""
    witness.set_container_access_policy(signed_identifiers={}, public_access=level)

    report = verified(replace(target, prefix="archive/"))
    failed = [check.name for check in report.checks if check.status is CheckStatus.FAILED]

    assert ["private"] == failed
    assert "anybody can read" in (report.failure or "")
    assert "Change access level" in (report.failure or "")
    assert [] == list(witness.list_blob_names())


def test_a_signature_is_enough(azurite_server: AzuriteServer, target: Target, witness: ContainerClient) -> None:
    report = verified(replace(target, credential=signed(azurite_server, target.container)))

    assert report.ok, report.failure


@pytest.mark.parametrize(
    ("permission", "hours", "words"),
    [("rl", 1, "does not allow to write, delete"), ("racwdl", -1, "expired on")],
)
def test_a_signature_that_does_not_suffice_is_explained(
    azurite_server: AzuriteServer, target: Target, permission: str, hours: float, words: str
) -> None:
    said = explained(replace(target, credential=signed(azurite_server, target.container, permission, hours)))

    assert words in said
    assert "Shared access tokens" in said


def test_a_signature_for_one_blob_is_explained(azurite_server: AzuriteServer, target: Target) -> None:
    expiry = datetime.now(UTC) + timedelta(hours=1)
    given = {"account_key": azurite_server.account_key, "permission": "racwdl", "expiry": expiry}
    token = generate_blob_sas(azurite_server.account, target.container, "a", **given)  # type: ignore[arg-type]

    assert "for one blob" in explained(replace(target, credential=SasToken(token=token)))


def test_a_missing_container_is_named(azurite_server: AzuriteServer) -> None:
    said = explained(target_of(azurite_server, "missing"))

    assert "there is no container 'missing'" in said
    assert "this library never does" in said


def test_a_wrong_key_is_explained_without_it(target: Target) -> None:
    """Azurite calls it AuthorizationFailure, which is a firewall to the service; both are said then."""
    key = base64.b64encode(b"wrong" * 12).decode()
    said = explained(replace(target, credential=AccountKey(key=key)))

    assert "firewall" in said
    assert "enter the credential again" in said
    assert key not in said


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("AuthenticationFailed", 403, "not one of the account"),
        ("InvalidAuthenticationInfo", 401, "not one of the account"),
        ("KeyBasedAuthenticationNotPermitted", 403, "forbids its keys"),
        ("AuthorizationFailure", 403, "firewall"),
        ("AuthorizationPermissionMismatch", 403, "does not allow everything"),
        ("AuthorizationProtocolMismatch", 403, "write https://"),
        ("AuthorizationSourceIPMismatch", 403, "address of this machine"),
        ("AccountIsDisabled", 403, "is disabled"),
        ("ContainerNotFound", 404, "no container"),
    ],
)
def test_what_the_service_refuses_is_explained(
    front: Proxy, behind: Target, code: str, status: int, words: str
) -> None:
    front.on(do=azure_fails(status, code, ("Date", format_datetime(datetime.now(UTC), usegmt=True))), times=None)

    assert words in explained(behind)


def test_the_diagnosis_of_an_identity_without_a_role_names_the_role(front: Proxy, behind: Target) -> None:
    class Tokens:
        at_hand = None

        def __call__(self) -> str:
            return "example-token"

        def invalidate(self, token: str) -> None:
            raise AssertionError

    front.on(do=azure_fails(403, "AuthorizationPermissionMismatch"), times=None)

    said = explained(replace(behind, credential=Identity(tokens=Tokens())))

    assert "Storage Blob Data Contributor" in said


def test_a_clock_that_is_off_is_the_cause(front: Proxy, behind: Target) -> None:
    early = format_datetime(datetime.now(UTC) + timedelta(minutes=20), usegmt=True)
    front.on(do=azure_fails(403, "AuthenticationFailed", ("Date", early)), times=None)

    assert "20 minutes behind" in explained(behind)


def test_a_sign_in_page_is_an_unexpected_response(front: Proxy, behind: Target) -> None:
    front.on(do=says(200, b"<html>welcome</html>", kind="text/html"), times=None)

    assert "something other than the storage service" in explained(behind)


def test_an_account_that_is_nowhere_is_named(target: Target) -> None:
    said = explained(replace(target, endpoint_url="https://missing.invalid"))

    assert "'missing.invalid' is not known" in said
    assert "the name of the account" in said


def test_an_immutable_blob_is_a_warning_about_a_policy(front: Proxy, behind: Target) -> None:
    front.on("delete", do=azure_fails(409, "BlobImmutableDueToPolicy"), times=None)

    report = verified(behind)

    assert any("retention policy" in str(check.diagnosis) for check in report.checks)


def test_cors_is_asked_for_where_browsers_upload(
    azurite_server: AzuriteServer, target: Target, witness: ContainerClient
) -> None:
    origin = "https://app.kazinex.example"
    asking = replace(target, browser_origin=origin)

    before = verified(asking)
    with closing(azurite_server.client()) as client:
        rule = CorsRule([origin], ["GET", "PUT"], allowed_headers=["content-type", "x-ms-blob-type", "x-ms-meta-*"])
        client.set_service_properties(cors=[rule])
        after = verified(asking)
        client.set_service_properties(cors=[])

    assert before.ok
    cors = next(check for check in before.checks if check.name == "cors")
    assert CheckStatus.WARNING is cors.status
    assert "x-ms-blob-type" in str(cors.fix)
    assert all(check.status is CheckStatus.PASSED for check in after.checks)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("sp=rwdl&se=2026-01-01T00:00:00Z&sig=x", "expired on 2026-01-01"),
        ("sp=rwdl&st=2026-02-01&se=2026-03-01&sig=x", "valid from 2026-02-01"),
        ("sp=rl&se=2026-03-01&sr=c&sig=x", "write, delete"),
        ("ss=q&srt=sco&sp=rwdl&sig=x", "does not cover"),
        ("sr=b&sp=rwdl&sig=x", "one blob"),
    ],
)
def test_a_signature_says_itself_what_is_wrong_with_it(token: str, words: str) -> None:
    found = of_token(token, NOW)

    assert found is not None
    assert words in found.meaning


@pytest.mark.parametrize(
    "token", ["sp=racwdl&se=2026-03-01&sr=c&sig=x", "si=policy&sr=c&sig=x", "ss=b&srt=co&sp=rwdl&sig=x&se=nonsense"]
)
def test_a_signature_that_may_be_good_is_not_blamed(token: str) -> None:
    assert None is of_token(token, NOW)


def test_a_place_belongs_to_the_first_organisation(target: Target) -> None:
    with Storage(AzureBlobProvider(replace(target, prefix="archive/"))) as place:
        bound_once(place)


def test_behind_a_proxy_with_a_private_authority_all_is_asked_by_that_way(
    azurite_server: AzuriteServer, target: Target
) -> None:
    """Diagnoses and further checks run over the transport of the storage (issue 19)."""
    with (
        private_network() as network,
        proxy(azurite_server.host_url, network.context, kind_of=azure_kind) as front,
        closing(Transport(settings=network.settings, retry=QUICK)) as transport,
    ):
        behind = replace(
            target,
            endpoint_url=f"https://127.0.0.1:{front.port}/{target.account}",
            browser_origin="https://app.example.com",
        )
        good, wrong = (
            verify(Storage(AzureBlobProvider(found), transport=transport))
            for found in (behind, replace(behind, credential=AccountKey(key=base64.b64encode(b"wrong" * 12).decode())))
        )
        front.on(do=says(200, b"<html>", kind="text/html"), times=None)
        foreign = verify(Storage(AzureBlobProvider(behind), transport=transport))

    assert good.ok, good.failure
    assert ["cors"] == [check.name for check in good.checks if check.status is CheckStatus.WARNING]
    assert "refuses this machine" in (wrong.failure or "")
    assert "text/html" in (foreign.failure or "")
