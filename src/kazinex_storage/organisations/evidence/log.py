"""The evidence of receipts of a catalogue: shows, exports, verifies and proves what its chains say."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol, cast

from ...documents.proofs import ReceiptProof
from ...documents.receipts import StoredDocument
from ...errors import IntegrityError, NotFoundError, SettingsError, UnavailableError
from ...keys import DocumentKey, check_identifier
from ...secrecy.pickling import not_pickled
from ..catalogue import Catalogue
from ..records import now
from .lines import (
    END,
    KEY,
    STAMP,
    WINDOW,
    ChainEnd,
    ChainHead,
    Happening,
    SignedLine,
    end_line,
    header_line,
    parsed,
    signature_line,
)

if TYPE_CHECKING:
    from ...transport import Transport
    from ..signing import EvidenceKey, EvidenceSigner
    from .chain import ReceiptChains
    from .checking import ChainReport
    from .stamps import Stamp

_NAMES = ("organisation", "project", "document", "revision")
_PROVING = ("stored", "moved", "changed", "known", "restored")


class ChainedCatalogue(Protocol):
    """What a catalogue adds when it keeps chains of receipts."""

    @property
    def receipts(self) -> ReceiptChains:
        """The chains."""
        ...


class Written(Protocol):
    """A file that bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Write *data*."""
        ...


@not_pickled("let the other process open the catalogue")
class ReceiptEvidence:
    """The evidence of receipts in a catalogue. Thread-safe and fork-safe, for any number of processes.

    A line is added by the register itself, whichever way a document comes in, moves or goes; nothing here changes one.
    """

    def __init__(self, catalogue: Catalogue, *, clock: Callable[[], datetime] = now) -> None:
        """Show the chains of *catalogue*."""
        self._catalogue = catalogue
        self._clock = clock
        self.time_stamp_url: str | None = None
        """Where the host has its time stamps from (RFC 3161); set before use, and never by a tenant."""

    @property
    def is_kept(self) -> bool:
        """Whether the catalogue keeps chains: one in memory has no keys, and keeps none."""
        return hasattr(self._catalogue, "receipts")

    def key(self, organisation: str, key_id: str | None = None) -> EvidenceKey:
        """Return the public key of *organisation* of now, or the one of *key_id*.

        Raises:
            InvalidKeyError: no organisation can have that id.
            SettingsError: the catalogue has no keys, they cannot be read or made, or none has that id.
        """
        from ..signing import evidence_key

        return evidence_key(self._catalogue, check_identifier(organisation, "organisation"), key_id)

    def projects(self, organisation: str) -> tuple[str, ...]:
        """Return the projects that have a chain, sorted. One query.

        Raises:
            InvalidKeyError: no organisation can have that id.
            SettingsError: the catalogue keeps no chains.
            StorageError: the database does not answer.
        """
        return self._chains.projects(check_identifier(organisation, "organisation"))

    def lines(self, organisation: str, project: str, *, after: int = 0) -> Generator[bytes, None, None]:
        """Yield the chain of *project* as ``check_receipts`` takes it, lines up to *after* left out; with line feeds.

        All of it is as of one instant; a database transaction stays open until the last line.

        Raises:
            InvalidKeyError: an id is not one.
            SettingsError: the catalogue keeps no chains, or its keys cannot be read.
            StorageError: the database does not answer.
        """
        check_identifier(organisation, "organisation")
        check_identifier(project, "project")
        signer = self._chains.signer_of(organisation, project)
        with self._chains.chain(organisation, project, after + 1) as (head, found):
            yield from self._file(head, found, signer)

    def export(self, organisation: str, project: str, file: Written, *, after: int = 0) -> ChainEnd:
        """Write the chain of *project* into *file*, a binary file, as ``lines`` yields it, and return its end.

        Raises:
            InvalidKeyError: an id is not one.
            SettingsError: the catalogue keeps no chains, or its keys cannot be read.
            StorageError: the database does not answer.
        """
        count, end = 0, b""
        for line in self.lines(organisation, project, after=after):
            end = line if count % 2 else end  # the last but one: each signature is on an even line
            count += 1
            file.write(line)
        found = END.read(parsed(end))
        return ChainEnd(
            organisation=organisation,
            project=project,
            lines=count // 2 - 1,
            number=found["end"],
            hash=found["hash"],
            key_id=found["key_id"],
        )

    def verify(self, organisation: str, project: str, known: tuple[int, str] | None = None) -> ChainReport:
        """Check the whole chain of *project* with the keys of the catalogue, and the register by it.

        It reads every line, and every entry of the register.

        Args:
            organisation: Its id.
            project: Its id.
            known: ``number`` and ``hash`` of an earlier report or export.

        Raises:
            InvalidKeyError: an id is not one.
            SettingsError: the catalogue keeps no chains, or its keys cannot be read.
            StorageError: the database does not answer.
        """
        from .checking import MAX_PROBLEMS, ChainProblem, Trust, check_lines
        from .comparing import differences

        trust = Trust(keys=self._trusted(organisation, project), known=known, whole=True)
        with closing(self.lines(organisation, project)) as lines:
            report = check_lines((line[:-1] for line in lines), trust)
        others = differences(self._chains.database, organisation, project)
        room = MAX_PROBLEMS - len(report.problems)
        problems = (*report.problems, *(ChainProblem(line=None, problem=each) for each in islice(others, room)))
        return replace(report, ok=not problems, problems=problems)

    def proof(self, receipt: StoredDocument) -> ReceiptProof:
        """Return what the chain says of *receipt*: a file that proves it, up to the next time stamp if there is one.

        Two or three queries.

        Raises:
            NotFoundError: the chain has no line of it: an earlier release recorded it, or it is of another catalogue.
            IntegrityError: the chain says that other bytes were stored.
            SettingsError: the catalogue keeps no chains, or its keys cannot be read.
            StorageError: the database does not answer.
        """
        document = receipt.document
        found = [(line, line.read()) for line in self._chains.of_revision(document)]
        # By what was signed: the columns that they were found by can be changed.
        mine = (document.organisation, document.project, document.document, document.revision)
        found = [each for each in found if tuple(each[1][name] for name in _NAMES) == mine]
        told = [(line, said) for line, said in found if said["kind"] in _PROVING]
        if not told:
            raise NotFoundError(
                "the evidence has no line of it; `kazinex-storage evidence complete` adds what earlier releases stored",
                operation="proof",
                key=document.build(),
            )
        fitting = [(line, said) for line, said in told if _fits(said, receipt)]
        if not fitting:
            raise IntegrityError(
                "the evidence says that another file was stored; the receipt, or the evidence, was altered",
                operation="proof",
                key=document.build(),
            )
        line, said = next((each for each in fitting if each[1]["provider"] == receipt.provider), fitting[0])
        number = int(str(said["number"]))
        content, stamped = self._part(document, number)
        return ReceiptProof(
            document=document,
            provider=cast("str | None", said["provider"]),
            size=cast("int | None", said["size"]),
            sha256=cast("str | None", said["sha256"]),
            kind=str(said["kind"]),
            recorded_at=datetime.fromisoformat(str(said["at"])),
            number=number,
            hash=line.hash,
            key_id=str(said["key_id"]),
            later=tuple(str(other["kind"]) for _, other in found if int(str(other["number"])) > number),
            stamped_at=stamped,
            content=content,
        )

    def stamp(self, organisation: str, project: str, transport: Transport) -> Stamp | None:
        """Have the time stamp service of the host see the end of the chain, and keep what it says as a line.

        One request to the service. None when nothing was added since the last stamp.

        Args:
            organisation: Its id.
            project: Its id.
            transport: What sends the request.

        Raises:
            InvalidKeyError: an id is not one.
            SettingsError: the host has named no service, the extra is not installed, or the catalogue keeps no chains.
            UnavailableError: the service does not answer, or so much was added meanwhile that it has to be asked again.
            IntegrityError: it stamped something else.
        """
        from .stamps import Stamp, asked, stamp_line

        if self.time_stamp_url is None:
            raise SettingsError("no time stamp service is named; set KAZINEX_STORAGE_TIME_STAMP_URL to its address")
        check_identifier(organisation, "organisation")
        check_identifier(project, "project")
        last = self._chains.last(organisation, project)
        if last is None or last.read()["kind"] == STAMP:
            return None
        number = int(str(last.read()["number"]))
        at, what = stamp_line(number, last, transport.run(asked(self.time_stamp_url, last)))
        with self._catalogue.together():
            if self._chains.append(organisation, project, [what]).number - number >= WINDOW:
                raise UnavailableError("too much was added while the time stamp service was asked; stamp it again")
        return Stamp(organisation=organisation, project=project, number=number, hash=last.hash, at=at)

    def complete(self, organisation: str) -> int:
        """Add a line of each stored revision that has none, since an earlier release recorded it; return how many.

        They are of the kind ``known``: that the register knew them at that time is all that such a line proves.
        One transaction for each hundred revisions.

        Raises:
            InvalidKeyError: no organisation can have that id.
            SettingsError: the catalogue keeps no chains, or its keys cannot be read.
            StorageError: the database does not answer.
        """
        from .completing import complete

        return complete(self._chains.database, self._chains, check_identifier(organisation, "organisation"))

    def note(self, document: DocumentKey, kind: str, *, by: str | None = None, reason: str | None = None) -> None:
        """Add a line of what no change of the register tells, such as ``purged``.

        Without effect where the catalogue keeps no chains.

        Args:
            document: What it is of.
            kind: Up to 16 characters.
            by: In whose name.
            reason: In words.

        Raises:
            SettingsError: the keys cannot be read.
            StorageError: the database does not answer.
        """
        if self.is_kept:
            what = Happening(kind=kind, document=document, by=by, reason=reason)
            self._chains.append(document.organisation, document.project, [what])

    @property
    def _chains(self) -> ReceiptChains:
        if not self.is_kept:
            raise SettingsError(
                "this catalogue keeps no evidence, as it has no keys; use one in a database, with KAZINEX_STORAGE_KEY "
                "or a key file"
            )
        return cast(ChainedCatalogue, self._catalogue).receipts

    def _trusted(self, organisation: str, project: str) -> tuple[str, ...]:
        """Return the public keys of the chain that the catalogue still has, by its own ring and not by the chain."""
        keys = [self.key(organisation).pem]
        for line in self._chains.of_kind(organisation, project, KEY):
            with suppress(SettingsError):  # it is not on the ring any more; it has handed over to the next
                keys.append(self.key(organisation, str(_said(line).get("id"))).pem)
        return tuple(dict.fromkeys(keys))

    def _part(self, document: DocumentKey, number: int) -> tuple[bytes, datetime | None]:
        """Return the part of the chain that begins with the line *number*, and the time that it was stamped."""
        organisation, project = document.organisation, document.project
        last, stamped = number, None
        for line in self._chains.of_kind(organisation, project, STAMP, number):
            found, said = line.read(), _said(line)
            if int(str(found["number"])) - number >= WINDOW:
                break
            if int(str(said["number"])) >= number:
                last, stamped = int(str(found["number"])), datetime.fromisoformat(str(said["at"]))
                break
        signer = self._chains.signer_of(organisation, project)
        with self._chains.chain(organisation, project, number) as (head, lines):
            part = islice(lines, last - number + 1)
            return b"".join(self._file(head, part, signer)), stamped

    def _file(self, head: ChainHead, lines: Iterator[SignedLine], signer: EvidenceSigner) -> Iterator[bytes]:
        first = next(lines, None)
        last = head
        if first is not None:
            said = first.read()
            last = replace(head, number=int(str(said["number"])) - 1, hash=str(said["before"]))
        yield header_line(last) + b"\n"
        for line in chain([first] if first is not None else [], lines):
            last = replace(head, number=last.number + 1, hash=line.hash)
            yield line.text + b"\n"
            yield signature_line(line.signature) + b"\n"
        end = end_line(last, head, signer.key_id, self._clock())
        yield end + b"\n"
        yield signature_line(signer.sign(end)) + b"\n"


def _said(line: SignedLine) -> Mapping[str, object]:
    found = line.read()["said"]
    return found if isinstance(found, Mapping) else {}


def _fits(said: Mapping[str, object], receipt: StoredDocument) -> bool:
    """Say whether a line is of the file of *receipt*; what one of them does not know is not compared."""
    pairs = ((said["size"], receipt.size), (said["sha256"], receipt.sha256))
    alike = all(recorded is None or own is None or recorded == own for recorded, own in pairs)
    return alike and said["filename"] == receipt.document.filename
