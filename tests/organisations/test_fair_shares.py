"""What one organisation waits for, or does in bulk, holds up no other one on the same service (issue 21, item 4).

Nothing here is measured: the server, or the provider, holds back what is asked for one organisation until the other one
has had all its answers.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest

from kazinex_storage import AsyncDocumentStore, AsyncStorage, DocumentKey, DocumentStore, ManagedProvider
from kazinex_storage.errors import StorageError, UnavailableError
from kazinex_storage.keys import ObjectKey
from kazinex_storage.organisations import MemoryCatalogue, Organisations, ProviderRecord, Resolver
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.emulators.http import Answer, Received, http_server
from kazinex_storage.transport import Call, RetryPolicy, Transport, TransportSettings
from kazinex_storage.transport.pool import CallPool
from kazinex_storage.types import ByteRange, ObjectInfo, Sink
from kazinex_storage.verbs import AnyProvider

PATIENCE_S = 60
"""How long a test waits for what must happen before it calls it a hang."""

BUSY, OTHER, THIRD = "acme", "globex", "initech"
SHARE, LEAST = 64, 4
"""Connections of one organisation on a loop, and those that it has whatever the others do."""

BULK = 1000
"""Objects of a bulk job."""

EMPTY = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


class Service:
    """An S3 service that holds back the answers for some organisations, or throttles them."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.throttled: set[str] = set()
        self.released = threading.Event()
        self.changed = threading.Condition()
        self.arrived: Counter[str] = Counter()
        self.at_once: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.port = 0

    def serve(self, received: Received) -> Answer:
        path = received.path.removeprefix("/docs/")
        listed = parse_qs(received.query).get("prefix", [""])[0]
        organisation = (path or listed).partition("/")[0]
        with self.changed:
            self.arrived[organisation] += 1
            self.at_once[organisation] += 1
            self.most[organisation] = max(self.most[organisation], self.at_once[organisation])
            self.changed.notify_all()
        if organisation in self.held:
            assert self.released.wait(PATIENCE_S)
        with self.changed:
            self.at_once[organisation] -= 1
        if organisation in self.throttled:
            return Answer(status=429, headers={"Retry-After": "50"})
        if received.method == "GET" and not path:
            return Answer(status=200, headers={"Content-Type": "application/xml"}, body=EMPTY)
        return Answer(status=200, headers={"ETag": '"0123"', "Content-Type": "text/plain"}, body=b"")

    def wait_for(self, organisation: str, count: int) -> None:
        """Wait until *count* requests of the organisation have arrived."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.arrived[organisation] >= count, PATIENCE_S), self.arrived


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    with http_server(found.serve) as found.port:
        yield found
        found.released.set()


@pytest.fixture
def resolver(service: Service) -> Iterator[Resolver]:
    settings = {
        "bucket": "docs",
        "region": "eu-central-1",
        "endpoint_url": f"http://127.0.0.1:{service.port}",
        "access_key_id": "AK",
        "secret_access_key": "example",
    }
    managed = ManagedProvider(kind="s3", label="Platform", settings=settings)
    with_patience = TransportSettings(first_byte_timeout_s=PATIENCE_S, idle_timeout_s=PATIENCE_S, proxy="")
    transport = Transport(settings=with_patience)
    made = Resolver(Organisations(MemoryCatalogue(), managed=managed), transport=transport)
    yield made
    made.close()
    transport.close()


def faced(resolver: Resolver, organisation: str) -> AsyncStorage:
    """The storage of an organisation, without the register of revisions."""
    return AsyncStorage(resolver.chosen(organisation).storage)


@asynccontextmanager
async def under_way(*work: Coroutine[Any, Any, object]) -> AsyncIterator[list[asyncio.Task[object]]]:
    """Run *work* beside the block, and cancel what is left of it."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def waited(service: Service, organisation: str, count: int) -> None:
    await asyncio.get_running_loop().run_in_executor(None, service.wait_for, organisation, count)


async def all_of(*work: Awaitable[object]) -> list[object]:
    return await asyncio.wait_for(asyncio.gather(*work), PATIENCE_S)


@pytest.mark.asyncio
async def test_on_a_loop_an_organisation_whose_service_hangs_holds_up_no_other_one(
    resolver: Resolver, service: Service
) -> None:
    service.held = {BUSY}
    busy, other = faced(resolver, BUSY), faced(resolver, OTHER)

    async with under_way(*(busy.get_bytes(f"a/{number}") for number in range(300))) as tasks:
        await waited(service, BUSY, SHARE)
        await all_of(*(other.get_bytes(f"b/{number}") for number in range(20)))

        assert (SHARE, 0) == (service.arrived[BUSY], sum(task.done() for task in tasks))
        service.released.set()
        await all_of(*tasks)

    assert SHARE == service.most[BUSY]
    assert 300 == service.arrived[BUSY]


