"""``ca_file`` of the settings is trusted by every request of a provider, behind a proxy that inspects TLS too.

Nothing else here trusts the authority, so a single request by another rule would fail.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import fsspec
import httpx
import pytest
from azure.storage.blob import ContainerClient

from kazinex_storage import (
    AsyncDocumentStore,
    DocumentKey,
    DocumentStore,
    Storage,
    UnavailableError,
    UploadTicket,
    verify_provider,
)
from kazinex_storage.encryption.age import Age, generate_identity, recipient_of
from kazinex_storage.organisations import MemoryCatalogue, Organisations, Resolver
from kazinex_storage.providers.encrypted.opening import encrypted
from kazinex_storage.providers.s3.credentials import ChainCredentials
from kazinex_storage.registry import default_registry
from kazinex_storage.testing.emulators.cloudflare import r2_front
from kazinex_storage.testing.emulators.graph import graph_emulator
from kazinex_storage.testing.emulators.http import Answer, Received, http_server
from kazinex_storage.testing.emulators.supabase import supabase_front
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority
from kazinex_storage.transport import Transport, TransportSettings
from kazinex_storage.transport.trust import CA_FILE
from kazinex_storage.verbs import AnyProvider

from ..services import azure_options, keys_of, r2_options, supabase_options
from ..tls_inspection import Inspection, certificate_before, inspecting_proxy

KINDS = ("r2", "s3", "supabase", "azure_blob", "sharepoint")
WAYS = ("direct", "inspected")
_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", CA_FILE)


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    """Whom nobody trusts who is not told."""
    with certificate_authority() as found:
        yield found


@dataclass
class Reached:
    """One kind of provider behind TLS, and how many connections went there."""

    kind: str
    settings: Mapping[str, object]
    through: Inspection | None


@pytest.fixture
def reached(
    request: pytest.FixtureRequest, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reached]:
    kind, way = request.param
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as stack:
        own = stack.enter_context(certificate_authority()) if way == "inspected" else authority
        settings = _settings(kind, request, own, stack)
        through: Inspection | None = None
        if way == "inspected":
            inside = ssl.create_default_context(cafile=own.ca_file)
            through = proxy = stack.enter_context(inspecting_proxy(authority, inside))
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
            if "endpoint_url" in settings:
                settings["endpoint_url"] = str(settings["endpoint_url"]).replace("http://", "https://")
        elif kind != "sharepoint":
            plain = urlsplit(str(settings["endpoint_url"]))
            through = front = stack.enter_context(certificate_before(authority, plain.port or 0))
            settings["endpoint_url"] = f"https://127.0.0.1:{front.port}{plain.path}"
        yield Reached(kind, settings, through)


def _settings(
    kind: str, request: pytest.FixtureRequest, own: CertificateAuthority, stack: ExitStack
) -> dict[str, object]:
    if kind == "sharepoint":
        tenant = stack.enter_context(graph_emulator(own))
        site, app = tenant.add_site("sites/projects"), tenant.add_app(secret="example-secret")  # noqa: S106
        urls = {"login_url": tenant.login_url, "graph_url": tenant.graph_url, "site_url": site.url}
        return {"tenant_id": tenant.tenant, "client_id": app.client_id, "client_secret": app.secret, **urls}
    if kind == "azure_blob":
        azure = request.getfixturevalue("azurite_server")
        return {**azure_options(azure), "container": azure.make_container()}
    server = request.getfixturevalue("ministack_server")
    if kind == "r2":
        r2 = stack.enter_context(r2_front(server))
        r2.rules.one_write_per_second = False
        bucket = r2.make_bucket()
        return {**r2_options(r2, [bucket]), "bucket": bucket}
    if kind == "supabase":
        project = stack.enter_context(supabase_front(server))
        return {**supabase_options(project), "bucket": project.make_bucket()}
    return {**keys_of(server), "bucket": server.make_bucket(), "region": server.region}


EVERY = pytest.mark.parametrize(
    "reached", [(kind, way) for kind in KINDS for way in WAYS], ids=lambda each: "-".join(each), indirect=True
)


@EVERY
def test_the_file_of_the_settings_is_trusted_by_every_request(
    reached: Reached, authority: CertificateAuthority
) -> None:
    settings = {**reached.settings, "ca_file": authority.ca_file}
    body, first, second = b"of a ticket", *(DocumentKey("acme", "bridge", "DRG-1", name, "a.txt") for name in "PQ")
    with (
        closing(Organisations(MemoryCatalogue())) as organisations,
        closing(Resolver(organisations)) as resolver,
    ):
        record = organisations.add_provider("acme", reached.kind, "a", settings)
        report = verify_provider(organisations, "acme", record.id)
        assert report.ok, report.failure
        organisations.set_default("acme", "a")
        store = DocumentStore(resolver)

        receipt = asyncio.run(AsyncDocumentStore(store).upload(first, b"plan"))
        ticket = store.begin_direct_upload(second, len(body))
        _send(ticket, body, authority)
        confirmed = store.confirm_direct_upload(ticket)

        assert (b"plan", body) == (store.get_bytes(receipt), store.get_bytes(confirmed))
    assert reached.through is None or reached.through.tunnels


def _send(ticket: UploadTicket, body: bytes, authority: CertificateAuthority) -> None:
    """Send as a client does that trusts the authority, through the proxy of the environment."""
    with httpx.Client(verify=ssl.create_default_context(cafile=authority.ca_file)) as client:
        for part in json.loads(ticket.to_json())["parts"]:
            data = body[part["offset"] : part["offset"] + part["size"]]
            client.request(part["method"], part["url"], headers=part["headers"], content=data).raise_for_status()


@pytest.mark.parametrize("reached", [("r2", "inspected"), ("sharepoint", "direct")], ids=lambda x: x[0], indirect=True)
def test_file_systems_trust_it_as_well(reached: Reached, authority: CertificateAuthority) -> None:
    options = {**reached.settings, "ca_file": authority.ca_file}
    place = options.pop("bucket", None) or "Documents"
    files = fsspec.filesystem(reached.kind, **options, skip_instance_cache=True)

    files.pipe_file(f"{place}/a.txt", b"by fsspec")

    assert b"by fsspec" == files.cat_file(f"{place}/a.txt")


@pytest.mark.parametrize("reached", [("s3", "direct"), ("sharepoint", "inspected")], ids=lambda x: x[0], indirect=True)
def test_without_it_no_request_is_sent_and_the_advice_names_it(reached: Reached) -> None:
    provider = _opened(reached.kind, reached.settings)

    with Storage(provider) as storage, pytest.raises(UnavailableError, match=CA_FILE) as caught:
        storage.put("a", b"1")

    assert caught.value.code == ("tls" if reached.kind == "s3" else "login")
    assert reached.through is None or [] == reached.through.tunnels


@pytest.mark.parametrize("reached", [("s3", "direct"), ("azure_blob", "direct")], ids=lambda x: x[0], indirect=True)
def test_options_for_the_sdk_of_the_vendor_have_it_too(reached: Reached, authority: CertificateAuthority) -> None:
    registry = default_registry()
    settings: Any = registry.parse_settings(reached.kind, {**reached.settings, "ca_file": authority.ca_file})

    if reached.kind == "s3":
        with closing(boto3.client("s3", **settings.export("boto3"))) as client:
            client.put_object(Bucket=settings.bucket, Key="a", Body=b"1")
        assert f"ca_bundle = {authority.ca_file}" in settings.export("aws-cli")
    else:
        with ContainerClient(**settings.export("azure-storage-blob"), use_env_settings=False) as container:
            container.upload_blob("a", b"1")

    assert reached.through is not None
    assert reached.through.tunnels


@pytest.mark.parametrize("reached", [("supabase", "inspected")], ids=lambda x: x[0], indirect=True)
def test_the_variable_of_the_library_does_what_the_setting_does(
    reached: Reached, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CA_FILE, authority.ca_file)

    with Storage(_opened(reached.kind, reached.settings)) as storage:
        storage.put("a", b"1")
        assert b"1" == storage.get_bytes("a")


def _opened(kind: str, settings: Mapping[str, object]) -> AnyProvider:
    registry = default_registry()
    return registry.open(kind, registry.parse_settings(kind, settings))


def test_an_encrypted_place_trusts_what_the_place_beneath_does(authority: CertificateAuthority) -> None:
    settings = {"account": "acme", "container": "docs", "account_key": "ZXhhbXBsZQ==", "ca_file": authority.ca_file}

    provider = encrypted(_opened("azure_blob", settings), Age(recipients=[recipient_of(generate_identity())]))

    with Storage(provider) as storage:
        assert authority.ca_file == storage.transport.settings.ca_file


def test_a_storage_keeps_what_its_transport_says_besides(authority: CertificateAuthority) -> None:
    """It has connections of its own, by the same rules but for the trust."""
    settings = {"account": "acme", "container": "docs", "account_key": "ZXhhbXBsZQ==", "ca_file": authority.ca_file}
    given = Transport(settings=TransportSettings(proxy="", user_agent="host/1.0", ca_file="/etc/other.pem"))

    with Storage(_opened("azure_blob", settings), transport=given) as storage:
        found = storage.transport.settings
        assert (authority.ca_file, "host/1.0", "") == (found.ca_file, found.user_agent, found.proxy)

    given.close()


def test_boto3_trusts_it_where_it_asks_for_credentials(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A role of a profile: the keys come from the Security Token Service."""
    asked: list[Received] = []

    def sts(received: Received) -> Answer:
        asked.append(received)
        return Answer(status=200, headers={"content-type": "text/xml"}, body=_ROLE.encode())

    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text(
        "[profile base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n"
        "[profile plans]\nrole_arn = arn:aws:iam::123456789012:role/plans\nsource_profile = base\n"
        "region = eu-central-1\n"
    )
    with http_server(sts, authority.server_context()) as port:
        for name, value in {
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
            "AWS_ENDPOINT_URL_STS": f"https://127.0.0.1:{port}",
            "no_proxy": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)

        found = ChainCredentials("plans", authority.ca_file)()

    assert ("ASIAEXAMPLE", 1) == (found.access_key_id, len(asked))


_ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>example</SecretAccessKey><SessionToken>example</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
