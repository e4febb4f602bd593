"""Bodies that go out in parts: in order, a few at once, and no further ones after a failure."""

from __future__ import annotations

import errno
import mmap
import resource
from pathlib import Path

import pytest

from kazinex_storage.bodies.memory_budget import PATIENCE_S, Budget
from kazinex_storage.bodies.part_plan import PartPlan
from kazinex_storage.bodies.part_upload import PARTS_AT_ONCE, send_in_order, send_parts
from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import IntegrityError, UnavailableError
from kazinex_storage.testing.bench import in_child
from kazinex_storage.transport import Call, Exchange, TransferCancelled, Transport, Wait
from kazinex_storage.types import PartInfo

BODY = bytes(range(250)) * 4
OWNER = "a provider"


class Service:
    """Takes parts and watches how many are with it at once."""

    def __init__(self, failing: int = 0) -> None:
        self.parts: dict[int, bytes] = {}
        self.most = 0
        self.begun: list[int] = []
        self._failing = failing
        self._now = 0

    def send(self, number: int, data: memoryview) -> Exchange[PartInfo]:
        self._now += 1
        self.begun.append(number)
        self.most = max(self.most, self._now)
        try:
            yield Wait(0.001)
            if number == self._failing:
                raise UnavailableError("the service is away")
            self.parts[number] = bytes(data)
            return PartInfo(number=number, size=len(data), etag=str(number))
        finally:
            self._now -= 1


def test_every_byte_arrives_once_in_the_part_where_it_belongs() -> None:
    service, source = Service(), Source.of(BODY)

    parts = Transport().run(send_parts(source, PartPlan.resumed(len(BODY), 64), service.send, OWNER))

    assert list(range(1, 17)) == [part.number for part in parts]
    assert b"".join(service.parts[part.number] for part in parts) == BODY
    assert source.checksum is not None


def test_no_more_parts_are_in_memory_than_are_under_way() -> None:
    service = Service()

    Transport().run(send_parts(Source.of(BODY), PartPlan.resumed(len(BODY), 10), service.send, OWNER))

    assert 1 < service.most <= PARTS_AT_ONCE


def test_after_a_failure_no_further_part_is_begun() -> None:
    service = Service(failing=2)

    with pytest.raises(UnavailableError):
        Transport().run(send_parts(Source.of(BODY), PartPlan.resumed(len(BODY), 10), service.send, OWNER))

    assert len(service.begun) < 2 + 2 * PARTS_AT_ONCE


def test_a_body_that_is_not_what_was_declared_raises() -> None:
    source = Source.of(BODY, sha256="0" * 64)

    with pytest.raises(IntegrityError):
        Transport().run(send_parts(source, PartPlan.resumed(len(BODY), 64), Service().send, OWNER))


def test_uploads_that_wait_for_memory_leave_the_threads_to_those_that_have_it() -> None:
    """With threads that wait for memory, those who have it would wait for threads, for ever."""
    transport, budget, size = Transport(threads=2), Budget(100), len(BODY)
    most = 0
    inside = 0

    def send(number: int, data: memoryview) -> Exchange[PartInfo]:
        nonlocal most, inside
        inside += len(data)
        most = max(most, inside)
        yield Call(lambda: None)
        inside -= len(data)
        return PartInfo(number=number, size=len(data), etag="")

    uploads = (
        send_parts(Source.of(bytearray(BODY)), PartPlan.resumed(size, 40), send, OWNER, budget) for _ in range(10)
    )
    parts = [outcome.result() for _, outcome in transport.run_many(uploads, 10)]

    assert [25] * 10 == [len(found) for found in parts]
    assert 40 < most <= 100


def test_a_part_larger_than_the_memory_allowed_goes_alone() -> None:
    service = Service()

    Transport().run(send_parts(Source.of(BODY), PartPlan.resumed(len(BODY), 64), service.send, OWNER, Budget(10)))

    assert 1 == service.most
    assert BODY == b"".join(data for _, data in sorted(service.parts.items()))


