"""Judging AWS Signature Version 4 as a service does, from the request as it came over the wire.

docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (read 2026-08). Written apart from what signs, so
that libcurl and botocore are checked by a third party.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from ..http import Received

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]*)/(\d{8})/([^/]*)/s3/aws4_request, ?"
    r"SignedHeaders=([^,]*), ?Signature=([0-9a-f]{64})"
)
_SIGNATURE: Final = re.compile(r"(?:^|&)X-Amz-Signature=[0-9a-f]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a request says of who signed it."""

    access_key_id: str
    region: str
    signed_at: datetime
    """Aware UTC."""
    expires_s: int | None
    """Seconds, of a presigned URL; None: the request itself is signed."""
    headers: tuple[str, ...]
    value: str

    @classmethod
    def of(cls, received: Received) -> Signature | None:
        """Return the signature of a request; None when there is none that can be read."""
        query = dict(parse_qsl(received.query, keep_blank_values=True))
        if "X-Amz-Signature" in query:
            scope = query.get("X-Amz-Credential", "").split("/")
            fields = (scope[0], scope[2] if len(scope) == 5 else "", query.get("X-Amz-SignedHeaders", ""))
            value, moment, expires = query["X-Amz-Signature"], query.get("X-Amz-Date", ""), query.get("X-Amz-Expires")
        else:
            match = _AUTHORIZATION.fullmatch(received.headers.get("authorization", ""))
            if match is None:
                return None
            fields = (match[1], match[3], match[4])
            value, moment, expires = match[5], received.headers.get("x-amz-date", ""), None
        try:
            signed_at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            expires_s = int(expires) if expires is not None else None
        except ValueError:
            return None
        return cls(
            access_key_id=fields[0],
            region=fields[1],
            signed_at=signed_at,
            expires_s=expires_s,
            headers=tuple(fields[2].split(";")),
            value=value,
        )

    def is_of(self, received: Received, secret: str) -> bool:
        """Say whether exactly this request was signed with *secret*."""
        day, moment = self.signed_at.strftime("%Y%m%d"), self.signed_at.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{day}/{self.region}/s3/aws4_request"
        request = hashlib.sha256(self._canonical(received).encode()).hexdigest()
        key = f"AWS4{secret}".encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{request}"
        return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), self.value)

    def _canonical(self, received: Received) -> str:
        pairs = [part for part in _SIGNATURE.sub("", received.query).strip("&").split("&") if part]
        query = "&".join(sorted(part if "=" in part else f"{part}=" for part in pairs))
        headers = "".join(f"{name}:{' '.join(received.headers.get(name, '').split())}\n" for name in self.headers)
        payload = received.headers.get("x-amz-content-sha256", "")
        if self.expires_s is not None:
            payload = "UNSIGNED-PAYLOAD"
        return "\n".join((received.method, received.path, query, headers, ";".join(self.headers), payload))
