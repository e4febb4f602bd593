"""The HTTP client that msal is given: our own transport, so that secrets go to the token endpoint and nowhere else.

Redirects are refused (a 307 repeats the body, and the client secret with it), ``~/.netrc`` is not read, proxies and
certificates are those of the transport, and its policy repeats what fails for a moment.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from ...errors import IntegrityError, SettingsError, UnavailableError
from ...secrecy.masking import MaskedBytes
from ...transport import Exchange, Request, Response, RetryPolicy, Transport, TransportSettings
from ...transport.retry_policy import retry_after_s
from ...values import value

TIMEOUT_SECONDS: Final = 20
"""How long to wait for one answer of the token endpoint, and how long to repeat a request."""

_ATTEMPTS: Final = 5
# A passing 503 of the endpoint lasts for a second or two.
_BASE_S: Final = 0.3
_UNTRUSTED: Final = (
    "the token endpoint of Microsoft shows a certificate that is not trusted here; where a proxy of your organisation "
    "opens TLS, name the file of its authority in ca_file, or in KAZINEX_STORAGE_CA_FILE"
)
_LOCAL: Final = ("http://127.0.0.1", "http://localhost", "http://[::1]")


@value(kw_only=False)
class Answer:
    """What msal reads of an answer."""

    status_code: int
    """Of HTTP."""
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """Leave it to msal, which has the status."""


class TokenClient:
    """Asks the token endpoint. Thread-safe and fork-safe; it remembers the last answer."""

    def __init__(self, ca_file: str | None = None, settings: TransportSettings | None = None) -> None:
        """Ask by *settings*, and trust *ca_file* if one is given."""
        known = settings if settings is not None else TransportSettings()
        known = replace(
            known,
            first_byte_timeout_s=TIMEOUT_SECONDS,
            idle_timeout_s=TIMEOUT_SECONDS,
            ca_file=ca_file or known.ca_file,
        )
        self._transport = Transport(
            settings=known, retry=RetryPolicy(attempts=_ATTEMPTS, budget_s=TIMEOUT_SECONDS, base_s=_BASE_S)
        )
        self.status = 0
        """Of the last answer."""
        self.retry_after_s: float | None = None
        """The wait that the last answer asked for."""

    def get(
        self, url: str, *, params: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for the addresses of an authority.

        Raises:
            SettingsError: it redirects, or is asked without TLS.
            UnavailableError: it does not answer.
        """
        return self._ask("GET", _with(url, params), headers, None)

    def post(
        self,
        url: str,
        *,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask for a token.

        Raises:
            SettingsError: the endpoint redirects, or is asked without TLS.
            UnavailableError: it does not answer.
        """
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._ask("POST", _with(url, params), form, MaskedBytes(_form(data).encode()))

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def _ask(self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None) -> Answer:
        if not url.startswith(("https://", *_LOCAL)):
            raise SettingsError(
                "the authority names a token endpoint without TLS, and secrets are sent there; look at login_url",
                code="login",
            )
        request = Request(
            method=method, url=url, headers=tuple((headers or {}).items()), body=body, operation="sign in"
        )
        self.status = 0
        try:
            response = self._transport.run(_answer_to(request))
        except (UnavailableError, IntegrityError) as error:
            if error.code == "tls":
                raise UnavailableError(_UNTRUSTED, code="login") from error
            raise UnavailableError(
                "the token endpoint of Microsoft does not answer; look at the network and at proxies", code="login"
            ) from error
        self.status = response.status
        self.retry_after_s = retry_after_s(response.headers.get("retry-after"), time.time())
        if 300 <= response.status < 400:
            raise SettingsError(
                f"the token endpoint of Microsoft answers with a redirect ({response.status}), which is not followed, "
                "because the secrets would follow it; look at login_url, and at proxies that ask people to sign in",
                code="login",
            )
        return Answer(response.status, response.body.decode("utf-8", "replace"), response.headers)


def _answer_to(request: Request) -> Exchange[Response]:
    response: Response = yield request
    return response


def _with(url: str, params: Mapping[str, object] | None) -> str:
    return f"{url}{'&' if '?' in url else '?'}{_form(params)}" if params else url


def _form(data: Mapping[str, object] | None) -> str:
    return urlencode({name: value for name, value in (data or {}).items() if value is not None})
