"""What ``verify`` checks of a container in addition to what it checks of every storage: CORS, where browsers upload."""

from __future__ import annotations

from typing import Final

from ...transport import Exchange
from ...types import Diagnosis
from ..settings.preflight import check_cors
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
