"""Trials with one fault each, and what may come of them.

A trial is a journey of one face over one service while the proxy spoils a request. Whatever happens it ends within a
minute, with the right bytes or with an error of ours; what stands there afterwards is whole and one of the versions
that may stand there, and no unfinished upload is left. The seed of a trial decides everything, to repeat it by.
"""

from __future__ import annotations

import logging
import random
import socket
import struct
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from kazinex_storage import DocumentKey, DocumentStore, PutMode, PutOptions, Storage, StorageError
from kazinex_storage.documents.events import Event
from kazinex_storage.documents.receipts import ResolvedProvider
from kazinex_storage.documents.register import MemoryRegister, RevisionRegister
from kazinex_storage.fs.kinds import StorageFileSystem
from kazinex_storage.storage.sweeping import sweep
from kazinex_storage.transport import Transport

from ..s3.proxy import (
    Action,
    Forward,
    Line,
    Seen,
    cut_after,
    cut_answer,
    cut_before,
    flip_answer,
    flip_request,
    says,
    shortened,
    stall,
)
from .services import Service

_log = logging.getLogger(__name__)

HANG_S = 60.0
CREATE = PutOptions(mode=PutMode.CREATE)
SMALL, LARGE = 20_000, 11 * 1024 * 1024
"""One request, and two parts or fragments."""

LEFT = "they are left there"
"""SharePoint alone proves nothing before it stores, and rewrites files itself: what came altered over plain HTTP, which
Graph does not speak, stands there, and the error says so.
"""

STATUSES = (400, 403, 429, 500, 502, 503, 504)


def duplicate(line: Line, seen: Seen, forward: Forward) -> None:
    """It arrives twice."""
    forward(seen)
    line.answer(forward(seen))


def late(seconds: float) -> Action:
    """The answer takes its time, at times more than the client has."""

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        time.sleep(seconds)
        line.answer(answer)

    return act


def reset(line: Line, seen: Seen, forward: Forward) -> None:
    """The connection is reset in the middle of the answer."""
    line.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.stream.sendall(b"HTTP/1.1 200 OK\r\nContent-")
    line.cut()


def _corrupt(rng: random.Random) -> tuple[tuple[str, ...], Action]:
    kind, flip = rng.choice([("read", flip_answer), ("write", flip_request)])

    # Each time at another place. One change made in two fragments of an upload, a multiple of 160 bytes apart, leaves
    # quickXorHash as it was: SharePoint has no other checksum, and TLS is what protects the way there.
    def act(line: Line, seen: Seen, forward: Forward) -> None:
        flip(rng.randrange(SMALL))(line, seen, forward)

    return (kind,), act


FAULTS: dict[str, Callable[[random.Random], tuple[tuple[str, ...], Action]]] = {
    "status": lambda rng: ((), says(rng.choice(STATUSES), b"")),
    "cut": lambda rng: ((), rng.choice([cut_before, cut_answer(rng.randrange(300))])),
    "stall": lambda rng: ((), stall),
    "short": lambda rng: (("read",), shortened(rng.randrange(1, 1000), told=rng.random() < 0.5)),
    "corrupt": _corrupt,
    # The second of two beginnings is answered, and the first has no name: that is for the lifecycle of the bucket.
    "duplicate": lambda rng: (("read", "write", "other"), duplicate),
    "late": lambda rng: ((), late(rng.choice([0.2, 0.5, 2.5]))),
    "lost answer": lambda rng: ((), cut_after),
    "reset": lambda rng: ((), reset),
}
"""What goes wrong: the kinds of requests that it is for (none: all), and how."""


# A session is named by its answer alone, Graph lists none, and one that was lost expires by itself.
LOSING = ("cut", "late", "lost answer")
"""Faults after which an upload session may have begun that no client can know of."""


class Resolver:
    """One provider for every organisation."""

    def __init__(self, storage: Storage) -> None:
        self.transport: Transport = storage.transport
        self.revisions: RevisionRegister = MemoryRegister()
        self._found = ResolvedProvider(provider="p", kind="any", label="any", verified=True, storage=storage)

    def chosen(self, organisation: str, project: str | None) -> ResolvedProvider:
        return self._found

    def by_id(self, organisation: str, provider: str) -> ResolvedProvider:
        return self._found

    def in_order(self, organisation: str, project: str | None) -> Sequence[ResolvedProvider]:
        return (self._found,)

    by: str | None = None
    listens = False

    def announced(self, change: Callable[[], bool], *events: Event) -> bool:
        del events
        return change()

    def acting(self, by: str | None) -> Resolver:
        del by
        return self

    def emit(self, event: Event) -> None:
        """Nobody listens."""


@dataclass
class Trial:
    """What is there, what is done, and what may be there afterwards."""

    storage: Storage
    key: str
    old: bytes
    new: bytes
    folder: Path

    def body(self) -> Path:
        path = self.folder / "body.bin"
        path.write_bytes(self.new)
        return path

    def read(self, data: bytes) -> None:
        if data != self.old:
            raise WrongError("read other bytes than were stored")


