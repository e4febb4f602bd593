"""What settings and file systems are given to reach the servers and emulators of the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from kazinex_storage.testing.emulators.cloudflare import R2Front
from kazinex_storage.testing.emulators.graph import GraphEmulator, Site, graph_emulator
from kazinex_storage.testing.emulators.supabase import SupabaseFront
from kazinex_storage.testing.emulators.tls import certificate_authority
from kazinex_storage.testing.servers import AzuriteServer, S3Server

Options = dict[str, Any]


def keys_of(server: S3Server) -> Options:
    """Return the options that every kind of S3 has."""
    return {
        "endpoint_url": server.endpoint_url,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
    }


def r2_options(front: R2Front, buckets: list[str]) -> Options:
    """Return the options of R2, with a token for *buckets*."""
    token = front.token(buckets)
    return {
        "account_id": front.account_id,
        "endpoint_url": front.endpoint_url,
        "access_key_id": token.access_key_id,
        "secret_access_key": token.secret_access_key,
    }


def supabase_options(front: SupabaseFront) -> Options:
    """Return the options of a project of Supabase."""
    return {
        "project_ref": front.project_ref,
        "region": front.region,
        "endpoint_url": front.endpoint_url,
        "access_key_id": front.access_key_id,
        "secret_access_key": front.secret_access_key,
        "service_key": front.service_key,
    }


def azure_options(server: AzuriteServer) -> Options:
    """Return the options of an account of Azure."""
    return {"account": server.account, "account_key": server.account_key, "endpoint_url": server.account_url}


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An emulated tenant with one site, and what a file system has to be told to reach it."""

    emulator: GraphEmulator
    site: Site
    options: Mapping[str, Any] = field(repr=False)


@contextmanager
def tenant() -> Iterator[Tenant]:
    """One whose authority is trusted meanwhile."""
    with (
        certificate_authority() as authority,
        graph_emulator(authority) as emulator,
        pytest.MonkeyPatch.context() as patch,
    ):
        # The file systems have no option for it: a trusted authority is a matter of the machine.
        patch.setenv("SSL_CERT_FILE", authority.ca_file)
        emulator.knobs.copy_polls = (
            0  # a copy is done when it is first asked about; else it is asked again a second later
        )
        site, app = emulator.add_site("sites/projects"), emulator.add_app(secret="example-secret")  # noqa: S106
        options = {
            "tenant_id": emulator.tenant,
            "client_id": app.client_id,
            "client_secret": "example-secret",
            "site_url": site.url,
            "login_url": emulator.login_url,
            "graph_url": emulator.graph_url,
            "ca_file": authority.ca_file,
        }
        yield Tenant(emulator=emulator, site=site, options=options)
