"""Tokens through the real msal, from the emulated token endpoint over TLS."""

from __future__ import annotations

import datetime
import json
import os
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from kazinex_storage.errors import (
    AuthenticationError,
    RateLimitedError,
    ReconnectRequiredError,
    SettingsError,
    UnavailableError,
)
from kazinex_storage.providers.settings.aadsts import NUMBERS
from kazinex_storage.providers.settings.entra import AppIdentity, MemoryTokenStore, Tokens
from kazinex_storage.providers.sharepoint.connect import begin_connect, begin_device, finish_connect, finish_device
from kazinex_storage.testing.emulators.graph import Answer, App, GraphEmulator, Kind, RequestFault, graph_emulator
from kazinex_storage.testing.emulators.http import Received, http_server
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority
from kazinex_storage.transport import Gate

from ..clock import Clock

pytestmark = pytest.mark.usefixtures("clock")


@dataclass
class Login:
    emulator: GraphEmulator
    app: App
    identity: AppIdentity


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    with certificate_authority() as found:
        yield found


@pytest.fixture
def login(authority: CertificateAuthority) -> Iterator[Login]:
    with graph_emulator(authority) as emulator:
        app = emulator.add_app(secret="example-secret")  # noqa: S106  # no real one
        identity = AppIdentity(
            login_url=emulator.login_url,
            tenant_id=emulator.tenant,
            client_id=app.client_id,
            scope="https://graph.microsoft.com/.default",
            secret="example-secret",  # noqa: S106  # no real one
            ca_file=str(authority.ca_file),
        )
        yield Login(emulator, app, identity)


def test_an_app_with_a_secret_gets_a_token_that_graph_accepts(login: Login) -> None:
    token = Tokens(login.identity)()

    assert login.app is login.emulator.state.app_of(token)


def test_an_app_with_a_certificate_gets_a_token(login: Login) -> None:
    key = rsa.generate_private_key(65537, 2048)
    certificate = self_signed(key)
    login.app.certificate = certificate.public_bytes(serialization.Encoding.PEM)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    identity = replace(login.identity, secret=None, private_key=pem, certificate=login.app.certificate.decode())

    assert login.app is login.emulator.state.app_of(Tokens(identity)())


def test_a_token_of_another_key_is_refused(login: Login) -> None:
    key, other = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
    login.app.certificate = self_signed(other).public_bytes(serialization.Encoding.PEM)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    mine = self_signed(key).public_bytes(serialization.Encoding.PEM).decode()
    tokens = Tokens(replace(login.identity, secret=None, private_key=pem, certificate=mine))

    with pytest.raises(AuthenticationError, match="certificate"):
        tokens()