@pytest.mark.asyncio
async def test_however_many_organisations_fill_the_loop_each_other_one_has_some_connections(
    resolver: Resolver, service: Service
) -> None:
    service.held = {BUSY, THIRD}
    jobs = [faced(resolver, name).get_bytes(f"a/{number}") for name in (BUSY, THIRD) for number in range(100)]

    async with under_way(*jobs) as tasks:
        await waited(service, BUSY, SHARE)
        await waited(service, THIRD, SHARE)
        await all_of(*(faced(resolver, OTHER).get_bytes(f"b/{number}") for number in range(20)))

        assert 0 == sum(task.done() for task in tasks)
        assert service.most[OTHER] <= LEAST


@pytest.mark.asyncio
async def test_throttling_of_one_organisation_delays_no_other_one(resolver: Resolver, service: Service) -> None:
    """While a request waits as it was asked to, it has neither a connection nor a thread."""
    service.throttled = {BUSY}
    busy, other = faced(resolver, BUSY), faced(resolver, OTHER)

    async with under_way(*(busy.get_bytes(f"a/{number}") for number in range(200))) as tasks:
        await waited(service, BUSY, 200)
        await all_of(*(other.get_bytes(f"b/{number}") for number in range(20)))

        assert (200, 0) == (service.arrived[BUSY], sum(task.done() for task in tasks))


@pytest.mark.asyncio
async def test_documents_of_another_organisation_are_stored_beside_a_bulk_job_on_the_same_loop(
    resolver: Resolver, service: Service
) -> None:
    service.held = {BUSY}
    documents = AsyncDocumentStore(DocumentStore(resolver))
    bound = AsyncDocumentStore(DocumentStore(resolver, organisation=OTHER))
    bulk = faced(resolver, BUSY).put_many((f"a/{number}", b"x") for number in range(BULK))

    async with under_way(bulk) as (job,):
        await waited(service, BUSY, SHARE)
        for number, store in enumerate((documents, bound)):
            drawing = DocumentKey(OTHER, "bridge", f"DRG-{number}", "P01", "plan.pdf")
            await asyncio.wait_for(store.upload(drawing, b""), PATIENCE_S)

        assert not job.done()
        service.released.set()
        await all_of(job)

    assert (BULK, SHARE) == (service.arrived[BUSY], service.most[BUSY])


@pytest.mark.parametrize("work", ["put", "get"])
def test_a_bulk_job_on_one_thread_holds_up_no_other_thread(resolver: Resolver, service: Service, work: str) -> None:
    service.held = {BUSY}
    busy, other = (resolver.chosen(name).storage for name in (BUSY, OTHER))

    def bulk(storage: Storage, count: int) -> object:
        if work == "put":
            return storage.put_many((f"a/{number}", b"x") for number in range(count))
        return [outcome.result() for _, outcome in storage.get_many(f"a/{number}" for number in range(count))]

    job = threading.Thread(target=bulk, args=(busy, BULK), daemon=True)
    job.start()
    service.wait_for(BUSY, SHARE)

    bulk(other, 100)

    assert (SHARE, 100) == (service.arrived[BUSY], service.arrived[OTHER])
    assert job.is_alive()
    service.released.set()
    job.join(PATIENCE_S)
    assert BULK == service.arrived[BUSY]


