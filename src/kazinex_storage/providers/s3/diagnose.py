"""Finds out why a bucket cannot be used, for ``verify``: from the error, and from listing one key.

Nothing is written, and nothing is asked that a key scoped to the objects of one bucket may not ask: never HeadBucket,
never ListBuckets. ``causes.py`` has the texts.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final, cast

from ...errors import (
    AccessDeniedError,
    AuthenticationError,
    LockedError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from ...transport import Auth, Exchange, Many, Outcome, Response
from ...types import Diagnosis
from ...values import value
from ..objectstore.clocks import minutes_behind
from ..objectstore.header_text import moment_of
from ..objectstore.sending import is_page
from ..settings import network_causes
from . import causes
from .answers import parse_page
from .errors import fault_of, map_error
from .headers import date_of
from .objects import Objects
from .requests import Requests
from .target import Target
from .xml import parse_xml, text_of

_CLOCK: Final = ("RequestTimeTooSkewed", "ExpiredRequest")
_SESSION: Final = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired")
_REGION: Final = (
    *("PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "InvalidRegionName"),
    "IllegalLocationConstraintException",
)


OUTSIDE: Final = "outside"
"""The code of the error for a bucket that is not in the required jurisdiction."""


@value
class Finding:
    """The result of listing one key."""

    error: StorageError | None
    """None when it was listed."""
    response: Response | None = None
    """None when there was none."""

    @property
    def code(self) -> str:
        """The code of the error in the service."""
        return (self.error.code if self.error is not None else None) or ""


def ask(target: Target, auth: Auth, *, patient: bool = False) -> Exchange[Finding]:
    """List one key of *target*; one request, retried only if *patient*."""
    request = Requests(target, auth).list(target.prefix, None, one_level=False, most=1)
    try:
        response: Response = yield replace(request, idempotent=patient, operation="verify")
    except StorageError as error:
        return Finding(error=error)
    if response.status != 200:
        return Finding(error=map_error(response), response=response)
    try:
        parse_page(response.body)
    except StorageError as error:
        return Finding(error=error, response=response)
    return Finding(error=None, response=response)


def diagnose(objects: Objects, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
    """Return what *error* means; None when the general advice is as good. One request at most; five when a bucket
    is missing, to find out where else it may be.
    """
    target, auth, code = objects.requests.target, objects.requests.auth, error.code or ""
    if isinstance(error, LockedError):
        return causes.bucket_lock(target)
    if code == OUTSIDE:
        return causes.outside(target)
    if code in network_causes.CODES:
        return causes.unreachable(target, code, error.message)
    if not isinstance(error, SettingsError | AuthenticationError | AccessDeniedError | UnavailableError):
        return None
    finding = yield from ask(target, auth)
    if finding.response is None:  # no response this time, so there is only the error to go by
        return _answered(target, error, Finding(error=error))
    found = _answered(target, error, finding)
    if found is not None or isinstance(error, UnavailableError):
        return found
    if finding.error is None:
        return _partly(target, error, check)
    if finding.code == "NoSuchBucket" or isinstance(finding.error, AccessDeniedError):
        # R2 calls a bucket of another jurisdiction missing to a token for the whole account (lvillis/s3-rs#2), and
        # forbidden to one for that bucket alone (cloudflare/sandbox-sdk#731).
        elsewhere = yield from _elsewhere(target, auth)
        return elsewhere or (causes.no_bucket if finding.code == "NoSuchBucket" else causes.other_bucket)(target)
    return None


def _answered(target: Target, error: StorageError, finding: Finding) -> Diagnosis | None:
    """Return what the codes and headers of a response show by themselves."""
    response, code = finding.response, finding.code or error.code or ""
    if response is not None and _is_foreign(response):
        return network_causes.unexpected_response(target.endpoint_url, response)
    if isinstance(error, UnavailableError):
        return None
    minutes = _minutes_behind(response, time.time())
    if code in _CLOCK or (isinstance(finding.error, AuthenticationError) and minutes is not None):
        return network_causes.wrong_clock(minutes)
    if code == "NotEntitled":
        return causes.not_enabled()
    if code in _SESSION:
        return causes.expired_session(target)
    if code == "SignatureDoesNotMatch":
        return causes.wrong_secret(target)
    region = _region_of(response)
    if region is not None and region != target.region and code in _REGION:
        return causes.other_region(target, region)
    if isinstance(finding.error, AuthenticationError) or _says_key_length(response):
        return causes.wrong_key_id(target)
    return None


def _partly(target: Target, error: StorageError, check: str) -> Diagnosis | None:
    """Explain a refusal where listing is allowed."""
    if target.rest is not None and check == "create-only":
        return causes.wrong_service_key()
    if not isinstance(error, AccessDeniedError):
        return None
    return causes.read_only(target) if check == "write" else causes.not_allowed(target, check)


def _elsewhere(target: Target, auth: Auth) -> Exchange[Diagnosis | None]:
    """Look behind the other endpoints of the account, and for the name in lower case."""
    others = {name: replace(target, endpoint_url=url) for name, url in target.other_endpoints.items()}
    if target.bucket != target.bucket.lower():
        others[""] = replace(target, bucket=target.bucket.lower())
    asked = [ask(other, auth) for other in others.values()]
    outcomes = cast("list[Outcome[Finding]]", (yield Many(asked, len(asked)))) if asked else []
    found = [
        name
        for name, outcome in zip(others, outcomes, strict=True)
        if outcome.value is not None and outcome.value.error is None
    ]
    if "" in found:
        return causes.other_case(target, target.bucket.lower())
    return causes.other_jurisdiction(target, found) if found else None


def _is_foreign(response: Response) -> bool:
    """Say whether no S3 service sent the response; an overloaded gateway answers in HTML, but only for a while."""
    if fault_of(response.body) is not None or response.status >= 500 or response.status == 429:
        return False
    moved = 300 <= response.status < 400 and "x-amz-bucket-region" not in response.headers
    return moved or is_page(response)


def _minutes_behind(response: Response | None, now: float) -> int | None:
    """Return how many minutes our clock is behind the service's; None when that is tolerable or unknown."""
    if response is None:
        return None
    return minutes_behind(
        moment_of(_element(response.body, "ServerTime")) or date_of(response.headers.get("date")), now
    )


def _region_of(response: Response | None) -> str | None:
    if response is None:
        return None
    return response.headers.get("x-amz-bucket-region") or _element(response.body, "Region")


def _says_key_length(response: Response | None) -> bool:
    # R2: 400 InvalidArgument, "Credential access key has length 20, should be 32" — grafana/loki#9224.
    fault = fault_of(response.body) if response is not None else None
    return fault is not None and fault.code == "InvalidArgument" and "credential" in (fault.message or "").lower()


def _element(body: bytes, name: str) -> str | None:
    """Return the text of an element of an ``<Error>``."""
    if fault_of(body) is None:
        return None
    return text_of(parse_xml(body.lstrip()), name) or None
