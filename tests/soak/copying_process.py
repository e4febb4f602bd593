"""A process that copies a folder of this machine into a bucket, and says how much memory it took at most."""

from __future__ import annotations

import json
import resource
import sys
import time

from kazinex_storage import Storage
from kazinex_storage.migration.migrations import migrate
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import S3, Credentials, Target


def main(root: str, journal: str, place: str) -> None:
    """Copy what is in *root* to the bucket that *place*, which is JSON, describes."""
    bucket = json.loads(place)
    credentials = Credentials(access_key_id=bucket.pop("access_key_id"), secret_access_key=bucket.pop("secret"))
    target = Target(
        kind="s3", preset=S3, credentials=credentials, max_object_bytes=S3.max_object_bytes, prefix="", **bucket
    )
    source = Storage(LocalProvider(LocalSettings(root=root, durable=False)))  # type: ignore[arg-type]  # pydantic
    begun = time.perf_counter()
    with Storage(S3Provider(target)) as storage, source:
        report = migrate(source, storage, journal=journal)
    answer = {
        **report.to_dict(),
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "cpu_s": time.process_time(),
        "wall_s": time.perf_counter() - begun,
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
