"""What ``verify`` checks of an S3 bucket in addition to what it checks of every storage: CORS, residency and versions.

All can be checked with a key that is scoped to the objects of one bucket.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from ...bodies.source import Source
from ...errors import AccessDeniedError, AuthenticationError, SettingsError
from ...transport import Exchange, Request, Response
from ...types import Diagnosis, PutOptions
from ..settings.preflight import check_cors
from ..settings.residency import check_within, unproven
from ..settings.unmet import UnmetError
from . import causes
from .customer_keys import ECHO
from .diagnose import OUTSIDE, ask
from .headers import METADATA, WRITE_TOKEN
from .objects import Objects
from .requests import Requests
from .target import DEFAULT_JURISDICTION, Target
from .xml import parse_xml

# Browsers send Content-Length and the like without asking; they need not be allowed.
_UPLOADS: Final = {
    "PUT": ("content-type", "if-none-match", "x-amz-checksum-sha256", METADATA + WRITE_TOKEN),
    "POST": ("content-type", "if-match", "if-none-match"),
}
"""By method, the headers that signed uploads may have to send, see ``presign.py``: PUT an object or a part; POST
completes an upload in parts, and has its condition."""

_FOLDER: Final = ".kazinex-verify"


def cors(objects: Objects) -> Exchange[Diagnosis | None]:
    """See ``check_cors``; two requests."""
    target = objects.requests.target
    url, rules = objects.requests.url(f"{_FOLDER}/cors"), causes.places_of(target).cors
    return check_cors(url, target.browser_origin or "", _UPLOADS, rules, "GET, HEAD, PUT, POST and DELETE")


def customer_key(objects: Objects) -> Exchange[Diagnosis | None]:
    """Prove that the service encrypts with the customer's key, which it says with each answer; three requests.

    Raises:
        UnmetError: it ignores the key.
    """
    key = f"{_FOLDER}/customer-key"
    yield from objects.write(key, Source.of(b"probe"), PutOptions())
    try:
        response: Response = yield objects.requests.head(key)
    finally:
        yield from objects.delete(key)
    if response.status == 200 and ECHO not in response.headers:
        raise UnmetError(causes.KEY_IGNORED)
    return None


def residency(objects: Objects) -> Exchange[Diagnosis | None]:
    """Prove that the bucket is in the jurisdiction that the settings require; one request, four in a rare case.

    The endpoint of a jurisdiction only knows its own buckets, so what was written through it is there (source:
    developers.cloudflare.com/r2/reference/data-location, read 2026-08). The endpoint without a jurisdiction must not
    know the bucket; if it knows one of the same name, an object shows whether it is the same bucket.

    Raises:
        SettingsError: the bucket is not where it has to be.
    """
    target = objects.requests.target
    url = target.other_endpoints.get(DEFAULT_JURISDICTION)
    if url is None:
        return causes.jurisdiction_elsewhere(target)
    outside = replace(target, endpoint_url=url)
    finding = yield from ask(outside, objects.requests.auth, patient=True)
    refused = isinstance(finding.error, AccessDeniedError | AuthenticationError) or finding.code == "NoSuchBucket"
    if finding.error is not None and not refused:
        return causes.jurisdiction_unsaid(target, finding.error.message)
    if finding.error is None and (yield from _same_bucket(objects, outside)):
        raise SettingsError(
            f"the bucket {target.bucket!r} is also behind the endpoint without a jurisdiction, so it is not in "
            f"{target.jurisdiction}",
            code=OUTSIDE,
        )
    return None


def region(objects: Objects) -> Exchange[Diagnosis | None]:
    """Prove that the bucket is in a region that the settings demand; one request, two where listings do not say it.

    AWS says the region with every answer (``x-amz-bucket-region``, docs.aws.amazon.com/AmazonS3/latest/API/
    API_HeadBucket), Supabase by GetBucketLocation, which is the region of the project (supabase/storage,
    src/storage/protocols/s3/s3-handler.ts; both read 2026-11).

    Raises:
        OutsideError: it is in another one.
    """
    target = objects.requests.target
    demanded = target.residency or ""
    finding = yield from ask(target, objects.requests.auth, patient=True)
    if finding.error is not None:
        raise finding.error
    found = finding.response.headers.get("x-amz-bucket-region") if finding.response is not None else None
    if found is None:
        request = Request(
            method="GET",
            url=objects.requests.query({"location": ""}),
            headers=objects.requests.reading,
            auth=objects.requests.auth,
            operation="verify",
        )
        response: Response = yield request
        if response.status != 200:
            return unproven(
                demanded,
                f"the service answers {response.status} when it is asked where the bucket is",
                "allow the key s3:GetBucketLocation on the bucket; a service that has no regions cannot prove any",
            )
        found = _location(parse_xml(response.body).text)
    what = "the project" if target.kind == "supabase" else f"the bucket {target.bucket!r}"
    fix = f"make {'a project' if target.kind == 'supabase' else 'a bucket'} in such a region; it cannot be moved"
    check_within(what, [found], demanded, fix)
    return None


def _location(constraint: str | None) -> str:
    """Return the region of a LocationConstraint: the oldest two have names of their own (API_GetBucketLocation)."""
    found = (constraint or "").strip()
    return {"": "us-east-1", "EU": "eu-west-1"}.get(found, found)


def _same_bucket(objects: Objects, outside: Target) -> Exchange[bool]:
    """Say whether what is written to the bucket appears in *outside*."""
    key = f"{_FOLDER}/{secrets.token_hex(8)}"
    yield from objects.write(key, Source.of(b"kazinex-storage probe: safe to delete\n"), PutOptions())
    try:
        response: Response = yield Requests(outside, objects.requests.auth, objects.requests.codec).head(key)
    finally:
        yield from objects.delete(key)
    return response.status == 200


def versioning(objects: Objects) -> Exchange[Diagnosis | None]:
    """Prove that the bucket keeps versions, as the settings say: what is written has one of its own; three requests.

    Raises:
        UnmetError: it does not.
    """
    from .versions import VersionRequests

    key = f"{_FOLDER}/{secrets.token_hex(8)}"
    yield from objects.write(key, Source.of(b"kazinex-storage probe: safe to delete\n"), PutOptions())
    version = (yield from objects.head(key)).version
    if version in (None, "null"):  # "null" while versioning is suspended
        yield from objects.delete(key)
        raise UnmetError(causes.NO_VERSIONS)
    yield from Objects(VersionRequests(objects.requests, version)).delete(key)
    return None
