"""Copies keep what no option of ours can say, whichever way they take, for the witness on ministack."""

from __future__ import annotations

import pytest

from kazinex_storage import PutMode, Storage
from kazinex_storage.providers.s3 import S3Settings
from kazinex_storage.providers.s3.provider import open_s3
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import Transport, TransportSettings

OTHERS = {"ContentEncoding": "zstd", "ContentLanguage": "de"}


@pytest.mark.parametrize("body", [b"", b"12345", bytes(9 * 1024 * 1024)], ids=["empty", "small", "large"])
@pytest.mark.parametrize("mode", list(PutMode))
def test_a_copy_keeps_encoding_and_language(ministack_server: S3Server, mode: PutMode, body: bytes) -> None:
    witness, bucket = ministack_server.client(), ministack_server.make_bucket()
    settings = S3Settings.model_validate(
        {
            "bucket": bucket,
            "endpoint_url": ministack_server.endpoint_url,
            "region": ministack_server.region,
            "access_key_id": ministack_server.access_key_id,
            "secret_access_key": ministack_server.secret_access_key,
        }
    )
    witness.put_object(Bucket=bucket, Key="a", Body=body, **OTHERS)  # type: ignore[arg-type]
    transport = Transport(settings=TransportSettings(proxy=""))
    with Storage(open_s3(settings), transport=transport) as storage:
        storage.copy("a", "b", mode=mode)
    transport.close()

    found = witness.head_object(Bucket=bucket, Key="b")
    witness.close()

    assert (len(body), OTHERS) == (found["ContentLength"], {name: found.get(name) for name in OTHERS})
