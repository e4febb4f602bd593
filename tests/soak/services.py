"""The services of the campaign, each with a witness that looks past the proxy and past our own code."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace

from azure.core.exceptions import ResourceNotFoundError, ServiceResponseError

from kazinex_storage import Storage
from kazinex_storage.providers.azure_blob.names import encode
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.sharepoint.names import encode_key
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.testing.emulators.graph import graph_emulator
from kazinex_storage.testing.emulators.graph.drive import GraphError
from kazinex_storage.testing.servers import azurite, seaweedfs
from kazinex_storage.transport import Gate, RetryPolicy, Transport, TransportSettings
from kazinex_storage.verbs import AnyProvider

from ..azure import conftest as azure
from ..s3 import conftest as s3
from ..s3.proxy import Proxy, Seen, proxy
from ..sharepoint import conftest as sharepoint

# A campaign is long enough without the patience that a person has; what is waited for is the same.
RETRY = RetryPolicy(attempts=3, base_s=0.01, first_429_wait_s=0.01, unanswered_s=4.0)


Make = Callable[[Transport], AnyProvider]


@dataclass
class Service:
    """One service, the way to it, and what stands there."""

    name: str
    front: Proxy
    transport: Transport
    """Goes through the proxy."""
    make: Make
    stored: Callable[[str], bytes | None]
    """What the witness reads."""
    orphans: Callable[[], int]
    """How many unfinished uploads the witness sees."""

    calm: Storage
    """The same place by the straight way, for what is there before a trial, and to clean up after it."""

    def storage(self) -> Storage:
        """A provider that remembers nothing of earlier trials."""
        return Storage(self.make(self.transport), transport=self.transport)


def kind_of(seen: Seen) -> str:
    """Say what of a request is worth spoiling: ``read`` and ``write`` carry the bytes of objects, ``begin`` makes what
    only its answer names, the rest is ``other``.
    """
    path, _, query = seen.target.partition("?")
    if ("uploads=" in query and seen.method == "POST") or path.endswith("createUploadSession"):
        return "begin"
    if seen.method == "PUT" and seen.body and "comp=blocklist" not in query:
        return "write"
    listing = any(word in query for word in ("list-type", "comp=", "uploads", "uploadId"))
    if seen.method == "GET" and not listing and ("/v1.0/" not in path or path.endswith("/content")):
        return "read"
    return "other"


@contextmanager
def services(names: tuple[str, ...]) -> Iterator[list[Service]]:
    """Run the services of these *names*, and a proxy before all of them."""
    with ExitStack() as stack:
        front = stack.enter_context(proxy(kind_of=kind_of))
        settings = TransportSettings(
            first_byte_timeout_s=1.0, idle_timeout_s=1.0, connect_timeout_s=2.0, proxy=front.url
        )
        transport = stack.enter_context(closing(Transport(8, settings=settings, retry=RETRY)))
        made = {"s3": _s3, "azure": _azure, "sharepoint": _sharepoint}
        yield [stack.enter_context(made[name](front, transport)) for name in names]


@contextmanager
def straight(make: Make) -> Iterator[tuple[Make, Storage]]:
    """Give what *make* makes a way of its own."""
    with closing(Transport(settings=TransportSettings(proxy=""))) as way:
        yield make, Storage(make(way), transport=way)


@contextmanager
def _s3(front: Proxy, transport: Transport) -> Iterator[Service]:
    with seaweedfs() as server:
        witness, bucket = server.client(), server.make_bucket()
        target = s3.target_of(server, bucket)

        def stored(key: str) -> bytes | None:
            try:
                return witness.get_object(Bucket=bucket, Key=key)["Body"].read()
            except witness.exceptions.NoSuchKey:
                return None

        def orphans() -> int:
            return len(witness.list_multipart_uploads(Bucket=bucket).get("Uploads", []))

        with straight(lambda way: S3Provider(target)) as (make, calm):
            yield Service("s3", front, transport, make, stored, orphans, calm)


@contextmanager
def _azure(front: Proxy, transport: Transport) -> Iterator[Service]:
    with azurite() as server, closing(server.client()) as client:
        container = server.make_container()
        witness, target = client.get_container_client(container), azure.target_of(server, container)

        def stored(key: str) -> bytes | None:
            for again in (
                True,
                False,
            ):  # Azurite closes a kept connection now and then, and the witness repeats nothing
                try:
                    return bytes(witness.download_blob(encode(key)).readall())
                except ResourceNotFoundError:
                    return None
                except ServiceResponseError:
                    if not again:
                        raise
            raise AssertionError

        # Blocks that were not committed are in no listing and expire after a week.
        with straight(lambda way: AzureBlobProvider(target)) as (make, calm):
            yield Service("azure", front, transport, make, stored, lambda: 0, calm)


@contextmanager
def _sharepoint(front: Proxy, transport: Transport) -> Iterator[Service]:
    with graph_emulator() as emulator:
        drive = emulator.add_site(f"sites/{secrets.token_hex(4)}", ["Plans"]).drives[0]
        target = sharepoint.target_on(emulator, drive)

        def make(way: Transport) -> AnyProvider:
            # A gate of its own: a trial that was throttled would hold back those after it.
            return SharePointProvider(replace(target, gate=Gate()))

        def stored(key: str) -> bytes | None:
            try:
                return drive.find(encode_key(key)).content
            except GraphError:
                return None

        with straight(make) as (_, calm):
            yield Service("sharepoint", front, transport, make, stored, lambda: len(emulator.state.sessions), calm)
