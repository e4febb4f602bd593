"""Access tokens of Microsoft Entra, through msal: for an app on its own, or for a person who has connected once.

A refresh token is replaced by a new one at each use. The new one is stored where the old one was, but only if that is
still there (compare and swap): of two processes one is faster, and the other takes what it stored. Microsoft keeps the
old one good for a while, so the old one is only replaced once the new one is in hand.
"""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from ...errors import RateLimitedError, ReconnectRequiredError, SettingsError, StorageError, UnavailableError
from ...secrecy.masking import Masked, masked
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...transport.fork_lock import ForkLock
from ...values import value
from .aadsts import error_of
from .token_client import TokenClient

if TYPE_CHECKING:
    import msal

    from ...transport import TransportSettings

# Tokens live for 60 to 90 minutes — learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes.
RENEW_SECONDS: Final = 300.0
"""A token is renewed when it is good for less than this."""

_HTTP: Final = "kazinex_http"
"""Where an application of msal keeps our client, which knows how the last request was answered."""

_SWAPS: Final = 3
_T = TypeVar("_T")


@not_pickled(SEND_A_FILE_SYSTEM)
@value
class AppIdentity:
    """An app registration, and how it proves its identity."""

    login_url: str
    tenant_id: str
    client_id: str
    scope: str
    secret: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    """PEM, of the certificate."""
    certificate: str | None = None
    """PEM, public."""
    ca_file: str | None = None
    """Whose certificates are trusted, if not those that the system trusts; for emulators."""


class RefreshTokenStore(Protocol):
    """Where the refresh token of a connection is kept."""

    def load(self) -> str:
        """Return the newest one."""
        ...

    def swap(self, old: str, new: str) -> bool:
        """Store *new* if *old* is still there, atomically; say whether it was."""
        ...


@not_pickled(SEND_A_FILE_SYSTEM)
class MemoryTokenStore:
    """Keeps the refresh token in this process alone; its owner has to store it."""

    def __init__(self, token: str) -> None:
        """Begin with *token*."""
        self._token = token
        self._lock = ForkLock()

    def load(self) -> str:
        """Return the newest one."""
        return self._token

    def swap(self, old: str, new: str) -> bool:
        """Store *new* if *old* is still there."""
        with self._lock:
            if self._token != old:
                return False
            self._token = new
            return True


@value(kw_only=False)
class GivenStore:
    """Keeps the refresh token where its owner says."""

    load: Callable[[], str]
    swap: Callable[[str, str], bool]


