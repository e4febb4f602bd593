"""What the API refuses: strangers, other sites, too much and too often; and what it never says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from kazinex_storage.organisations import MemoryCatalogue, Organisations
from kazinex_storage.web import Action, Caller, Role, csrf_token, storage_router
from kazinex_storage.web.access import ALLOWED
from kazinex_storage.web.csrf import HEADER
from kazinex_storage.web.rates import CALLERS, RateLimit
from kazinex_storage.web.route import ACTION, OPEN

from .conftest import KEY, STRANGER, Api, Organisation, serving

TENANT = {"organisation": "org_abc123", "project": "bridge", "document": "D", "revision": "P01", "filename": "a.pdf"}
NAMES = {
    **TENANT,
    "provider": "local-1",
    "tool": "rclone",
    "token": "t",
    "ticket": "t",
    "connection": "c",
    "site": "s",
    "run": "r",
    "version": "1",
}


def routes() -> list[APIRoute]:
    router = storage_router(Organisations(MemoryCatalogue(), guarded=()))
    return [route for route in router.routes if isinstance(route, APIRoute)]


def guarded() -> Iterator[object]:
    for route in routes():
        for method in sorted(route.methods or ()):
            if (route.openapi_extra or {})[ACTION] != OPEN:
                yield pytest.param(method, route.path, id=f"{method} {route.path}")


@pytest.fixture(scope="module")
def silent_host() -> Iterator[str]:
    """A host that has said nothing of who may do what."""
    app = FastAPI()
    app.include_router(storage_router(Organisations(MemoryCatalogue(), guarded=())))
    with serving(app) as url:
        yield url


@pytest.fixture
def browser(org: Organisation) -> Iterator[httpx.Client]:
    """A browser with a session cookie and the token of that session."""
    headers = {HEADER: csrf_token(KEY, "session-1")}
    with httpx.Client(base_url=f"{org.api.url}/storage", cookies={"session": "session-1"}, headers=headers) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), list(guarded()))
def test_a_host_that_says_nothing_lets_nobody_in(silent_host: str, method: str, path: str) -> None:
    answer = httpx.request(method, silent_host + path.format_map(NAMES), content=b"x")

    assert 403 == answer.status_code
    if method != "HEAD":
        assert "not_allowed" == answer.json()["code"]


def test_every_route_names_an_action() -> None:
    assert [] == [route.path for route in routes() if not (route.openapi_extra or {}).get(ACTION)]


@pytest.mark.parametrize("role", [Role.READER, Role.UPLOADER, Role.PROJECT_ADMIN])
def test_a_role_may_do_what_the_guide_says_and_nothing_else(org: Organisation, role: Role) -> None:
    org.with_default()
    allowed = {action.value for action in ALLOWED[role]}
    path = org.file()
    with org.as_(role) as client:
        found = {
            "manage_providers": client.get(f"{org.path}/providers"),
            "manage_restrictions": client.put(f"{org.path}/allowlist", json={"extensions": []}),
            "choose_for_project": client.get(f"{org.path}/projects/bridge/override"),
            "upload": client.put(path, content=b"%PDF"),
            "read": client.get(f"{org.path}/projects"),
            "remove": client.delete(path),
            "see_kinds": client.get("/kinds"),
        }

    assert {name: name in allowed for name in found} == {
        name: answer.status_code != 403 for name, answer in found.items()
    }


def test_an_organisation_that_is_not_there_looks_like_one_that_is_not_yours(org: Organisation) -> None:
    with org.as_(STRANGER) as stranger:
        answers = [
            stranger.get(f"{org.path}/providers"),
            stranger.get("/organisations/no-such/providers"),
            org.client.get("/organisations/no-such/providers"),
            org.client.get("/organisations/a%20b/providers"),
            org.client.get("/organisations/%2e%2e/providers"),
        ]

    assert 1 == len({(answer.status_code, answer.text) for answer in answers})


def test_nothing_of_a_body_is_read_for_a_stranger(org: Organisation) -> None:
    kind = {"Content-Type": "application/json"}
    with org.as_(STRANGER) as stranger:
        answer = stranger.post(f"{org.path}/providers", content=b"not json", headers=kind)

    assert 403 == answer.status_code


@pytest.mark.parametrize("path", ["/kinds", "{org}/providers", "{org}/settings", "{org}/providers/none"])
def test_every_answer_has_the_headers_that_bind_a_browser(org: Organisation, path: str) -> None:
    answer = org.client.get(path.format(org=org.path))

    headers = answer.headers
    assert "default-src 'none'; frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("nosniff", "DENY") == (headers["x-content-type-options"], headers["x-frame-options"])
    assert ("no-referrer", "no-store") == (headers["referrer-policy"], headers["cache-control"])


def test_another_site_cannot_make_a_browser_change_anything(org: Organisation, browser: httpx.Client) -> None:
    path, body = f"{org.path}/allowlist", {"extensions": ["pdf"]}

    def put(**headers: str) -> str:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = browser.put(path, json=body, headers=given)
        return f"{answer.status_code} {answer.json().get('code', '')}".strip()

    assert "200" == put() == put(Sec_Fetch_Site="same-origin") == put(Origin=org.api.url)
    assert "403 csrf" == put(X_Kazinex_CSRF="") == put(X_Kazinex_CSRF=csrf_token(KEY, "session-2"))
    assert "403 csrf" == put(Sec_Fetch_Site="cross-site") == put(Sec_Fetch_Site="same-site")
    assert "403 csrf" == put(Origin="https://evil.example") == put(Origin="null")
    assert 200 == httpx.get(f"{org.api.url}/storage{org.path}/settings", cookies={"session": "s"}).status_code


def test_a_cookie_without_a_token_of_its_host_changes_nothing() -> None:
    app = FastAPI()

    async def by_cookie(*_: object) -> Caller:
        return Caller(name="user", cookie=True)

    app.include_router(storage_router(Organisations(MemoryCatalogue(), guarded=()), authorise=by_cookie))
    with serving(app) as url:
        answer = httpx.put(f"{url}/organisations/acme/allowlist", json={"extensions": []}, headers={HEADER: ""})

    assert "csrf" == answer.json()["code"]


def test_a_body_above_the_limit_is_refused_before_it_is_buffered(org: Organisation) -> None:
    seen = 0

    def endless() -> Iterator[bytes]:
        nonlocal seen
        while seen < 50_000_000:
            seen += 65_536
            yield b" " * 65_536

    path, kind = f"{org.path}/providers", {"Content-Type": "application/json"}
    declared = org.client.post(path, content=b" " * 300_000, headers=kind)
    try:
        streamed = org.client.post(path, content=endless(), headers=kind).status_code
    except (httpx.WriteError, httpx.ReadError):
        streamed = 413

    assert "413 body_too_large" == f"{declared.status_code} {declared.json()['code']}"
    assert 413 == streamed
    assert seen < 50_000_000


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 30_000, b"\xff\xfe", b"{", b'{"label": NaN}', b"null"])
def test_json_that_is_none_is_refused(org: Organisation, body: bytes) -> None:
    answer = org.client.post(f"{org.path}/providers", content=body, headers={"Content-Type": "application/json"})

    assert 400 <= answer.status_code < 500, answer.text
    assert "application/problem+json" == answer.headers["content-type"]


def test_who_does_not_manage_providers_learns_nothing_of_them(org: Organisation) -> None:
    provider = org.with_default()
    root = org.client.get(f"{org.path}/providers/{provider}").json()["settings"]["root"]
    shutil.rmtree(root)

    manager = org.client.put(org.file(), content=b"%PDF")
    with org.as_(Role.UPLOADER) as uploader:
        other = uploader.put(org.file(), content=b"%PDF")

    assert manager.status_code == other.status_code
    assert manager.status_code >= 400
    assert root not in other.text
    assert "provider" not in other.json()


def test_a_rate_is_a_bucket_for_each_caller() -> None:
    now = 0.0
    rate = RateLimit(2, clock=lambda: now)

    first = [rate.wait_for("acme", "a") for _ in range(3)]
    other = rate.wait_for("acme", "b")
    now = 30.0
    later = [rate.wait_for("acme", "a") for _ in range(2)]

    assert [0.0, 0.0, 30.0] == first
    assert 0.0 == other
    assert [0.0, 30.0] == later


def test_a_rate_remembers_a_limited_number_of_callers() -> None:
    rate = RateLimit(1, clock=lambda: 0.0)

    for number in range(CALLERS + 10):
        rate.wait_for(str(number))

    assert CALLERS == len(rate._left)


@pytest.mark.parametrize("action", list(Action))
def test_every_action_is_of_a_role_or_of_operators(action: Action) -> None:
    assert action is Action.SEE_METRICS or action in ALLOWED[Role.ORG_ADMIN]


@pytest.mark.parametrize("make", [lambda: RateLimit(0)])
def test_a_rate_of_nothing_is_refused(make: Callable[[], RateLimit]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make()


def test_clients_of_different_servers_are_apart(api: Api, silent_host: str) -> None:
    assert 403 == httpx.get(f"{silent_host}/kinds").status_code
    with api.client(Role.READER) as reader:
        assert 200 == reader.get("/kinds").status_code
