"""The application of ``serve`` over HTTP: its links, its cookie, its headers, and who is let in."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from .serving import serving

if TYPE_CHECKING:
    from .serving import Service

MODULES = ("app.js", "api.js", "dom.js", "providers.js", "upload.js")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(["acme", "other"]) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.address, trust_env=False) as running:
        yield running


def signed_in(service: Service, client: httpx.Client) -> str:
    """Open a link and return the token against forged requests."""
    response = client.get(service.link())
    assert 303 == response.status_code
    token: str = client.get("/session.json").json()["csrf"]
    return token


def test_the_page_has_no_secret_and_is_given_to_everybody(client: httpx.Client) -> None:
    page = client.get("/")

    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert [200] * len(MODULES) == [client.get(f"/{name}").status_code for name in MODULES]
    assert 401 == client.get("/session.json").status_code


def test_scripts_and_styles_come_from_the_page_alone(client: httpx.Client) -> None:
    headers = client.get("/").headers

    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert ("'none'", "'self'", "'self'") == (policy["default-src"], policy["script-src"], policy["style-src"])
    assert ("'none'", "'none'", "'none'") == (policy["frame-ancestors"], policy["base-uri"], policy["form-action"])
    assert "'script'" == policy["require-trusted-types-for"]
    assert ("nosniff", "DENY", "no-referrer") == (
        headers["x-content-type-options"],
        headers["x-frame-options"],
        headers["referrer-policy"],
    )


def test_a_file_that_did_not_change_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get("/app.css")

    again = client.get("/app.css", headers={"If-None-Match": first.headers["etag"]})

    assert (304, b"") == (again.status_code, again.content)
    assert "no-cache" == first.headers["cache-control"], "a newer release is seen at once"


def test_files_are_packed_for_those_who_unpack(client: httpx.Client) -> None:
    plain = client.get("/app.css", headers={"Accept-Encoding": "identity"})
    with client.stream("GET", "/app.css", headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())

    assert plain.content == gzip.decompress(raw)
    assert len(raw) < len(plain.content) / 2


def test_a_link_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(
    service: Service, client: httpx.Client
) -> None:
    link = service.link()

    response = client.get(link)

    assert (303, "/") == (response.status_code, response.headers["location"])
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "no-store" == response.headers["cache-control"]


def test_a_used_or_a_wrong_link_gives_no_cookie(service: Service, client: httpx.Client) -> None:
    link = service.link()
    client.get(link)
    client.cookies.clear()

    answers = [client.get(link), client.get("/open?token=guess"), client.get("/open")]

    assert [(303, None)] * 3 == [(answer.status_code, answer.headers.get("set-cookie")) for answer in answers]
    assert 401 == client.get("/session.json").status_code


def test_a_session_cannot_be_fixed_before_it_begins(service: Service, client: httpx.Client) -> None:
    signed_in(service, client)
    name, fixed = next(iter(client.cookies.items()))
    client.cookies.clear()

    response = client.get(service.link(), headers={"Cookie": f"{name}=chosen-by-another"})

    assert "chosen-by-another" not in response.headers["set-cookie"]
    assert fixed not in response.headers["set-cookie"]


def test_the_session_says_who_is_here_and_what_they_see(service: Service, client: httpx.Client) -> None:
    signed_in(service, client)

    session = client.get("/session.json").json()

    assert ("local operator", "/api") == (session["caller"], session["api"])
    assert ["acme", "other"] == [each["id"] for each in session["organisations"]]


def test_the_api_is_for_sessions_and_the_organisations_served(service: Service, client: httpx.Client) -> None:
    before = client.get("/api/organisations/acme/providers").status_code
    signed_in(service, client)

    after = [client.get(f"/api/organisations/{name}/providers").status_code for name in ("acme", "stranger")]

    assert (403, [200, 403]) == (before, after)


def test_a_change_needs_the_token_of_the_session(service: Service, client: httpx.Client) -> None:
    token = signed_in(service, client)
    place, body = "/api/organisations/acme/allowlist", {"extensions": ["pdf"]}

    without = client.put(place, json=body)
    wrong = client.put(place, json=body, headers={"X-Kazinex-CSRF": token[::-1]})
    right = client.put(place, json=body, headers={"X-Kazinex-CSRF": token})

    assert [403, 403, 200] == [without.status_code, wrong.status_code, right.status_code]


def test_another_host_name_is_refused(client: httpx.Client) -> None:
    """A page of another site that lets its own name point here (DNS rebinding) gets nothing."""
    response = client.get("/", headers={"Host": "evil.example"})

    assert 400 == response.status_code


def test_no_page_of_documentation_loads_scripts_from_elsewhere(client: httpx.Client) -> None:
    assert [404, 404] == [client.get(path).status_code for path in ("/docs", "/redoc")]