def test_an_upload_that_is_given_up_while_it_waits_for_memory_lets_the_next_one_through() -> None:
    budget, transport = Budget(10), Transport()
    transport.run(budget.take(10, Source.of(b""), OWNER))
    waiting = budget.take(10, Source.of(b""), OWNER)
    next(waiting)
    waiting.close()

    budget.give(10, OWNER)

    transport.run(budget.take(10, Source.of(b""), OWNER))


def test_a_cancelled_upload_does_not_wait_for_memory() -> None:
    budget, source = Budget(10), Source.of(b"")
    Transport().run(budget.take(10, source, OWNER))
    source.cancel()

    with pytest.raises(TransferCancelled):
        Transport().run(budget.take(10, source, OWNER))


def test_a_forked_child_begins_with_all_the_memory_allowed() -> None:
    budget, transport = Budget(10), Transport()
    transport.run(budget.take(10, Source.of(b""), OWNER))

    assert 0 == in_child(lambda: Transport().run(budget.take(10, Source.of(b""), OWNER)))


def test_waiting_for_a_buffer_that_is_never_returned_ends_with_an_error() -> None:
    now = [0.0]
    budget, source = Budget(10, lambda: now[0]), Source.of(b"")
    Transport().run(budget.take(10, source, OWNER))
    waiting = budget.take(10, source, OWNER)
    next(waiting)

    now[0] = PATIENCE_S
    waiting.send(None)
    now[0] += 1
    with pytest.raises(UnavailableError, match="none has ended for 300 s"):
        waiting.send(None)
    budget.give(10, OWNER)

    Transport().run(budget.take(10, source, OWNER))  # the one that gave up is not in the way


def test_who_waits_for_room_has_patience_while_others_end() -> None:
    now = [0.0]
    budget, source = Budget(10, lambda: now[0]), Source.of(b"")
    for _ in range(2):
        Transport().run(budget.take(5, source, OWNER))
    waiting = budget.take(10, source, OWNER)
    next(waiting)

    now[0] = PATIENCE_S - 1
    budget.give(5, OWNER)
    now[0] = 2 * PATIENCE_S - 2

    assert isinstance(waiting.send(None), Wait)
    waiting.close()


def test_a_provider_that_holds_nothing_is_not_held_back_by_another() -> None:
    """The endpoint of one organisation trickles; the uploads of the others go on, one body each."""
    budget, transport, source = Budget(10), Transport(), Source.of(b"")
    transport.run(budget.take(10, source, "slow"))
    queued = budget.take(10, source, "slow")
    next(queued)

    transport.run(budget.take(7, source, "quick"))
    second = budget.take(7, source, "quick")
    assert isinstance(next(second), Wait)
    second.close()
    budget.give(7, "quick")
    transport.run(budget.take(7, source, "quick"))

    budget.give(7, "quick")
    budget.give(10, "slow")
    transport.run(queued)


def test_room_goes_to_who_holds_the_fewest_bodies_not_to_who_queued_the_most() -> None:
    budget, transport, source = Budget(12), Transport(), Source.of(b"")
    for _ in range(5):
        transport.run(budget.take(2, source, "bulk"))
    transport.run(budget.take(2, source, "other"))
    bulk = [budget.take(2, source, "bulk") for _ in range(50)]
    for waiting in bulk:
        next(waiting)
    other = [budget.take(2, source, "other") for _ in range(3)]
    for waiting in other:
        next(waiting)

    for number, waiting in enumerate(other[:2]):
        budget.give(2, "bulk")
        assert isinstance(bulk[0].send(None), Wait), number
        with pytest.raises(StopIteration):
            waiting.send(None)

    assert isinstance(other[2].send(None), Wait)  # each of the two has the same now, and the others came first
    budget.give(2, "bulk")
    with pytest.raises(StopIteration):
        bulk[0].send(None)
    for waiting in (*bulk, *other):
        waiting.close()


def test_an_owner_without_memory_is_forgotten() -> None:
    budget = Budget(10)
    Transport().run(budget.take(10, Source.of(b""), OWNER))

    budget.give(10, OWNER)

    assert not budget._bodies


