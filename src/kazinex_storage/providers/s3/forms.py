"""Forms that browsers upload by POST, signed without a request.

docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html (read 2026-11). The service refuses what the
policy does not name, so each field of the form stands in it.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta

from ...contract_writing import PostForm, PostOptions
from ...errors import SettingsError
from ...json_text import write_json
from .headers import METADATA, WRITE_TOKEN, plain_header
from .presign import LONGEST
from .requests import Requests
from .target import Credentials


def presign_post(requests: Requests, credentials: Credentials, key: str, options: PostOptions) -> PostForm:
    """Sign a form for *key*.

    Raises:
        SettingsError: the credentials have expired.
        NotSupportedError: no header can carry the content type.
        ValueError: the expiry is outside of 1 second to 7 days.
    """
    if not timedelta(seconds=1) <= options.expires_in <= LONGEST:
        raise ValueError(f"a form is valid for 1 second to 7 days, not {options.expires_in}")
    now, target = datetime.now(UTC).replace(microsecond=0), requests.target
    expires_at = now + options.expires_in
    if credentials.expires_at is not None:
        if credentials.expires_at <= now:
            raise SettingsError("the credentials have expired and cannot sign; get new ones")
        expires_at = min(expires_at, credentials.expires_at)
    scope = f"{now:%Y%m%d}/{target.region}/s3/aws4_request"
    fields = {"key": requests.codec.name_of(key), "success_action_status": "201"}
    conditions: list[object] = [{"bucket": target.bucket}]
    if options.content_type is not None:
        wanted = plain_header("content type", options.content_type)
        if wanted.endswith("/*"):
            conditions.append(["starts-with", "$Content-Type", wanted[:-1]])
        else:
            fields["Content-Type"] = wanted
    if options.max_bytes is not None:
        conditions.append(["content-length-range", options.min_bytes, options.max_bytes])
    if options.write_token is not None:
        fields[METADATA + WRITE_TOKEN] = options.write_token
    fields |= {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{credentials.access_key_id}/{scope}",
        "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
    }
    if credentials.session_token is not None:
        fields["x-amz-security-token"] = credentials.session_token
    conditions += [{name: value} for name, value in fields.items()]
    said = {"expiration": f"{expires_at:%Y-%m-%dT%H:%M:%S.000Z}", "conditions": conditions}
    policy = b64encode(write_json(said).encode()).decode()
    fields |= {"policy": policy, "x-amz-signature": _signature(credentials.secret_access_key, scope, policy)}
    return PostForm(url=target.base_url, fields=fields, expires_at=expires_at, write_token=options.write_token)


def _signature(secret: str, scope: str, policy: str) -> str:
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    return hmac.digest(signing, policy.encode(), "sha256").hex()
