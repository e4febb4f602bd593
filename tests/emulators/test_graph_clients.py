"""The emulator of Graph is checked by clients that nobody here wrote: rclone, Microsoft's SDK, office365.

Where one of them and the emulator disagree, Microsoft's documentation decides, and the test says so.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import ssl
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from kazinex_storage.testing.emulators.graph import App, GraphEmulator, Site, graph_emulator
from kazinex_storage.testing.emulators.graph.labels import Label
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority

from .graph_proxy import graph_proxy

SCRIPTS = Path(sysconfig.get_path("scripts"))
SMALL = b"%PDF-1.7 drawing"
LARGE = bytes(range(256)) * 4096 * 12  # 12 MiB
AWKWARD = "Brücke #1 100% & (a)+b 'c'.ifc"


@dataclass
class Tenant:
    emulator: GraphEmulator
    site: Site
    app: App
    authority: CertificateAuthority

    def stored(self, path: str) -> bytes | None:
        return self.site.drives[0].find(path).content


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    with certificate_authority() as authority, graph_emulator(authority) as emulator:
        app = emulator.add_app(secret="example-secret")  # noqa: S106  # no real one
        yield Tenant(emulator, emulator.add_site("sites/projects"), app, authority)


def rclone(tenant: Tenant, folder: Path, *arguments: str) -> str:
    """Run rclone's onedrive backend against the emulator, by the overrides that it documents."""
    config = folder / "rclone.conf"
    token = {
        "access_token": tenant.emulator.state.issue(tenant.app.client_id),
        "token_type": "Bearer",
        "refresh_token": tenant.emulator.state.issue_refresh(tenant.app.client_id),
        "expiry": "2099-01-01T00:00:00Z",
    }
    lines = [
        "[site]",
        "type = onedrive",
        f"drive_id = {tenant.site.drives[0].id}",
        "drive_type = documentLibrary",
        f"client_id = {tenant.app.client_id}",
        f"client_secret = {tenant.app.secret}",
        f"token = {json.dumps(token)}",
        f"auth_url = {tenant.emulator.login_url}/{tenant.emulator.tenant}/oauth2/v2.0/authorize",
        f"token_url = {tenant.emulator.login_url}/{tenant.emulator.tenant}/oauth2/v2.0/token",
    ]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [str(SCRIPTS / "rclone"), "--config", str(config), "--ca-cert", tenant.authority.ca_file, *arguments]
    # The backend knows the addresses of Microsoft's clouds only; a proxy of its own leads them to the emulator.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with tenant_proxy(tenant) as address:
        found = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env={**environment, "HTTPS_PROXY": address, "NO_PROXY": "127.0.0.1"},
        )
    assert 0 == found.returncode, found.stderr
    return found.stdout


def tenant_proxy(tenant: Tenant) -> Any:
    """A proxy that leads every CONNECT to graph.microsoft.com to the emulator, with a certificate for that name."""
    return graph_proxy(tenant.emulator, tenant.authority)


@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=["empty", "small", "session"])
def test_rclone_writes_and_reads(tenant: Tenant, tmp_path: Path, body: bytes) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / AWKWARD).write_bytes(body)

    rclone(tenant, tmp_path, "copy", str(source), "site:plans")
    rclone(tenant, tmp_path, "copy", "site:plans", str(tmp_path / "out"))
    rclone(tenant, tmp_path, "check", str(source), "site:plans")

    assert (body, body) == (tenant.stored(f"plans/{AWKWARD}"), (tmp_path / "out" / AWKWARD).read_bytes())


def test_rclone_lists_moves_and_deletes(tenant: Tenant, tmp_path: Path) -> None:
    drive = tenant.site.drives[0]
    folder = drive.folder("plans/a", make=True)
    for index in range(450):
        drive.store(folder, f"{index}.ifc", None, b"1", "text/plain")

    listed = rclone(tenant, tmp_path, "lsf", "-R", "--files-only", "site:plans").split()
    rclone(tenant, tmp_path, "moveto", "site:plans/a/0.ifc", "site:plans/b/moved.ifc")
    rclone(tenant, tmp_path, "deletefile", "site:plans/a/1.ifc")

    assert 450 == len(listed)
    assert b"1" == tenant.stored("plans/b/moved.ifc")
    assert 448 == len(folder.children)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of its own making
def test_microsofts_sdk_writes_reads_and_lists(tenant: Tenant) -> None:
    asyncio.run(_sdk(tenant))
    gc.collect()  # what it leaves open is told now, not in the next test

    assert SMALL == tenant.stored(f"plans/{AWKWARD}")