@pytest.mark.parametrize("part_bytes", [64, 250, 1_000, 5_000])
def test_parts_go_out_in_order_and_each_is_taken_before_it_is_sent(part_bytes: int) -> None:
    service, source, taken = Service(), Source.of(BODY), bytearray()
    seen: list[int] = []

    def send(number: int, data: memoryview) -> Exchange[PartInfo]:
        seen.append(len(taken))
        return (yield from service.send(number, data))

    Transport().run(send_in_order(source, PartPlan.resumed(len(BODY), part_bytes), send, taken.extend, OWNER))

    assert sorted(service.begun) == service.begun
    assert 1 == service.most
    assert BODY == bytes(taken) == b"".join(service.parts[number] for number in service.begun)
    assert all(size >= min(len(BODY), number * part_bytes) for number, size in zip(service.begun, seen, strict=True))
    assert source.checksum is not None


def test_no_further_part_goes_out_in_order_after_a_failure() -> None:
    service = Service(failing=3)

    with pytest.raises(UnavailableError):
        Transport().run(send_in_order(Source.of(BODY), PartPlan.resumed(len(BODY), 64), service.send, len, OWNER))

    assert [1, 2, 3] == service.begun


def test_a_body_that_changes_is_noticed_before_its_last_part_goes_out(tmp_path: Path) -> None:
    service, path = Service(), tmp_path / "body"
    path.write_bytes(BODY)

    def change(data: memoryview) -> None:
        del data
        path.write_bytes(BODY[::-1])

    with Source.of(path) as source, pytest.raises(IntegrityError):
        Transport().run(send_in_order(source, PartPlan.resumed(len(BODY), 300), service.send, change, OWNER))

    assert 4 not in service.begun


def test_memory_is_lent_again_and_given_back_with_the_last_body() -> None:
    """Uploads that keep what they sent from held four parts each, whatever the budget said."""
    budget, transport, source = Budget(20), Transport(), Source.of(b"")
    transport.run(budget.take(10, source, OWNER))
    transport.run(budget.take(10, source, OWNER))
    first, second = budget.lend(10), budget.lend(10)
    first[:5] = b"first"

    budget.give(10, OWNER, first)
    transport.run(budget.take(10, source, OWNER))
    again = budget.lend(10)
    budget.give(10, OWNER, again)
    budget.give(10, OWNER, second)

    assert b"first" == bytes(again[:5])
    assert [] == budget._spare


def test_memory_of_another_size_is_not_kept_beyond_the_budget() -> None:
    budget, transport, source = Budget(20), Transport(), Source.of(b"")
    for size in (10, 5):
        transport.run(budget.take(size, source, OWNER))
    budget.give(10, OWNER, budget.lend(10))

    transport.run(budget.take(12, source, OWNER))
    budget.give(0, OWNER, budget.lend(8))

    assert sum(map(len, budget._spare)) <= 20 - 5 - 12


def test_memory_that_was_lent_is_not_shared_with_a_child() -> None:
    budget = Budget(20)
    memory = budget.lend(10)

    def write() -> None:
        memory[:3] = b"new"

    assert 0 == in_child(write)
    assert b"\0\0\0" == bytes(memory[:3])


HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def test_memory_of_parts_comes_in_few_page_faults() -> None:
    """32 MiB in pages of 4 KiB are 8,192 faults, a seventh of the processor time of an upload of 256 MiB."""
    size = 32 * 1024 * 1024
    small_pages = size // resource.getpagesize()
    memory = Budget(size).lend(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    for place in range(0, size, resource.getpagesize()):
        memory[place] = 1

    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    huge = HUGE_PAGES.exists() and "[never]" not in HUGE_PAGES.read_text()
    assert faults < (small_pages // 4 if huge else small_pages + 1_000)


def test_a_kernel_without_huge_pages_lends_memory_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(mmap.mmap):
        def madvise(self, *_: object) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(mmap, "mmap", Refusing)

    memory = Budget(100).lend(10)

    assert (10, bytes(10)) == (len(memory), bytes(memory))
