"""What ``verify`` checks of a container in addition to what it checks of every storage: CORS, where browsers upload."""

from __future__ import annotations

from typing import Final

from ...transport import Exchange
from ...types import Diagnosis
from ..settings.preflight import preflight
from .headers import METADATA, WRITE_TOKEN
from .names import encode_metadata_name
from .objects import Objects

# What a signed upload has to send, see ``presign.py``.
_HEADERS: Final = ("content-type", "x-ms-blob-type", METADATA + encode_metadata_name(WRITE_TOKEN))


def cors(objects: Objects) -> Exchange[Diagnosis | None]:
    """Ask as a browser would before it uploads; one request.

    Raises:
        StorageError: nobody answers.
    """
    target = objects.requests.target
    origin = target.browser_origin or ""
    url = objects.requests.url(".kazinex-verify/cors")
    missing = yield from preflight(url, origin, "PUT", _HEADERS)
    if missing is None:
        return None
    return Diagnosis(
        meaning=f"pages of {origin} cannot upload straight to the container: {missing}",
        fix="add a rule at Azure portal, the storage account, Settings, Resource sharing (CORS), Blob service: origin "
        f"{origin}, methods GET, HEAD, PUT, DELETE and OPTIONS, allowed headers {', '.join(_HEADERS)}, exposed headers "
        "etag; it takes up to a minute to be in force",
    )