async def _sdk(tenant: Tenant) -> None:
    msgraph, httpx = importlib.import_module("msgraph"), importlib.import_module("httpx")
    core = importlib.import_module("msgraph_core")
    authentication = importlib.import_module("kiota_abstractions.authentication")
    adapter_type = importlib.import_module("msgraph.graph_request_adapter").GraphRequestAdapter
    context = ssl.create_default_context(cafile=tenant.authority.ca_file)
    async with httpx.AsyncClient(verify=context, follow_redirects=True, trust_env=False) as plain:
        client = core.GraphClientFactory.create_with_default_middleware(
            client=plain, host=tenant.emulator.graph_url.removesuffix("/v1.0")
        )
        token = tenant.emulator.state.issue(tenant.app.client_id)

        class Provider(authentication.AccessTokenProvider):  # type: ignore[misc,name-defined]
            async def get_authorization_token(self, uri: str, additional: dict[str, Any] | None = None) -> str:
                del additional
                return token if uri.startswith(tenant.emulator.graph_url) else ""

            def get_allowed_hosts_validator(self) -> Any:
                return authentication.AllowedHostsValidator([])

        provider = authentication.BaseBearerTokenAuthenticationProvider(Provider())
        adapter = adapter_type(provider, client=client)
        adapter.base_url = tenant.emulator.graph_url
        await _use(msgraph.GraphServiceClient(request_adapter=adapter), tenant)


async def _use(graph: Any, tenant: Tenant) -> None:
    identity = tenant.site.drives[0].id
    drive = graph.drives.by_drive_id(identity)
    # Its builders know ids only; for paths its authors say to give the URL, percent-encoded by the caller.
    folder = f"{tenant.emulator.graph_url}/drives/{identity}/root:/plans"
    item = drive.items.by_drive_item_id("root")
    stored = await item.content.with_url(f"{folder}/{quote(AWKWARD)}:/content").put(SMALL)
    listed = await item.children.with_url(f"{folder}:/children").get()

    assert AWKWARD == stored.name
    assert [AWKWARD] == [child.name for child in listed.value]
    assert SMALL == await drive.items.by_drive_item_id(stored.id).content.get()
    await _label(drive.items.by_drive_item_id(stored.id), tenant)


async def _label(item: Any, tenant: Tenant) -> None:
    """Have the SDK apply, lock, read and remove a retention label."""
    models = importlib.import_module("msgraph.generated.models.item_retention_label")
    settings = importlib.import_module("msgraph.generated.models.retention_label_settings").RetentionLabelSettings
    label = tenant.emulator.state.labels.add(Label("Contracts", "retainAsRecord", starts_unlocked=True))
    tenant.app.full_control = True

    await item.retention_label.patch(models.ItemRetentionLabel(name=label.name))
    applied = await item.retention_label.get()
    locked = settings(is_record_locked=True)
    await item.retention_label.patch(models.ItemRetentionLabel(retention_settings=locked))
    kept = await item.retention_label.get()
    await item.retention_label.delete()

    assert (label.name, False, True) == (
        applied.name,
        applied.retention_settings.is_delete_allowed,
        applied.retention_settings.is_content_update_allowed,
    )
    assert kept.retention_settings.is_record_locked
    assert not kept.retention_settings.is_content_update_allowed
    assert [None] == [node.label for node in tenant.site.drives[0].find("plans").children.values()]


def test_office365_writes_reads_and_lists(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph_client = importlib.import_module("office365.graph_client")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tenant.authority.ca_file)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    token = tenant.emulator.state.issue(tenant.app.client_id)
    client = graph_client.GraphClient(lambda: {"token_type": "Bearer", "access_token": token})
    request = client.pending_request()
    request._environment = None
    type(request).service_root_url = property(lambda _: tenant.emulator.graph_url)
    source = tmp_path / "large.ifc"
    source.write_bytes(LARGE)
    drive = client.drives[tenant.site.drives[0].id]

    drive.root.upload("small.ifc", SMALL).execute_query()
    drive.root.resumable_upload(str(source), chunk_size=32 * 327_680).execute_query()
    listed = drive.root.children.get().execute_query()
    read = drive.root.get_by_path("small.ifc").get_content().execute_query()

    assert ["large.ifc", "small.ifc"] == sorted(child.name for child in listed)
    assert (SMALL, LARGE) == (tenant.stored("small.ifc"), tenant.stored("large.ifc"))
    assert SMALL == read.value
