"""Programs that read one object and end, each as short as its library lets a user write it.

    python benchmarks/s3/first_byte.py CLIENT ENDPOINT BUCKET REGION KEY_ID SECRET KEY

It is run as a file, and imports nothing for all of them, so that each client pays only for itself.
"""

from __future__ import annotations

import sys

name, endpoint, bucket, region, key_id, secret, key = sys.argv[1:]

# Everything that a linter has against imports in branches is the point here.
if name == "bare-libcurl":
    import io

    import pycurl

    taken = io.BytesIO()
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, f"{endpoint}/{bucket}/{key}")
    handle.setopt(pycurl.AWS_SIGV4, f"aws:amz:{region}:s3")
    handle.setopt(pycurl.USERPWD, f"{key_id}:{secret}")
    handle.setopt(pycurl.HTTPHEADER, ["x-amz-content-sha256: UNSIGNED-PAYLOAD"])
    handle.setopt(pycurl.WRITEDATA, taken)
    handle.perform()
    body = taken.getvalue()
elif name == "kazinex-storage":
    from kazinex_storage import Storage
    from kazinex_storage.providers.s3 import S3Settings, open_s3

    settings = S3Settings.model_validate(
        {
            "endpoint_url": endpoint,
            "bucket": bucket,
            "region": region,
            "access_key_id": key_id,
            "secret_access_key": secret,
        }
    )
    body = Storage(open_s3(settings)).get_bytes(key)
elif name == "kazinex-fsspec":
    import fsspec

    options = {"endpoint_url": endpoint, "region": region, "access_key_id": key_id, "secret_access_key": secret}
    with fsspec.open(f"kazinexs3://{bucket}/{key}", **options) as file:
        body = file.read()
elif name == "obstore":
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        endpoint=endpoint,
        region=region,
        access_key_id=key_id,
        secret_access_key=secret,
        client_options={"allow_http": True},
    )
    body = bytes(obstore.get(store, key).bytes())
elif name == "obstore-fsspec":
    import importlib

    system = importlib.import_module("obstore.fsspec").FsspecStore(
        "s3",
        endpoint=endpoint,
        region=region,
        access_key_id=key_id,
        secret_access_key=secret,
        client_options={"allow_http": True},
    )
    with system.open(f"{bucket}/{key}") as file:
        body = bytes(file.read())
elif name == "opendal":
    import importlib

    operator = importlib.import_module("opendal").Operator(
        "s3", bucket=bucket, endpoint=endpoint, region=region, access_key_id=key_id, secret_access_key=secret
    )
    body = bytes(operator.read(key))
elif name == "minio":
    import importlib

    client = importlib.import_module("minio").Minio(
        endpoint.removeprefix("http://"), access_key=key_id, secret_key=secret, region=region, secure=False
    )
    body = client.get_object(bucket_name=bucket, object_name=key).read()
elif name == "boto3":
    import boto3

    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name=region, aws_access_key_id=key_id, aws_secret_access_key=secret
    )
    body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
elif name == "s3fs":
    import fsspec

    given = {"endpoint_url": endpoint, "key": key_id, "secret": secret, "client_kwargs": {"region_name": region}}
    with fsspec.open(f"s3://{bucket}/{key}", **given) as file:
        body = file.read()
else:
    raise SystemExit(f"there is no client {name}")

print(len(body), flush=True)
