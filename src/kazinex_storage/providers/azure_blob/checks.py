"""What ``verify`` checks of a container in addition to what it checks of every storage: CORS and residency."""

from __future__ import annotations

import secrets
from typing import Final, cast

from ...bodies.source import Source
from ...json_text import parse_json
from ...transport import Exchange, Request, Response
from ...types import Diagnosis, PutOptions
from ..settings.bearer import Bearer
from ..settings.preflight import check_cors
from ..settings.residency import check_within, unproven
from ..settings.unmet import UnmetError
from . import causes
from .customer_keys import ECHO
from .headers import METADATA, WRITE_TOKEN
from .names import encode_metadata_name
from .objects import Objects

# What a signed upload may have to send, see ``presign.py``.
_HEADERS: Final = ("content-type", "x-ms-blob-type", METADATA + encode_metadata_name(WRITE_TOKEN))

_RULES: Final = "Azure portal, the storage account, Settings, Resource sharing (CORS), Blob service"


def cors(objects: Objects) -> Exchange[Diagnosis | None]:
    """See ``check_cors``; one request."""
    url, origin = objects.requests.url(".kazinex-verify/cors"), objects.requests.target.browser_origin or ""
    return check_cors(url, origin, {"PUT": _HEADERS}, _RULES, "GET, HEAD, PUT, DELETE and OPTIONS")


def residency(objects: Objects) -> Exchange[Diagnosis | None]:
    """Prove that the account is in a region that the settings demand, and what it is copied to as well; one request.

    Nothing that the data plane answers says where an account is. Azure Resource Manager does, to who may read the
    account there: ``primaryLocation``, and ``secondaryLocation`` where it is copied to another region
    (learn.microsoft.com/rest/api/storagerp/storage-accounts/get-properties, read 2026-11).

    Raises:
        OutsideError: one of the two is another region.
    """
    residence = objects.requests.target.residency
    if residence is None:
        return None
    request = Request(method="GET", url=residence.url, auth=Bearer(residence.tokens), operation="verify", headers=())
    response: Response = yield request
    found = _locations(response) if response.status == 200 else []
    if not found:
        return unproven(
            residence.demanded,
            f"Azure Resource Manager answers {response.status} when it is asked where the account is",
            "give the app or the identity the role Reader on the storage account (Access control, IAM), and compare "
            "the resource id",
        )
    account = objects.requests.target.account
    fix = "make an account in such a region, with a redundancy that stays in it (LRS or ZRS); it cannot be moved"
    check_within(f"the account {account!r}", found, residence.demanded, fix)
    return None


def _locations(response: Response) -> list[str]:
    """Return the names of the regions that hold the data of an account."""
    try:
        properties = cast("dict[str, dict[str, object]]", parse_json(response.body))["properties"]
        return [str(properties[name]) for name in ("primaryLocation", "secondaryLocation") if properties.get(name)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def customer_key(objects: Objects) -> Exchange[Diagnosis | None]:
    """Prove that the service encrypts with the key, which it says with each answer; three requests.

    Raises:
        UnmetError: it ignores the key.
    """
    key = f".kazinex-verify/{secrets.token_hex(8)}"
    yield from objects.write(key, Source.of(b"probe"), PutOptions())
    try:
        response: Response = yield objects.requests.head(key)
    finally:
        yield from objects.delete(key)
    if response.status == 200 and ECHO not in response.headers:
        raise UnmetError(causes.KEY_IGNORED)
    return None
