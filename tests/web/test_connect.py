"""SharePoint connect against the emulated tenant: a person agrees, comes back, chooses a library; and who may not."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from kazinex_storage.organisations import KeyRing, Organisations, Sealer, SqlCatalogue
from kazinex_storage.testing.emulators.graph import GraphEmulator, graph_emulator
from kazinex_storage.testing.emulators.tls import certificate_authority
from kazinex_storage.web import Role, SharePointConnect, roles, storage_router

from .conftest import port_of, role_of, serving

CALLBACK = "/storage/connect/sharepoint/callback"
DONE = "https://app.example.com/settings"


@dataclass(frozen=True)
class Host:
    url: str
    emulator: GraphEmulator
    organisations: Organisations

    def browser(self, name: str = "user_xyz", role: Role = Role.ORG_ADMIN) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Test {name}:{role.value}"})


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with an app of its own and a catalogue that lasts, as workers share it."""
    place = tmp_path_factory.mktemp("connect") / "catalogue.db"
    with (
        certificate_authority() as authority,
        graph_emulator(authority) as emulator,
        pytest.MonkeyPatch.context() as env,
    ):
        env.setenv("SSL_CERT_FILE", str(authority.ca_file))
        emulator.add_site("sites/projects", ["Documents", "KazinexDocuments"])
        app = emulator.add_app(secret="example-secret")  # noqa: S106  # no real one
        organisations = Organisations(SqlCatalogue(place, Sealer(KeyRing.generate())), guarded=())
        port = port_of()
        connect = SharePointConnect(
            client_id=app.client_id,
            client_secret="example-secret",  # noqa: S106  # no real one
            redirect_uri=f"http://127.0.0.1:{port}{CALLBACK}",
            done_url=DONE,
            further={
                "login_url": emulator.login_url,
                "graph_url": emulator.graph_url,
                "ca_file": str(authority.ca_file),
            },
        )
        served = FastAPI()
        router = storage_router(organisations, authorise=roles(role_of), connect=connect)
        served.include_router(router, prefix="/storage")
        with serving(served, port) as url:
            yield Host(url, emulator, organisations)
        organisations.close()


@pytest.fixture
def org() -> str:
    return f"/storage/organisations/org_{secrets.token_hex(6)}"


def begin(browser: httpx.Client, org: str, **body: str) -> str:
    answer = browser.post(f"{org}/connect/sharepoint", json={"label": "SharePoint Online", **body})
    assert 200 == answer.status_code, answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert f"Path={CALLBACK}" in cookie
    return str(answer.json()["authorise_url"])


def agree(host: Host, authorise_url: str) -> dict[str, str]:
    return dict(parse_qsl(host.emulator.tokens.authorize(authorise_url)))


def led_to(answer: httpx.Response) -> str:
    assert 200 == answer.status_code, answer.text
    found = re.search(r'content="0;url=([^"]+)"', answer.text)
    assert found is not None, answer.text
    assert "script" not in answer.text
    return html.unescape(found[1])


def post(host: Host, form: dict[str, str]) -> str:
    """Do what Microsoft makes a browser do: a request of another site brings no cookie."""
    return led_to(httpx.post(f"{host.url}{CALLBACK}", data=form))


def come_back(host: Host, browser: httpx.Client, form: dict[str, str]) -> str:
    onwards = post(host, form)
    assert urlsplit(onwards)[:3] == urlsplit(f"{host.url}{CALLBACK}")[:3]
    return led_to(browser.get(onwards))


def test_a_person_connects_and_chooses_a_library(host: Host, org: str) -> None:
    with host.browser() as browser:
        place = come_back(host, browser, agree(host, begin(browser, org)))
        assert place.startswith(f"{DONE}#/connect/")
        path = f"{org}/connect/sharepoint/{place.rpartition('/')[2]}"
        sites = browser.get(f"{path}/sites").json()["sites"]
        found = browser.get(f"{path}/sites/{sites[0]['id']}/libraries").json()["libraries"]
        library = next(each for each in found if each["name"] == "KazinexDocuments")
        body = {"site": sites[0]["id"], "library": library["id"], "folder": "Kazinex"}
        provider = browser.post(path, json=body)
        again = browser.post(path, json=body)
        verified = browser.post(
            f"{org}/providers/{provider.json()['id']}/verification", headers={"Accept": "application/json"}
        ).json()

    assert 201 == provider.status_code, provider.text
    made = provider.json()
    assert ("SharePoint Online", ["client_secret", "refresh_token"]) == (made["label"], made["secrets"])
    assert ("KazinexDocuments", "Kazinex/") == (made["settings"]["library"], made["settings"]["root_folder"])
    assert host.emulator.tenant == made["settings"]["tenant_id"]
    assert "example-secret" not in provider.text
    assert 404 == again.status_code
    assert verified["ok"], verified