def test_bulk_jobs_of_one_organisation_leave_half_of_the_connections_to_another_one(
    resolver: Resolver, service: Service
) -> None:
    """Not one each: the jobs of an organisation share what it has."""
    service.held = {BUSY, OTHER}
    busy, other = (resolver.chosen(name).storage for name in (BUSY, OTHER))

    def bulk(storage: Storage) -> None:
        for _ in storage.get_many(f"a/{number}" for number in range(100)):
            pass

    threads = [threading.Thread(target=bulk, args=(busy,), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    service.wait_for(BUSY, SHARE)
    threads.append(threading.Thread(target=bulk, args=(other,), daemon=True))
    threads[-1].start()

    service.wait_for(OTHER, SHARE // 2)

    service.released.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert (800, 100) == (service.arrived[BUSY], service.arrived[OTHER])


class Disk(MemoryProvider):
    """A provider of blocking methods, of which those of one organisation hang."""

    hung: threading.Event
    reading: Counter[str]

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        organisation = key.partition("/")[0]
        self.reading[organisation] += 1
        if organisation == BUSY:
            assert self.hung.wait(PATIENCE_S)
        raise UnavailableError("nothing is here")


class Disks(Organisations):
    """Opens disks, of which those of one organisation hang, or hangs in opening them."""

    def __init__(self, managed: ManagedProvider) -> None:
        super().__init__(MemoryCatalogue(), managed=managed)
        self.hung = threading.Event()
        self.reading: Counter[str] = Counter()
        self.opening_hangs = False

    def open(self, record: ProviderRecord) -> AnyProvider:
        if self.opening_hangs and record.organisation == BUSY:
            assert self.hung.wait(PATIENCE_S)
        made = Disk(MemorySettings(name="fair-shares"))
        made.hung, made.reading = self.hung, self.reading
        return made


@pytest.fixture
def disks() -> Iterator[Disks]:
    made = Disks(ManagedProvider(kind="memory", label="Platform", settings={}))
    yield made
    made.hung.set()


async def failed(storage: AsyncStorage, key: str) -> None:
    with pytest.raises(StorageError):
        await storage.get_bytes(key)


@pytest.mark.asyncio
async def test_calls_that_hang_for_one_organisation_take_half_of_the_threads(disks: Disks) -> None:
    resolver = Resolver(disks, transport=Transport(8))
    busy, other = faced(resolver, BUSY), faced(resolver, OTHER)

    async with under_way(*(failed(busy, f"a/{number}") for number in range(100))) as tasks:
        await all_of(*(failed(other, f"b/{number}") for number in range(20)))

        assert 0 == sum(task.done() for task in tasks)
        assert (20, True) == (disks.reading[OTHER], disks.reading[BUSY] <= 4)
        disks.hung.set()
        await all_of(*tasks)
    assert 100 == disks.reading[BUSY]


@pytest.mark.asyncio
async def test_a_provider_that_hangs_while_it_is_opened_takes_no_more_than_the_share_of_its_organisation(
    disks: Disks,
) -> None:
    disks.opening_hangs = True
    resolver = Resolver(disks, transport=Transport(4))
    documents = AsyncDocumentStore(DocumentStore(resolver))

    def drawing(organisation: str, number: int) -> DocumentKey:
        return DocumentKey(organisation, "bridge", f"DRG-{number}", "P01", "plan.pdf")

    async with under_way(*(documents.upload(drawing(BUSY, number), b"x") for number in range(50))) as tasks:
        await all_of(*(documents.upload(drawing(OTHER, number), b"x") for number in range(10)))

        assert 0 == sum(task.done() for task in tasks)
        disks.hung.set()
        await all_of(*tasks)


@pytest.mark.parametrize(
    ("queued", "expected"),
    [
        ((("a", 6), ("b", 3)), "abababaaa"),
        ((("a", 4), ("b", 2), ("c", 1)), "abcabaa"),
        (((None, 4), ("a", 2)), "NaNaNN"),
    ],
    ids=["two owners", "three owners", "one without"],
)
def test_the_threads_go_to_owners_in_turn(queued: tuple[tuple[str | None, int], ...], expected: str) -> None:
    """Whoever queued a hundred calls before waits no less than who comes with one."""
    pool, order, begun, go = CallPool(1), list[str](), threading.Event(), threading.Event()
    ended = threading.Semaphore(0)

    def first() -> None:
        begun.set()
        assert go.wait(PATIENCE_S)

    pool.submit(Call(first), lambda _: ended.release())
    pool.start(each=True)
    assert begun.wait(PATIENCE_S)
    for owner, count in queued:
        for _ in range(count):
            pool.submit(Call(order.append, str(owner)[0]), lambda _: ended.release(), owner)
    go.set()
    for _ in range(1 + len(expected)):
        assert ended.acquire(timeout=PATIENCE_S)

    assert expected == "".join(order)
    pool.close()


@pytest.mark.asyncio
async def test_what_is_cancelled_while_it_waits_or_runs_gives_its_place_back(
    resolver: Resolver, service: Service
) -> None:
    service.held = {BUSY}
    busy = faced(resolver, BUSY)
    for _ in range(2):
        async with under_way(*(busy.get_bytes(f"a/{number}") for number in range(100))):
            await waited(service, BUSY, SHARE)
        service.arrived.clear()

    service.released.set()
    await all_of(*(busy.get_bytes(f"a/{number}") for number in range(100)))

    multi = resolver.transport.wire.loops.of(asyncio.get_running_loop())
    assert ({}, 0) == (multi._turns.under_way, multi._turns.waiting)


def test_a_place_that_does_not_answer_one_organisation_is_still_asked_for_another_one(
    resolver: Resolver, service: Service
) -> None:
    """Both may have it: throttling or refused credentials of one say nothing of the other."""
    organisations, transport = resolver.organisations, resolver.transport
    for name in (BUSY, OTHER):
        own = organisations.add_provider(name, "memory", "Own", {"name": f"fair-shares-{name}"})
        organisations.record_verification(own, ok=True)
        organisations.set_default(name, own.id)
    impatient = Transport(settings=transport.settings, retry=RetryPolicy(attempts=1))
    resolver = Resolver(organisations, transport=impatient)
    documents, service.throttled = DocumentStore(resolver), {BUSY}

    receipts = [
        documents.upload(DocumentKey(name, "bridge", "DRG-0042", revision, "plan.pdf"), b"x")
        for revision in ("P01", "P02")
        for name in (BUSY, OTHER)
    ]

    assert [("managed",), (), ("managed",), ()] == [receipt.unasked for receipt in receipts]
    assert (1, 2) == (service.arrived[BUSY], service.arrived[OTHER])
    resolver.close()
    impatient.close()