def test_many_threads_that_need_a_token_ask_once(login: Login) -> None:
    tokens, found = Tokens(login.identity), []

    threads = [threading.Thread(target=lambda: found.append(tokens())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (1, 1) == (len(set(found)), login.emulator.tokens.requests)


def test_a_token_is_renewed_before_it_expires(login: Login) -> None:
    now = [0.0]
    tokens = Tokens(login.identity, clock=lambda: now[0])
    first = tokens()

    now[0] = 3600 - 299
    tokens.invalidate(first)  # what msal keeps for the hour is not asked for again

    assert tokens.at_hand is None
    assert first != tokens()


def test_a_token_that_graph_refused_is_not_given_again(login: Login) -> None:
    tokens = Tokens(login.identity)
    first = tokens()

    tokens.invalidate(first)

    assert first != tokens()


def test_a_child_after_fork_gets_tokens(login: Login) -> None:
    tokens = Tokens(login.identity)
    tokens()
    store, gate = MemoryTokenStore("old"), Gate()
    with tokens._lock, store._lock, gate._lock:  # as threads of the parent may hold them
        child = os.fork()
        if child == 0:
            tokens.invalidate(tokens.at_hand or "")
            gate.note(503, 0.001, {"ratelimit-remaining": "1", "ratelimit-limit": "100", "ratelimit-reset": "0"})
            os._exit(0 if tokens() and store.swap("old", "new") else 1)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_login_that_stalls_is_asked_once_for_all_who_wait(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kazinex_storage.providers.settings.token_client.TIMEOUT_SECONDS", 2)
    login.emulator.faults.add(RequestFault(kind=Kind.STALL, contains="openid-configuration", times=99))
    tokens, errors = Tokens(login.identity), list[type[Exception]]()
    begun = time.monotonic()

    def ask() -> None:
        try:
            tokens()
        except UnavailableError as error:
            errors.append(type(error))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 8 == len(errors)
    # One asking, and some more for threads that came late; each on its own takes 16 s.
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("status", [429, 403, 502])
@pytest.mark.parametrize("place", ["openid-configuration", "oauth2"])
def test_a_refusal_that_says_nothing_of_the_app_is_not_blamed_on_it(login: Login, status: int, place: str) -> None:
    body = b'{"error": "too_many", "error_description": "slow down"}'
    answer = Answer(status=status, headers={"content-type": "application/json"}, body=body)
    login.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains=place, times=9, answer=answer))

    with pytest.raises(RateLimitedError if status == 429 else UnavailableError):
        Tokens(login.identity)()


@pytest.mark.parametrize(
    ("error", "number", "expected"),
    [
        ("invalid_client", 7000215, AuthenticationError),
        ("invalid_client", 7000222, AuthenticationError),
        ("unauthorized_client", 700016, AuthenticationError),
        ("invalid_grant", 65001, ReconnectRequiredError),
        ("invalid_grant", 50173, ReconnectRequiredError),
        ("interaction_required", 50076, ReconnectRequiredError),
        ("temporarily_unavailable", 90033, UnavailableError),
    ],
)
def test_what_is_refused_is_explained(login: Login, error: str, number: int, expected: type[Exception]) -> None:
    login.app.failure = (error, number)

    with pytest.raises(expected) as caught:
        Tokens(login.identity)()

    assert f"AADSTS{number}" in str(caught.value)
    assert number not in NUMBERS or NUMBERS[number].meaning in str(caught.value)
    assert "example-secret" not in str(caught.value)


def test_an_unknown_tenant_is_a_matter_of_settings(login: Login) -> None:
    with pytest.raises(SettingsError, match="Directory"):
        Tokens(replace(login.identity, tenant_id="99999999-2222-3333-4444-555555555555"))()


def test_a_login_that_is_not_there_is_unavailable(login: Login) -> None:
    with pytest.raises(UnavailableError):
        Tokens(replace(login.identity, login_url="https://127.0.0.1:1"))()


def test_a_refresh_token_is_replaced_at_each_use(login: Login) -> None:
    first = login.emulator.state.issue_refresh(login.app.client_id)
    store = MemoryTokenStore(first)

    Tokens(login.identity, store)()

    assert first != store.load()
    assert store.load() in login.emulator.state.refresh_tokens


def test_a_revoked_refresh_token_asks_for_a_person(login: Login) -> None:
    store = MemoryTokenStore("example-revoked")

    with pytest.raises(ReconnectRequiredError, match="connect again"):
        Tokens(login.identity, store)()

    assert "example-revoked" == store.load()


def test_a_token_that_another_process_replaced_is_taken_up(login: Login) -> None:
    class Replaced(MemoryTokenStore):
        """The first load is older than what another process stored meanwhile."""

        loads = 0

        def load(self) -> str:
            self.loads += 1
            return "example-stale" if self.loads == 1 else super().load()

    store = Replaced(login.emulator.state.issue_refresh(login.app.client_id))

    assert Tokens(login.identity, store)()


def test_a_person_connects_with_a_browser(login: Login) -> None:
    request = begin_connect(login.identity, "https://app.example.com/back")
    returned = dict(parse_qsl(login.emulator.tokens.authorize(request.url)))

    connection = finish_connect(login.identity, request.state, returned)

    assert "admin@contoso.example" == connection.account
    assert Tokens(login.identity, MemoryTokenStore(connection.refresh_token))()


def test_what_another_persons_browser_brought_is_refused(login: Login) -> None:
    request = begin_connect(login.identity, "https://app.example.com/back")
    returned = dict(parse_qsl(login.emulator.tokens.authorize(request.url)))

    with pytest.raises(AuthenticationError, match="start over"):
        finish_connect(login.identity, request.state, {**returned, "state": "another"})


def test_a_person_connects_with_a_code_on_another_device(login: Login) -> None:
    public = login.emulator.add_app()
    identity = replace(login.identity, client_id=public.client_id, secret=None)
    request = begin_device(identity)

    connection = finish_device(identity, request)

    assert "EXAMPLE1" in request.message
    assert connection.refresh_token in login.emulator.state.refresh_tokens


def self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:

    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")]), datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


FAILURES = {
    "a failure": Answer(status=503, headers={"content-type": "text/html"}, body=b"<html>secret-of-a-proxy</html>"),
    "a page": Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>secret-of-a-proxy</html>"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_token_endpoint_that_answers_nonsense_is_unavailable(login: Login, failure: str) -> None:
    code = begin_connect(login.identity, "https://app.example.com/back")
    returned = dict(parse_qsl(login.emulator.tokens.authorize(code.url)))
    for words in ("/token", "/devicecode"):
        login.emulator.faults.add(
            RequestFault(kind=Kind.ANSWER, method="POST", contains=words, times=99, answer=FAILURES[failure])
        )

    for ask in (
        Tokens(login.identity),
        lambda: begin_device(login.identity),
        lambda: finish_connect(login.identity, code.state, returned),
    ):
        with pytest.raises(UnavailableError, match="answers with a failure") as caught:
            ask()
        assert "secret-of-a-proxy" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["openid-configuration", "/token"])
def test_a_redirect_of_the_token_endpoint_is_refused_and_carries_no_secret(
    login: Login, status: int, place: str
) -> None:
    """A 307 repeats the body, and the client secret with it (issue 18, C3)."""
    seen: list[bytes] = []

    def elsewhere(received: Received) -> Answer:
        seen.append(received.body)
        return Answer(status=400)

    with http_server(elsewhere) as port:
        answer = Answer(status=status, headers={"location": f"http://127.0.0.1:{port}/elsewhere"})
        login.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains=place, times=9, answer=answer))

        with pytest.raises(SettingsError, match="redirect"):
            Tokens(login.identity)()
        with pytest.raises(SettingsError, match="redirect"):
            Tokens(login.identity, MemoryTokenStore("example-refresh"))()

    assert [] == seen


