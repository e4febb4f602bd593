"""``demo``: the main job from beginning to end in one folder, on local disk and SQLite, without any account.

Everything is done by the library calls that a program would make; reading back is also done by two other processes,
the CLI and a program that knows nothing but fsspec.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AlreadyExistsError, IntegrityError, NotFoundError, RecordNotFoundError
from ..keys import DocumentKey
from ..lazy import module
from ..providers.settings.environment import PREFIX
from ..values import value
from .addresses import url_of
from .command import RunningCommand, command_of
from .exits import ExitCode

if TYPE_CHECKING:
    import hashlib
    import shutil
    import subprocess

    from ..documents.receipts import StoredDocument
    from ..organisations.records import ProviderRecord
    from ..verification.verify import VerificationReport
else:
    hashlib = module(__name__, "hashlib")
    shutil = module(__name__, "shutil")
    subprocess = module(__name__, "subprocess")


DATA = "data"
"""Where catalogue and key file are, below the home; no provider may hold them."""

LABEL = "Demo disk"
PROJECT = "river-bridge"
DOCUMENT = "DRG-0042"
FILENAME = "Brücke Übersicht Ø 12 m 橋梁.pdf"

_MODULE = "kazinex_storage.cli"
_WITH_FSSPEC = (
    "import fsspec, sys\nwith fsspec.open(sys.argv[1], 'rb') as file:\n    sys.stdout.buffer.write(file.read())"
)


@value
class ReadBack:
    """What one way of reading returned."""

    way: str
    command: str
    """What a person would type."""
    size: int
    sha256: str
    identical: bool


def run_demo(
    context: typer.Context,
    home: Annotated[Path, typer.Option(help="The folder for everything; made when missing.")] = Path("demo"),
    organisation: Annotated[str, typer.Option(help="The id of the organisation.")] = "demo-organisation",
) -> None:
    """Store a real document for an organisation, and read it back in three ways.

    Adds a local disk, verifies it, makes it the default, stores a PDF, compares what comes back byte for byte. Running
    it again stores the next revision.
    """
    home = home.absolute()
    command = RunningCommand(command_of(context).out, {f"{PREFIX}HOME": str(home / DATA)})
    try:
        Demo(command, home, organisation).run()
    finally:
        command.close()


class Demo:
    """The steps, in order."""

    def __init__(self, command: RunningCommand, home: Path, organisation: str) -> None:
        self._command = command
        self._out = command.out
        self._home = home
        self._organisation = organisation
        self._step = 0

    def run(self) -> None:
        """Do everything and print it.

        Raises:
            IntegrityError: something came back that was not stored.
            typer.Exit: the provider did not pass its verification.
        """
        record = self._provider()
        report = self._verify(record)
        self._command.organisations.set_default(self._organisation, record.id)
        self._say(f"made it the default of {self._organisation}")
        receipt, body = self._upload()
        reads = self._read_back(receipt, body)
        refusal = self._second_upload(receipt)
        files = {
            "catalogue": str(self._home / DATA / "catalogue.db"),
            "document": str(self._home / "storage" / receipt.key),
        }
        document = {
            "home": str(self._home),
            "organisation": self._organisation,
            "provider": {**record.public(), "status": "VERIFIED", "default": True},
            "verification": report.to_dict(),
            "receipt": receipt.to_dict(),
            "url": url_of(receipt.document),
            "reads": [asdict(read) for read in reads],
            "second_upload": {"refused": True, "message": refusal},
            "files": files,
        }
        lines = ["", "Everything is as it should be. Where it is:"]
        lines += [f"  {name.replace('_', ' '):<10} {path}" for name, path in files.items()]
        lines += [
            "Try next:",
            f"  {PREFIX}HOME={shlex.quote(str(self._home / DATA))} {_program()} ls -lR {self._organisation}",
            f"  {_program()} serve --demo --home {shlex.quote(str(self._home))}   # the page Settings > Storage",
        ]
        self._out.result(document, lines)

    def _provider(self) -> ProviderRecord:
        organisations = self._command.organisations
        try:
            record = organisations.find(self._organisation, LABEL)
            self._say(f"found the provider {record.label!r} ({record.id}) of an earlier run")
        except RecordNotFoundError:
            settings = {"root": str(self._home / "storage"), "create": True}
            record = organisations.add_provider(self._organisation, "local", LABEL, settings)
            self._say(f"added the provider {record.label!r} ({record.id}): local disk, {settings['root']}")
        return record

    def _verify(self, record: ProviderRecord) -> VerificationReport:
        from ..verification.verify import verify_provider

        report = verify_provider(self._command.organisations, self._organisation, record.id)
        self._say("verified it:" if report.ok else "it did not pass its verification:")
        for check in report.checks:
            why = f"  {check.diagnosis}; {check.fix}" if check.fix else ""
            self._more(f"{check.status.value:<8} {check.name:<12} {check.seconds * 1000:7.1f} ms{why}")
        if not report.ok:
            self._out.result({"verification": report.to_dict()}, [])
            raise typer.Exit(ExitCode.VERIFICATION)
        return report

    def _upload(self) -> tuple[StoredDocument, bytes]:
        document = DocumentKey(self._organisation, PROJECT, DOCUMENT, self._next_revision(), FILENAME)
        from .pdf import make_pdf

        body = make_pdf(
            ["River bridge", f"Drawing {DOCUMENT}, revision {document.revision}", "Brücke: Übersicht, Ø 12 m"]
        )
        receipt = self._command.documents.upload(document, body)
        self._say(f"stored {FILENAME!r} as revision {document.revision}; the receipt:")
        for name, found in receipt.to_dict().items():
            self._more(f"{name:<13} {found if name != 'document' else url_of(document)}")
        if receipt.sha256 != hashlib.sha256(body).hexdigest():
            raise IntegrityError("the receipt has another sha256 than the document", key=receipt.key)
        return receipt, body

    def _next_revision(self) -> str:
        any_revision = DocumentKey(self._organisation, PROJECT, DOCUMENT, "P01", FILENAME)
        taken = {found.document.revision for found in self._command.documents.revisions(any_revision)}
        return next(name for number in range(1, len(taken) + 2) if (name := f"P{number:02}") not in taken)

    def _read_back(self, receipt: StoredDocument, body: bytes) -> list[ReadBack]:
        url = url_of(receipt.document)
        ways: tuple[tuple[str, str, Callable[[], bytes]], ...] = (
            (
                "DocumentStore",
                "DocumentStore.stream(receipt)",
                lambda: b"".join(self._command.documents.stream(receipt)),
            ),
            (
                "command line",
                f"kazinex-storage cat {shlex.quote(url)}",
                lambda: self._child("-m", _MODULE, "cat", url),
            ),
            ("fsspec", f"fsspec.open({url!r})", lambda: self._child("-c", _WITH_FSSPEC, url)),
        )
        reads = []
        self._say("read it back:")
        for way, command, read in ways:
            found = read()
            identical = found == body
            digest = hashlib.sha256(found).hexdigest()
            reads.append(ReadBack(way=way, command=command, size=len(found), sha256=digest, identical=identical))
            self._more(f"{'identical' if identical else 'DIFFERENT'}  {len(found)} bytes  {command}")
        different = [read.way for read in reads if not read.identical]
        if different:
            raise IntegrityError(
                f"what was read through {', '.join(different)} is not what was stored", key=receipt.key
            )
        return reads

    def _child(self, *arguments: str) -> bytes:
        """Run Python on *arguments* as a shell would that knows only this folder."""
        command = [
            "env",
            *("-u", f"{PREFIX}DATABASE", "-u", f"{PREFIX}KEY"),
            f"{PREFIX}HOME={self._home / DATA}",
            sys.executable,
            "-P",  # so that nothing is imported from the current folder
            *arguments,
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)  # fixed
        if done.returncode:
            raise NotFoundError(f"reading back failed with exit code {done.returncode}; the error is above")
        return done.stdout

    def _second_upload(self, receipt: StoredDocument) -> str:
        try:
            self._command.documents.upload(receipt.document, b"something else")
        except AlreadyExistsError as error:
            self._say(f"tried to store the same revision again, which was refused: {error.message}")
            return error.message
        raise IntegrityError("a second upload of the same revision was accepted", key=receipt.key)

    def _say(self, text: str) -> None:
        self._step += 1
        self._lines(f"{self._step}. {text}")

    def _more(self, text: str) -> None:
        self._lines(f"     {text}")

    def _lines(self, text: str) -> None:
        if not self._out.as_json:
            self._out.result(None, [text])


def _program() -> str:
    """Return what to type for this program: its name where the shell finds it."""
    return "kazinex-storage" if shutil.which("kazinex-storage") else f"{shlex.quote(sys.executable)} -m {_MODULE}"
