"""Options for other tools: useful, and without a secret in any form."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from .conftest import Organisation

HIDDEN = "5e" * 32
KEY = base64.b64encode(b"no key of anybody" * 4).decode()
R2 = {
    "account_id": "0123456789abcdef0123456789abcdef",
    "access_key_id": "0" * 32,
    "secret_access_key": HIDDEN,
    "session_token": f"token-{HIDDEN}",
    "bucket": "kazinex-documents",
}
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY};EndpointSuffix=core.windows.net"


def add(org: Organisation, kind: str, settings: Mapping[str, object]) -> str:
    added = org.client.post(f"{org.path}/providers", json={"kind": kind, "label": kind, "settings": settings})
    assert 201 == added.status_code, added.text
    return f"{org.path}/providers/{added.json()['id']}/export"


@pytest.mark.parametrize("tool", ["s3fs", "obstore", "pyarrow", "rclone", "duckdb", "aws-cli"])
def test_a_bucket_is_exported_with_names_where_its_secrets_belong(org: Organisation, tool: str) -> None:
    answer = org.client.get(f"{add(org, 'r2', R2)}/{tool}")

    assert 200 == answer.status_code, answer.text
    assert "<secret_access_key>" in answer.text
    assert R2["access_key_id"] in answer.text
    assert HIDDEN not in answer.text


@pytest.mark.parametrize("tool", ["adlfs", "obstore", "rclone", "duckdb"])
@pytest.mark.parametrize(
    "settings",
    [
        {"account": "acct", "container": "docs", "account_key": KEY},
        {"container": "docs", "connection_string": CONNECTION},
    ],
    ids=["key", "connection string"],
)
def test_a_container_is_exported_with_names_where_its_secrets_belong(
    org: Organisation, settings: dict[str, object], tool: str
) -> None:
    answer = org.client.get(f"{add(org, 'azure_blob', settings)}/{tool}")

    assert 200 == answer.status_code, answer.text
    assert "acct" in answer.text
    assert KEY not in answer.text
    assert KEY[:20] not in answer.text


def test_what_cannot_be_exported_is_refused(org: Organisation) -> None:
    disk = f"{org.path}/providers/{org.add_disk()}/export"
    ambient = add(org, "s3", {"bucket": "documents", "region": "eu-central-1"})

    answers = [org.client.get(f"{disk}/rclone"), org.client.get(f"{ambient}/s3fs"), org.client.get(f"{ambient}/x")]

    assert [422] * 3 == [answer.status_code for answer in answers]
    assert "credentials of the machine" in answers[1].json()["detail"]