def test_the_token_client_reads_no_netrc(login: Login, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password example-password\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    Tokens(login.identity)()

    assert [] == [name for name in login.emulator.tokens.headers if name == "authorization"]


def test_an_address_without_tls_is_sent_nothing(login: Login) -> None:
    configuration = {
        "authorization_endpoint": "https://login.example.com/tenant/authorize",
        "token_endpoint": "https://login.example.com/tenant/token",
        "device_authorization_endpoint": "http://login.example.com/tenant/devicecode",
    }
    answer = Answer(status=200, headers={"content-type": "application/json"}, body=json.dumps(configuration).encode())
    login.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="openid-configuration", times=9, answer=answer))

    with pytest.raises(SettingsError, match="without TLS"):
        begin_device(login.identity)


OBJECT = {"error": {"code": "TooManyRequests", "message": "slow down"}}
ODD_BODIES = [OBJECT, [1], "text", None, 7, {"error": ["a"]}, {"error": None}, {"access_token": None}]


@pytest.mark.parametrize("person", [False, True], ids=["app", "person"])
@pytest.mark.parametrize("body", ODD_BODIES, ids=lambda body: json.dumps(body)[:20])
@pytest.mark.parametrize("status", [200, 400, 429, 503])
def test_an_answer_of_another_form_fails_that_call_and_no_later_one(
    login: Login, body: object, status: int, person: bool
) -> None:
    """msal raised TypeError for an ``error`` that is an object, and kept the answer: for ever, or for a minute."""
    store = MemoryTokenStore(login.emulator.state.issue_refresh(login.app.client_id)) if person else None
    tokens = Tokens(login.identity, store)
    tokens.invalidate(tokens())
    answer = Answer(status=status, headers={"content-type": "application/json"}, body=json.dumps(body).encode())
    login.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="POST", contains="/token", times=5, answer=answer))

    for _ in range(5 if status in (200, 400) else 1):  # the others are repeated by themselves
        with pytest.raises(RateLimitedError if status == 429 else UnavailableError):
            tokens()

    assert login.app is login.emulator.state.app_of(tokens())


@pytest.mark.parametrize(
    "fault",
    [
        RequestFault(kind=Kind.ANSWER, times=3, answer=Answer(status=503)),
        RequestFault(kind=Kind.ANSWER, times=3, answer=Answer(status=429, body=json.dumps(OBJECT).encode())),
        RequestFault(kind=Kind.CUT_BEFORE, times=3),
        RequestFault(kind=Kind.CUT_AFTER, times=3),
    ],
    ids=["503", "429", "cut before", "cut after"],
)
def test_a_passing_failure_of_the_token_endpoint_is_repeated(login: Login, fault: RequestFault) -> None:
    tokens = Tokens(login.identity)
    tokens.invalidate(tokens())
    login.emulator.faults.add(replace(fault, method="POST", contains="/token"))

    assert login.app is login.emulator.state.app_of(tokens())


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_the_token_endpoint_asks_for_is_kept(login: Login, clock: Clock, status: int) -> None:
    tokens = Tokens(login.identity)
    tokens.invalidate(tokens())
    answer = Answer(status=status, headers={"retry-after": "2"})
    login.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="POST", contains="/token", answer=answer))

    tokens()

    assert 2 <= sum(clock.waited) < 15


def test_a_wait_that_is_too_long_is_reported(login: Login) -> None:
    answer = Answer(status=429, headers={"retry-after": "300"})
    login.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="POST", contains="/token", answer=answer))

    with pytest.raises(RateLimitedError) as caught:
        Tokens(login.identity)()

    assert 290 < (caught.value.retry_after_s or 0) <= 300
