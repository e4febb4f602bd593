"""verify() on SharePoint: every common mistake has a diagnosis of its own, and a fix."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from kazinex_storage import CheckStatus, Storage, VerificationReport, verify
from kazinex_storage.providers.settings.entra import AppIdentity, Tokens
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.providers.sharepoint.target import Target
from kazinex_storage.testing.emulators.graph import App
from kazinex_storage.transport import RetryPolicy, Transport

from ..organisations.binding import bound_once
from ..s3.proxy import proxy
from ..transport.connect_proxy import HOST, private_network
from .conftest import IssuedTokens, Place


def diagnosis(report: VerificationReport) -> str:
    found = next(check for check in report.checks if check.status is CheckStatus.FAILED)
    return f"{found.name}: {found.diagnosis}; {found.fix}"


def verified(target: Target) -> VerificationReport:
    transport = Transport(retry=RetryPolicy(attempts=2, base_s=0.001))
    with Storage(SharePointProvider(target), transport=transport) as storage:
        return verify(storage)


def app_of(place: Place) -> App:
    tokens = place.target.tokens
    assert isinstance(tokens, IssuedTokens)
    return place.emulator.state.apps[tokens.client_id]


def test_a_library_that_works_leaves_nothing_behind(place: Place) -> None:
    report = verify(place.storage)

    assert report.ok, report.failure
    assert [] == list(place.storage.list(""))


def test_a_site_that_is_not_there(place: Place) -> None:
    report = verified(replace(place.target, site_url=place.target.site_url + "x"))

    assert "there is no site at" in diagnosis(report)


def test_a_library_that_is_not_there_shows_those_that_are(place: Place) -> None:
    report = verified(replace(place.target, library="Drawings"))

    assert "no library 'Drawings'" in diagnosis(report)
    assert "'Documents'" in diagnosis(report)


@pytest.mark.parametrize("name", ["Documents", "Shared Documents", "shared documents", "URL", None])
def test_a_library_is_found_by_what_people_call_it(place: Place, name: str | None) -> None:
    library = f"{place.drive.url}/" if name == "URL" else name

    assert verified(replace(place.target, library=library)).ok


def test_a_library_that_may_only_be_read(place: Place) -> None:
    place.drive.read_only = True

    found = diagnosis(verify(place.storage))

    assert "may read the site but not write" in found
    assert "Sites.ReadWrite.All" in found


def test_consent_that_is_missing(place: Place) -> None:
    app_of(place).consented = False

    assert "no administrator has consented" in diagnosis(verify(place.storage))


def test_a_site_that_was_not_granted_prints_the_call_that_grants_it(place: Place) -> None:
    app_of(place).granted_sites = set()
    report = verified(replace(place.target, client_id="aaaaaaaa-0000-4000-8000-000000000000"))

    assert "Sites.Selected" in diagnosis(report)
    assert "/permissions with" in diagnosis(report)
    assert '"id": "aaaaaaaa-0000-4000-8000-000000000000"' in diagnosis(report)


def test_behind_a_proxy_with_a_private_authority_all_is_asked_by_that_way(place: Place) -> None:
    """Diagnoses run over the transport of the storage, and tokens are asked for by the same way (issue 19)."""
    graph, login = urlsplit(place.emulator.graph_url), place.emulator.login_url
    app = app_of(place)
    app.granted_sites, app.secret = set(), "example-secret"
    with (
        private_network() as network,
        proxy(f"{graph.scheme}://{graph.netloc}", network.context) as front,
        proxy(login, network.context) as sign_in,
        closing(Transport(settings=network.settings, retry=RetryPolicy(attempts=2, base_s=0.001))) as transport,
    ):
        place.emulator.tokens.login_url = f"https://{HOST}:{sign_in.port}"
        identity = AppIdentity(
            login_url=f"https://{HOST}:{sign_in.port}",
            tenant_id=place.emulator.tenant,
            client_id=app.client_id,
            scope="https://graph.microsoft.com/.default",
            secret=app.secret,
        )
        graph_url = f"https://{HOST}:{front.port}{graph.path}"
        target = replace(place.target, graph_url=graph_url, tokens=Tokens(identity), client_id=app.client_id)
        report = verify(Storage(SharePointProvider(target), transport=transport))

    assert "Sites.Selected" in diagnosis(report)


def test_a_full_site(place: Place) -> None:
    place.drive.quota_bytes = 0

    assert "no space left" in diagnosis(verify(place.storage))


def test_a_secret_that_has_expired(place: Place) -> None:
    class Refused(IssuedTokens):
        def __call__(self) -> str:
            from kazinex_storage.providers.settings.aadsts import error_of

            raise error_of("invalid_client", "AADSTS7000222: expired", (7000222,))

    report = verified(replace(place.target, tokens=Refused(place.emulator, "")))

    assert "the client secret has expired" in diagnosis(report)
    assert "Certificates & secrets" in diagnosis(report)


@pytest.mark.usefixtures("clock")
def test_a_login_that_cannot_be_reached(place: Place) -> None:
    identity = AppIdentity(
        login_url="https://127.0.0.1:1",
        tenant_id=place.emulator.tenant,
        client_id="aaaaaaaa-0000-4000-8000-000000000000",
        scope="https://graph.microsoft.com/.default",
        secret="example-secret",  # noqa: S106  # no real one
    )

    report = verified(replace(place.target, tokens=Tokens(identity)))

    assert not report.ok
    assert "example-secret" not in repr(report)


def test_a_place_belongs_to_the_first_organisation(place: Place) -> None:
    bound_once(place.storage)