class WrongError(Exception):
    """What must never be."""


Place = tuple[bytes | None, bytes | None]
"""What stands under the key, and under the other one."""
Job = Callable[[Trial], object]


def _download(trial: Trial, into: Callable[[Path], object]) -> None:
    path = trial.folder / "down.bin"
    try:
        into(path)
    except BaseException:
        if path.exists():
            raise WrongError("a download that failed left its file") from None
        raise
    trial.read(path.read_bytes())


def _stream(trial: Trial) -> None:
    with trial.storage.stream(trial.key) as chunks:
        trial.read(b"".join(chunks))


def _fs(trial: Trial) -> StorageFileSystem:
    return StorageFileSystem(storage=trial.storage, skip_instance_cache=True)


@dataclass(frozen=True)
class Kind:
    """A journey: what it does, and what may be there when it failed and when it succeeded."""

    do: Job
    failed: Callable[[bytes, bytes], Sequence[Place]]
    done: Callable[[bytes, bytes], Sequence[Place]]


def _reads(do: Job) -> Kind:
    return Kind(do, lambda old, new: [(old, None)], lambda old, new: [(old, None)])


def _writes(do: Job) -> Kind:
    return Kind(do, lambda old, new: [(old, None), (new, None)], lambda old, new: [(new, None)])


def _creates(do: Job) -> Kind:
    return Kind(do, lambda old, new: [(old, None), (old, new)], lambda old, new: [(old, new)])


def _copies(do: Job) -> Kind:
    return Kind(do, lambda old, new: [(old, None), (old, old)], lambda old, new: [(old, old)])


def _moves(do: Job) -> Kind:
    return Kind(do, lambda old, new: [(old, None), (old, old), (None, old)], lambda old, new: [(None, old)])


def _removes(do: Job) -> Kind:
    return Kind(do, lambda old, new: [(old, None), (None, None)], lambda old, new: [(None, None)])


JOBS: dict[str, dict[str, Kind]] = {
    "Storage": {
        "put": _writes(lambda t: t.storage.put(t.key, t.new)),
        "put file": _writes(lambda t: t.storage.put(t.key, t.body())),
        "create": _creates(lambda t: t.storage.put(t.key + ".b", t.new, CREATE)),
        "put many": _creates(lambda t: t.storage.put_many([(t.key + ".b", t.new)])),
        "get": _reads(lambda t: t.read(t.storage.get_bytes(t.key))),
        "download": _reads(lambda t: _download(t, lambda path: t.storage.download(t.key, path))),
        "stream": _reads(_stream),
        "copy": _copies(lambda t: t.storage.copy(t.key, t.key + ".b")),
        "move": _moves(lambda t: t.storage.move(t.key, t.key + ".b")),
        "delete": _removes(lambda t: t.storage.delete(t.key)),
    },
    "fsspec": {
        "pipe": _writes(lambda t: _fs(t).pipe_file(t.key, t.new)),
        "put_file": _writes(lambda t: _fs(t).put_file(str(t.body()), t.key)),
        "cat": _reads(lambda t: t.read(_fs(t).cat_file(t.key))),
        "get_file": _reads(lambda t: _download(t, lambda path: _fs(t).get_file(t.key, str(path)))),
        "cp": _copies(lambda t: _fs(t).cp_file(t.key, t.key + ".b")),
        "rm": _removes(lambda t: _fs(t).rm_file(t.key)),
    },
    "DocumentStore": {},
}


@dataclass
class Tally:
    """What came of the trials."""

    rows: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def note(self, service: str, fault: str, outcome: str) -> None:
        self.rows.setdefault((service, fault), Counter())[outcome] += 1

    def table(self) -> str:
        """The summary."""
        columns = ("trials", "done", "error", "told", "swept", "wrong")
        lines = [f"{'service':<12} {'fault':<12}" + "".join(f"{name:>8}" for name in columns)]
        for (service, fault), row in sorted(self.rows.items()):
            lines.append(f"{service:<12} {fault:<12}" + "".join(f"{row[name]:>8}" for name in columns))
        total = sum(self.rows.values(), Counter())
        lines.append(f"{'all':<25}" + "".join(f"{total[name]:>8}" for name in columns))
        lines.append(f"the slowest took {self.slowest_s:.1f} s")
        return "\n".join([*lines, *self.wrong])