def test_a_person_connects_a_provider_again(host: Host, org: str) -> None:
    with host.browser() as browser:
        place = come_back(host, browser, agree(host, begin(browser, org)))
        path = f"{org}/connect/sharepoint/{place.rpartition('/')[2]}"
        site = browser.get(f"{path}/sites").json()["sites"][0]["id"]
        provider = browser.post(path, json={"site": site, "library": "Documents"}).json()
        host.emulator.state.refresh_tokens.clear()

        end = come_back(host, browser, agree(host, begin(browser, org, provider=provider["id"])))
        accept = {"Accept": "application/json"}
        verified = browser.post(f"{org}/providers/{provider['id']}/verification", headers=accept).json()

    assert f"{DONE}#/connect/done" == end
    assert verified["ok"], verified


def failed(place: str) -> bool:
    return place.startswith(f"{DONE}#/connect/failed/")


def test_what_another_browser_brings_back_is_refused(host: Host, org: str) -> None:
    """A link that an attacker began cannot be finished by the victim, nor with what the victim granted."""
    with host.browser() as attacker, host.browser("victim") as victim:
        form = agree(host, begin(attacker, org))
        onwards = post(host, form)

        assert failed(led_to(victim.get(onwards)))
        begin(victim, org)
        assert failed(led_to(victim.get(onwards)))


def test_a_connection_is_finished_once_and_by_who_began_it(host: Host, org: str) -> None:
    with host.browser() as browser, host.browser("other") as other:
        form = agree(host, begin(browser, org))
        onwards = post(host, form)
        other.cookies = browser.cookies
        assert failed(led_to(other.get(onwards))), "the browser says that it is someone else by now"

        form = agree(host, begin(browser, org))
        onwards, kept = post(host, form), dict(browser.cookies)
        assert not failed(led_to(browser.get(onwards)))
        browser.cookies.update(kept)
        assert failed(led_to(browser.get(onwards)))


def test_who_did_not_connect_cannot_go_on(host: Host, org: str) -> None:
    with host.browser() as browser, host.browser("other") as other:
        place = come_back(host, browser, agree(host, begin(browser, org)))
        connection = place.rpartition("/")[2]

        assert 404 == other.get(f"{org}/connect/sharepoint/{connection}/sites").status_code
        elsewhere = "/storage/organisations/org_other"
        assert 404 == browser.get(f"{elsewhere}/connect/sharepoint/{connection}/sites").status_code


@pytest.mark.parametrize("state", ["", "https://evil.example", "a~b~c", f"org~{'0' * 32}~{'a' * 43}"])
def test_nothing_that_comes_back_decides_where_the_browser_goes(host: Host, state: str) -> None:
    answer = httpx.post(
        f"{host.url}{CALLBACK}", data={"state": state, "redirect_uri": "https://evil.example", "code": "x"}
    )
    with host.browser() as browser:
        back = browser.get(f"{CALLBACK}?carried=https://evil.example&done_url=https://evil.example")

    assert answer.status_code in (200, 403)
    assert "evil.example" not in answer.text
    assert failed(led_to(back))
    assert "evil.example" not in back.text


def test_a_person_who_refuses_is_told_so(host: Host, org: str) -> None:
    with host.browser() as browser:
        state = dict(parse_qsl(urlsplit(begin(browser, org)).query))["state"]
        place = come_back(host, browser, {"error": "access_denied", "state": state})

    assert failed(place)
    assert "did%20not%20grant%20access" in place


def test_without_an_app_of_the_host_nobody_connects(api_url: str, org: str) -> None:
    headers = {"Authorization": "Test user_xyz:org_admin"}
    answer = httpx.post(f"{api_url}{org}/connect/sharepoint", json={"label": "x"}, headers=headers)

    assert (422, "not_supported") == (answer.status_code, answer.json()["code"])


def test_secrets_of_connections_are_sealed_in_the_database(host: Host, org: str, tmp_path: object) -> None:
    with host.browser() as browser:
        place = come_back(host, browser, agree(host, begin(browser, org)))
    connection = place.rpartition("/")[2]
    catalogue = host.organisations.catalogue
    assert isinstance(catalogue, SqlCatalogue)
    record = catalogue.connections.find(org.rpartition("/")[2], connection)
    assert record is not None
    token = re.search(r'"refresh_token": "([^"]+)"', record.secret)
    assert token is not None

    with catalogue._database.reading() as reading:
        stored = str(reading.exec_driver_sql("SELECT * FROM kazinex_storage_connections").all())

    assert connection in stored
    assert token[1] not in stored
    assert token[1] not in repr(record)
