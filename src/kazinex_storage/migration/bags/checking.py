"""Whether a bag is whole and unaltered: RFC 8493, section 3, and whose it is; before anything of it is stored.

Every file that a manifest names is there and has every checksum that is known of it, and no payload is there that no
manifest names. Listing and manifests come in any order and are sorted on disk, so memory stays flat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from ...errors import AccessDeniedError, IntegrityError
from ...json_text import parse_own_json
from ...storage.operations import Operations
from ...storage.sync import Storage
from ...transport import Exchange, Outcome
from ...types import Buffer, Folder
from ...values import value
from ..rates import Pace
from .formats import (
    BAG_INFO,
    BAGIT,
    FETCH,
    PAYLOAD,
    Oxum,
    check_bagit,
    known_algorithm,
    manifest_of,
    read_info,
    read_manifest,
    read_oxum,
)
from .inventory import OWN
from .passes import batches
from .places import SIDECARS, through
from .sorting import Sorted
from .tags import EXPORT, FOLDER

if TYPE_CHECKING:
    pass

# bagit.txt, bag-info.txt and our facts have some lines.
_SMALL_BYTES: Final = 1024 * 1024
_QUOTED: Final = 10

_PRESENT, _LISTED = "0", "1"


@value
class Payload:
    """One payload file that was read and found to be as its bag says."""

    key: str
    """Below the organisation."""
    size: int
    sha256: str


class BagCheck:
    """The check of one bag; a context manager, which holds temporary files."""

    def __init__(self, storage: Storage, name: str, organisation: str, pace: Pace) -> None:
        """Check the bag called *name* that *storage* is scoped to; it has to be of *organisation*.

        Its payload is read as fast as *pace* lets this process.
        """
        self._pace = pace
        self._storage = storage
        self._name = name
        self._prefix = f"{PAYLOAD}{organisation}/"
        self._organisation = organisation
        self._rows = Sorted()
        self._problems: list[str] = []
        self._tags: dict[str, int] = {}
        self._algorithms: list[str] = []
        self.bytes = 0
        """Of the payload; known once ``structure`` has been checked."""

    def close(self) -> None:
        """Remove the temporary files."""
        self._rows.close()

    def structure(self) -> None:
        """Check everything but the bytes of the payload.

        Raises:
            IntegrityError: the bag is not valid; the message says why.
            AccessDeniedError: it is of another organisation.
            StorageError: it cannot be read.
        """
        self._list(payload=True)
        if BAGIT not in self._tags:
            raise self._invalid([f"there is no {BAGIT}: an export that has not ended, or no bag"])
        check_bagit(self._read(BAGIT))
        self._check_owner()
        if FETCH in self._tags:
            self._problems.append(f"{FETCH} names files that are elsewhere; bring them into the bag first")
        self._read_manifests()
        self._compare()
        self._check_tags()
        if self._problems:
            raise self._invalid(self._problems)

    def tags(self) -> None:
        """Check the tag files alone.

        Raises:
            IntegrityError: one was altered.
        """
        self._list(payload=False)
        self._check_tags()
        if self._problems:
            raise self._invalid(self._problems)

    def payload(self, after: str, at_once: int) -> Iterator[Payload]:
        """Read the payload, *at_once* files at a time, and yield what is as it should be, in the order of keys.

        Args:
            after: Leave out what comes before this key, and it itself; empty is all.
            at_once: How many are read at once.

        Raises:
            IntegrityError: a file has another checksum than a manifest says.
        """
        groups = (
            (path, list(group))
            for path, group in groupby(self._rows.rows(), key=lambda row: row[0])
            if not after or path > f"{self._prefix}{after}"
        )
        for batch in batches(groups, 256):
            yield from self._read_batch(batch, at_once)

    def removals(self, path: str) -> Iterator[bytes]:
        """Yield the chunks of the tag file *path*, if the bag has it."""
        return self._storage.stream(path) if path in self._tags else iter(())

    def _list(self, *, payload: bool) -> None:
        for found in self._storage.list(recursive=False):
            if not isinstance(found, Folder):
                self._tags[found.key] = found.size
            elif found.prefix != PAYLOAD and not found.prefix.startswith(SIDECARS):
                self._tags.update((info.key, info.size) for info in self._storage.list(found.prefix))
        for info in self._storage.list(PAYLOAD) if payload else ():
            self._rows.add(info.key, _PRESENT, str(info.size))

    def _check_owner(self) -> None:
        """Refuse the bag of another organisation, by what it says of itself."""
        found = self._read(EXPORT) if EXPORT in self._tags else b"{}"
        try:
            facts = parse_own_json(found)
        except ValueError as error:
            raise self._invalid([f"{EXPORT} is no JSON"]) from error
        owner = facts.get("organisation", self._organisation) if isinstance(facts, dict) else None
        if owner != self._organisation:
            raise AccessDeniedError(
                f"the bag {self._name!r} is of the organisation {owner!r} and not of {self._organisation!r}; nothing "
                "of it was stored. To bring it to another organisation, say so: renamed_from, or --as",
                operation="import",
            )

    def _read_manifests(self) -> None:
        for name in sorted(self._tags):
            found = manifest_of(name)
            if found is None or found[0]:
                continue
            if not known_algorithm(found[1]):
                continue
            self._algorithms.append(found[1])
            for line in read_manifest(self._storage.stream(name), found[1], name):
                if not line.path.startswith(PAYLOAD):
                    self._problem(f"{name} names {line.path!r}, which is not below {PAYLOAD}")
                self._rows.add(line.path, _LISTED, found[1], line.checksum)
        if not {"sha256", "sha512"} & set(self._algorithms):
            raise self._invalid(["it has no manifest of sha256 or sha512, which alone prove bytes"])

    def _compare(self) -> None:
        """Compare the listing with every manifest, and with ``Payload-Oxum``."""
        files = 0
        for path, group in groupby(self._rows.rows(), key=lambda row: row[0]):
            rows = list(group)
            present = [row for row in rows if row[1] == _PRESENT]
            listed = sorted(row[2] for row in rows if row[1] == _LISTED)
            if not present:
                self._problem(f"{path!r} is missing")
                continue
            files, self.bytes = files + 1, self.bytes + int(present[0][2])
            if listed != self._algorithms:
                what = "is in no manifest" if not listed else "is not exactly once in each manifest"
                self._problem(f"{path!r} {what}")
            key = path.removeprefix(self._prefix)
            if key == path or key.startswith(OWN):
                raise AccessDeniedError(
                    f"the bag {self._name!r} has {path!r}, which is not below {self._prefix!r}; nothing of it was "
                    "stored",
                    operation="import",
                )
        info = read_info(self._storage.stream(BAG_INFO)) if BAG_INFO in self._tags else {}
        found = Oxum(bytes=self.bytes, files=files)
        if "payload-oxum" in info and read_oxum(info["payload-oxum"]) != found:
            self._problem(f"Payload-Oxum says {info['payload-oxum']}, and {found} is there")

    def _check_tags(self) -> None:
        """Compare the tag files with their manifests; each of ours has to be in one."""
        listed = set[str]()
        for name in sorted(self._tags):
            found = manifest_of(name)
            if found is None or not found[0] or not known_algorithm(found[1]):
                continue
            for line in read_manifest(self._storage.stream(name), found[1], name):
                if line.path not in self._tags:
                    self._problem(f"{line.path!r} is missing")
                    continue
                listed.add(line.path)
                digests = self._run(digests_of(self._storage.operations, line.path, [found[1]]))
                if digests[found[1]] != line.checksum:
                    self._problem(f"{line.path!r} was altered: it has another {found[1]} than {name} says")
        for name in self._tags:
            if name.startswith(FOLDER) and name not in listed:
                self._problem(f"{name!r} is in no manifest of tag files")

    def _read_batch(self, batch: Sequence[tuple[str, list[list[str]]]], at_once: int) -> Iterator[Payload]:
        storage = self._storage
        algorithms = sorted({"sha256", *self._algorithms})
        reads = (self._digests(path, int(rows[0][2]), algorithms) for path, rows in batch)
        outcomes: dict[int, Outcome[dict[str, str]]] = dict(storage.transport.run_many(reads, at_once))
        for index, (path, rows) in enumerate(batch):
            digests = outcomes[index].result()
            for row in rows:
                if row[1] == _LISTED and digests[row[2]] != row[3]:
                    self._problem(f"{path!r} was altered: it has another {row[2]} than its manifest says")
        if self._problems:
            raise self._invalid(self._problems)
        for index, (path, rows) in enumerate(batch):
            sha256 = outcomes[index].result()["sha256"]
            yield Payload(key=path.removeprefix(self._prefix), size=int(rows[0][2]), sha256=sha256)

    def _digests(self, path: str, size: int, algorithms: Sequence[str]) -> Exchange[dict[str, str]]:
        yield from self._pace.taking(size, source=1)
        return (yield from through(self._storage, digests_of(self._storage.operations, path, algorithms)))

    def _read(self, path: str) -> bytes:
        if self._tags[path] > _SMALL_BYTES:
            raise self._invalid([f"{path} has {self._tags[path]:,} bytes, which no such file has"])
        return self._storage.get_bytes(path)

    def _run(self, exchange: Exchange[dict[str, str]]) -> dict[str, str]:
        return self._storage.transport.run(exchange)

    def _problem(self, text: str) -> None:
        """Note a problem; of an altered bag there may be as many as it has files."""
        if len(self._problems) <= _QUOTED:
            self._problems.append(text)

    def _invalid(self, problems: Sequence[str]) -> IntegrityError:
        more = "; and more" if len(problems) > _QUOTED else ""
        text = "; ".join(problems[:_QUOTED])
        return IntegrityError(
            f"the bag {self._name!r} is not valid, and nothing of it was stored: {text}{more}", operation="import"
        )


def digests_of(operations: Operations, key: str, algorithms: Iterable[str]) -> Exchange[dict[str, str]]:
    """Read an object whole, in one pass, and return its checksums by algorithm."""
    hashers = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}

    def sink(buffer: Buffer) -> None:
        for hasher in hashers.values():
            hasher.update(buffer)

    yield from operations.get(key, sink)
    return {name: hasher.hexdigest() for name, hasher in hashers.items()}