def run_trial(seed: int, services: Sequence[Service], tally: Tally, folder: Path) -> None:
    """Run the trial of that *seed*."""
    rng = random.Random(seed)  # noqa: S311  # not for secrets
    service = services[seed % len(services)]
    fault = list(FAULTS)[seed // len(services) % len(FAULTS)]
    kinds, action = FAULTS[fault](rng)
    if service.name == "sharepoint" and not kinds and fault in LOSING:
        kinds = ("read", "write", "other")
    face = rng.choice(list(JOBS))
    large, skip, times = rng.random() < 0.3, rng.choice([0, 0, 1, 1, 2, 3]), rng.choice([1, 1, 2, None])
    storage = service.storage()
    trial = Trial(storage, f"t{seed}.bin", b"", b"", folder)
    size = LARGE if large else SMALL
    trial.old, trial.new = rng.randbytes(size), rng.randbytes(size + 1)
    label = f"seed {seed}: {service.name}, {fault} x {times} after {skip}, {face}"
    begun = time.monotonic()

    def spoil() -> None:
        service.front.on(*kinds, do=action, times=times, skip=skip)

    try:
        if face == "DocumentStore":
            job = _document(trial, rng, spoil, service)
        else:
            name = rng.choice(list(JOBS[face]))
            job = _plain(trial, JOBS[face][name], spoil, service)
            label += f" {name}"
        outcome = _bounded(job)
    except WrongError as error:
        outcome = "wrong"
        tally.wrong.append(f"{label}: {error}")
    finally:
        service.front.clear()
        service.front.seen.clear()  # it keeps every body
    tally.slowest_s = max(tally.slowest_s, time.monotonic() - begun)
    tally.note(service.name, fault, "trials")
    tally.note(service.name, fault, outcome)
    _left_nothing(service, storage, tally, fault, label)
    for info in list(service.calm.list()):
        service.calm.delete(info.key)


def _plain(trial: Trial, kind: Kind, spoil: Callable[[], None], service: Service) -> Callable[[], str]:
    service.calm.put(trial.key, trial.old)

    def job() -> str:
        spoil()
        try:
            kind.do(trial)
        except (StorageError, OSError) as error:
            service.front.clear()
            if LEFT in str(error):
                return "told"
            _one_of(trial, kind.failed(trial.old, trial.new), service, repr(error))
            return "error"
        service.front.clear()
        _one_of(trial, kind.done(trial.old, trial.new), service, "success")
        return "done"

    return job


def _one_of(trial: Trial, places: Sequence[Place], service: Service, end: str) -> None:
    found = service.stored(trial.key), service.stored(trial.key + ".b")
    if found not in places:
        named = {trial.old: "old", trial.new: "new", None: "nothing"}
        shown = [named.get(each, f"{len(each or b'')} other bytes") for each in found]
        raise WrongError(f"after {end[:300]} there is {shown[0]}, and {shown[1]} beside it")


def _document(trial: Trial, rng: random.Random, spoil: Callable[[], None], service: Service) -> Callable[[], str]:
    documents = DocumentStore(Resolver(trial.storage))
    document = DocumentKey("org-1", "bridge", trial.key, "P01", "plan.bin")
    reading = rng.choice(["", "get", "download"])
    before = DocumentStore(Resolver(service.calm))
    receipt = before.upload(document, trial.old) if reading else None

    def job() -> str:
        spoil()
        try:
            if receipt is None:
                documents.upload(document, trial.new)
            elif reading == "get":
                trial.read(documents.get_bytes(receipt))
            else:
                _download(trial, lambda path: documents.download(receipt, path))
        except StorageError as error:
            service.front.clear()
            if LEFT in str(error):
                return "told"
            _all_of(trial, [[trial.old]] if receipt is not None else [[], [trial.new]], service, repr(error))
            return "error"
        service.front.clear()
        _all_of(trial, [[trial.old if receipt is not None else trial.new]], service, "success")
        return "done"

    return job


def _all_of(trial: Trial, places: Sequence[Sequence[bytes]], service: Service, end: str) -> None:
    """Compare all that is there with what may be there."""
    found = [service.stored(info.key) for info in service.calm.list()]
    if found not in places:
        raise WrongError(f"after {end[:300]} there are {len(found)} objects, or other bytes than were given")


def _bounded(job: Callable[[], str]) -> str:
    """Run *job* for a minute at most."""
    ended: list[str | BaseException] = []

    def run() -> None:
        try:
            ended.append(job())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(HANG_S)
    if not ended:
        raise WrongError(f"no end after {HANG_S:.0f} s")
    if isinstance(ended[0], WrongError):
        raise ended[0]
    if isinstance(ended[0], BaseException):
        raise WrongError(f"{type(ended[0]).__name__} is no error of ours: {ended[0]!s:.300}")
    return ended[0]


def _left_nothing(service: Service, storage: Storage, tally: Tally, fault: str, label: str) -> None:
    """Look for unfinished uploads; those that are remembered may be swept."""
    if not service.orphans():
        return
    sweep(storage, dry_run=False)
    if not service.orphans():
        tally.note(service.name, fault, "swept")
        return
    tally.note(service.name, fault, "wrong")
    tally.wrong.append(f"{label}: an unfinished upload is left")
    sweep(storage, older_than=timedelta(0), dry_run=False)


def run_campaign(seeds: Sequence[int], services: Sequence[Service]) -> Tally:
    """Run the trials of *seeds*."""
    tally = Tally()
    for number, seed in enumerate(seeds):
        if number % 25 == 0:
            _log.info("%d trials so far\n%s", number, tally.table())
        with tempfile.TemporaryDirectory() as folder:
            run_trial(seed, services, tally, Path(folder))
    return tally