@not_pickled(SEND_A_FILE_SYSTEM)
class Tokens:
    """Access tokens of one app, or of one person through it. Thread-safe and fork-safe."""

    def __init__(
        self, identity: AppIdentity, store: RefreshTokenStore | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Ask as *identity*; with a *store* for the person whose refresh token is there."""
        self._identity = identity
        self.store = store
        """Where the refresh token is; None is the app on its own."""
        self._clock = clock
        self._settings: TransportSettings | None = None
        self._lock = ForkLock()
        self._token: str | None = None
        self._good_until = 0.0
        self._app: msal.ClientApplication | None = None
        self._app_pid = 0
        self._asked = 0
        self._failure: tuple[int, StorageError] | None = None
        """The number of the request for a token that failed, and how it did."""

    @property
    def app_secret(self) -> str | None:
        """What the app proves its identity with; None for a public one."""
        return self._identity.secret or self._identity.private_key

    def use_settings(self, settings: TransportSettings) -> None:
        """Reach the token endpoint by *settings*: proxy, trusted certificates, and what may be connected to."""
        with self._lock:
            if settings != self._settings:
                self._settings, self._app = settings, None

    @property
    def at_hand(self) -> str | None:
        """A token that is still good for some minutes."""
        return self._token if self._clock() < self._good_until else None

    def __call__(self) -> str:
        """Return a token; of many threads that need one, one asks for it, and all get its result.

        Raises:
            ReconnectRequiredError: consent or refresh token are gone.
            AuthenticationError: the app cannot prove its identity.
            SettingsError: msal is missing, or the settings name no such tenant.
            UnavailableError: the token endpoint does not answer.
        """
        before = self._asked
        with self._lock:
            token = self.at_hand
            if token is not None:
                return token
            if self._failure is not None and self._failure[0] > before:  # of a request that began after this call
                raise copy.copy(self._failure[1]).with_traceback(None)
            self._asked += 1
            try:
                return self._renewed()
            except StorageError as error:
                self._failure = (self._asked, error)
                self._app = None  # msal remembers the last error, and trips over it for good if it is not text
                raise

    def _renewed(self) -> str:
        found: Mapping[str, object] = self._for_app() if self.store is None else self._for_person(self.store)
        token = Masked(found["access_token"])
        seconds = float(str(found.get("expires_in", 0)))
        self._token = token
        self._good_until = self._clock() + max(seconds - RENEW_SECONDS, seconds / 2)
        return token

    def invalidate(self, token: str) -> None:
        """Forget *token*, which the service did not accept."""
        with self._lock:
            if self._token == token:
                self._token, self._good_until, self._app = None, 0.0, None  # msal would give it again

    def _for_app(self) -> Mapping[str, object]:
        app = self._client()
        return _token_of(app, partial(app.acquire_token_for_client, scopes=[self._identity.scope]))

    def _for_person(self, store: RefreshTokenStore) -> Mapping[str, object]:
        app = self._client()
        for attempt in range(_SWAPS):
            old = Masked(store.load())
            try:
                ask = partial(app.acquire_token_by_refresh_token, old, scopes=[self._identity.scope])
                found = _token_of(app, ask)
            except ReconnectRequiredError:
                if store.load() == old or attempt + 1 == _SWAPS:
                    raise
                continue  # another process has stored a newer one meanwhile
            new = found.get("refresh_token")
            if isinstance(new, str) and new != old:
                store.swap(old, new)  # where another was faster, its token is as good as this one
            return found
        raise ReconnectRequiredError("other processes keep replacing the connection; connect again")

    def _client(self) -> msal.ClientApplication:
        if self._app is None or self._app_pid != os.getpid():  # msal has locks of its own
            self._app, self._app_pid = client_of(self._identity, self._settings), os.getpid()
        return self._app


def client_of(identity: AppIdentity, settings: TransportSettings | None = None) -> msal.ClientApplication:
    """Return msal's application for *identity*; it asks the authority for its addresses, by *settings*.

    Raises:
        SettingsError: msal is missing, or the identity is not complete.
        UnavailableError: the authority does not answer.
    """
    try:
        import msal
    except ImportError as error:
        raise SettingsError("signing in to Microsoft needs msal; pip install msal") from error
    authority = f"{identity.login_url}/{identity.tenant_id}"
    http = TokenClient(identity.ca_file, settings)
    given = {"authority": authority, "instance_discovery": False, "http_client": http, "http_cache": _Forgetful()}
    credential: object = masked(identity.secret)
    if identity.private_key is not None:
        credential = {"private_key": masked(identity.private_key), "public_certificate": identity.certificate}
        if identity.certificate is not None:
            credential["thumbprint"] = thumbprint_of(identity.certificate)
    try:
        if credential is None:
            app = asked(lambda: msal.PublicClientApplication(identity.client_id, **given), http)
        else:
            app = asked(
                lambda: msal.ConfidentialClientApplication(identity.client_id, client_credential=credential, **given),
                http,
            )
    except ValueError as error:
        _check_status(http.status, http.retry_after_s)
        if "authority" in str(error).lower() or "tenant" in str(error).lower():
            raise SettingsError(
                f"there is no tenant {identity.tenant_id!r}; copy the Directory (tenant) ID from the app's overview",
                code="AADSTS90002",
            ) from error
        raise SettingsError("that is no private key of a certificate; give PEM without a password") from error
    setattr(app, _HTTP, http)  # msal wraps it
    return app


class _Forgetful(dict[object, object]):
    """Where msal caches refusals for a minute, and a 429 or 503 for longer: nowhere, since the transport repeats.

    It would find them again by the ``repr`` of what was sent, in which secrets are masked.
    """

    def __setitem__(self, key: object, value: object, /) -> None:
        """Keep nothing."""


def http_of(app: msal.ClientApplication) -> TokenClient:
    """Return the client that *app* sends its requests with."""
    client: TokenClient = getattr(app, _HTTP)
    return client


def thumbprint_of(certificate: str) -> str:
    """Return the SHA-1 of a certificate in PEM, in hexadecimal: Microsoft's name for it.

    Raises:
        SettingsError: it is not a certificate.
    """
    import hashlib
    import ssl

    try:
        der = ssl.PEM_cert_to_DER_cert(certificate[certificate.index("-----BEGIN CERT") :].strip())
    except ValueError as error:
        raise SettingsError("that is no certificate; give PEM, with its BEGIN and END lines") from error
    return hashlib.sha1(der, usedforsecurity=False).hexdigest()


def _check_status(status: int, after_s: float | None) -> None:
    """Raise what says nothing about the identity: msal takes it for an unknown tenant, or for wrong credentials."""
    if status == 429:
        raise RateLimitedError(
            "the token endpoint of Microsoft asks to slow down; repeat it later", code="login", retry_after_s=after_s
        )
    if status in (403, 407) or status >= 500:
        raise _unavailable(str(status))


def _unavailable(what: str) -> UnavailableError:
    return UnavailableError(
        f"the token endpoint of Microsoft, or a proxy in front of it, answers {what}; repeat it later, and look at "
        "proxies",
        code="login",
    )


def asked(ask: Callable[[], _T], http: TokenClient) -> _T:
    """Return what *ask* gets from the token endpoint through *http*.

    Raises:
        SettingsError: it redirects, or the authority names one without TLS.
        RateLimitedError: it asks to slow down.
        UnavailableError: it does not answer, or something else does.
    """
    from msal.exceptions import MsalServiceError

    try:
        return ask()
    # msal trips over answers of another form, such as those of a gateway: an error that is an object, nested lists.
    except (MsalServiceError, json.JSONDecodeError, TypeError, AttributeError, LookupError, RecursionError):
        answered = _unavailable("with a failure")
    if http.status == 429:
        _check_status(http.status, http.retry_after_s)
    raise answered  # without the cause, which quotes the answer


def _token_of(app: msal.ClientApplication, ask: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    http = http_of(app)
    found = asked(ask, http)
    if isinstance(found.get("access_token"), str):
        return found
    _check_status(http.status, http.retry_after_s)
    if not isinstance(found.get("error"), str):
        raise _unavailable("with a failure")
    codes = found.get("error_codes")
    numbers = tuple(code for code in codes if isinstance(code, int)) if isinstance(codes, list) else ()
    raise error_of(str(found.get("error", "")), str(found.get("error_description", "")), numbers)
