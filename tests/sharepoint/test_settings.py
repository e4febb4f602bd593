"""Settings of SharePoint: what people paste is understood or explained, and no secret is shown."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kazinex_storage.providers.sharepoint import SharePointSettings
from kazinex_storage.providers.sharepoint.provider import open_sharepoint
from kazinex_storage.providers.sharepoint.settings import gate_of, site_of

GOOD: dict[str, object] = {
    "tenant_id": "11111111-2222-3333-4444-555555555555",
    "client_id": "aaaaaaaa-0000-4000-8000-000000000000",
    "client_secret": "example~secret.value",
    "site_url": "https://contoso.sharepoint.com/sites/projects",
}


def settings(**changes: object) -> SharePointSettings:
    return SharePointSettings.model_validate({**GOOD, **changes})


def refusal(**changes: object) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**changes)
    assert "example~secret.value" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://contoso.sharepoint.com/sites/projects/", "https://contoso.sharepoint.com/sites/projects"),
        ("contoso.sharepoint.com/teams/a", "https://contoso.sharepoint.com/teams/a"),
        ("https://Contoso.SharePoint.com", "https://contoso.sharepoint.com"),
        ("https://contoso.sharepoint.com/sites/a/SitePages/Home.aspx", "https://contoso.sharepoint.com/sites/a"),
        ("https://contoso.sharepoint.com/sites/a/Shared%20Documents", "https://contoso.sharepoint.com/sites/a"),
        ("https://contoso.sharepoint.com/:f:/r/sites/a/Plans?d=1", "https://contoso.sharepoint.com/sites/a"),
    ],
)
def test_the_site_is_found_in_what_people_paste(address: str, site: str) -> None:
    assert site == site_of(address)


@pytest.mark.parametrize("address", ["projects", "ftp://contoso.sharepoint.com", "https://a:b@contoso.sharepoint.com"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        site_of(address)


@pytest.mark.parametrize("page", ["/Forms/AllItems.aspx", "/", ""])
def test_the_library_is_taken_out_of_its_address(page: str) -> None:
    found = settings(site_url=f"https://contoso.sharepoint.com/sites/projects/Shared%20Documents{page}")

    assert ("https://contoso.sharepoint.com/sites/projects", "Shared Documents") == (found.site_url, found.library)


def test_a_home_page_names_no_library() -> None:
    assert settings(site_url="https://contoso.sharepoint.com/sites/projects/SitePages/Home.aspx").library is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tenant_id": "not a tenant"}, "Directory (tenant) ID"),
        ({"client_id": "Kazinex"}, "Application (client) ID"),
        ({"client_id": GOOD["tenant_id"]}, "this is the tenant"),
        ({"client_secret": "bbbbbbbb-0000-4000-8000-000000000000"}, "the id of a secret"),
        ({"client_secret": None}, "connect as a person"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----"}, "not both"),
        ({"client_secret": None, "certificate": "-----BEGIN CERTIFICATE-----", "refresh_token": "r"}, "go together"),
        ({"cloud": "china"}, "choose the cloud"),
        ({"root_folder": "a/CON"}, "cannot hold a folder of that name"),
        ({"login_url": "http://login.example"}, "write https://"),
        ({"graph_url": "http://graph.example/v1.0"}, "write https://"),
    ],
)
def test_what_is_wrong_is_explained(changes: dict[str, object], words: str) -> None:
    assert words in refusal(**changes)


def test_secrets_are_not_shown() -> None:
    found = settings(refresh_token="example-refresh")  # noqa: S106  # no real one

    shown = f"{found!r} {found.target()!r} {found.identity()!r}"

    assert "example~secret.value" not in shown
    assert "example-refresh" not in shown


def test_each_cloud_has_its_own_login_and_graph() -> None:
    found = settings(cloud="us_dod", site_url="https://contoso.sharepoint-mil.us/sites/a")

    assert "https://login.microsoftonline.us" == found.identity().login_url
    assert "https://dod-graph.microsoft.us/v1.0" == found.target().graph_url


def test_one_app_in_one_tenant_has_one_gate() -> None:
    one, same = settings().target(), settings(library="Other").target()
    another = settings(tenant_id="99999999-2222-3333-4444-555555555555").target()

    assert one.gate is same.gate
    assert one.gate is not another.gate
    assert one.gate is gate_of(settings().identity())


def test_the_length_of_paths_is_counted_with_site_and_library() -> None:
    assert "/sites/projects/Shared Documents" == settings().target().library_path
    assert "/sites/projects/Plans" == settings(library="Plans").target().library_path
    library = "https://contoso.sharepoint.com/sites/projects/Plans%20A"
    assert "/sites/projects/Plans A" == settings(library=library).target().library_path


def test_ids_that_were_looked_up_count_for_their_address_only() -> None:
    known = {
        "graph_url": "https://graph.microsoft.com/v1.0",
        "site_url": GOOD["site_url"],
        "library": "Plans",
        "site_id": "example-site",
        "drive_id": "example-drive",
    }
    same = settings(library="Plans", looked_up=known).target()
    others = [
        settings(looked_up=known),
        settings(library="Drawings", looked_up=known),
        settings(library="Plans", site_url="https://contoso.sharepoint.com/sites/other", looked_up=known),
        settings(library="Plans", graph_url="https://graph.example.com/v1.0", looked_up=known),
    ]

    assert ("example-site", "example-drive") == (same.known_site_id, same.known_drive_id)
    assert [None] * 4 == [other.target().known_drive_id for other in others]


def test_upload_states_are_sealed_by_the_secret_of_the_app() -> None:
    """A person's refresh token changes at each use, so a public client has nothing to seal with."""
    person = settings(client_secret=None, refresh_token="example-token")  # noqa: S106

    assert b"example~secret.value" == open_sharepoint(settings()).state_secret()
    assert open_sharepoint(person).state_secret() is None
