"""The sample organisation of ``serve --demo``: disks, an override, an allowlist, and documents with revisions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..documents.store import DocumentStore
from ..errors import AlreadyExistsError, RecordNotFoundError
from ..json_text import write_json
from ..keys import DocumentKey
from ..organisations import Organisations
from .pdf import make_pdf

ORGANISATION: Final = "demo-organisation"

PLATFORM: Final = "Platform storage"
"""What the platform offers to every organisation."""

OFFICE: Final = "Site office disk"
ARCHIVE: Final = "Head office archive"
OVERRIDDEN: Final = "station-east"
"""The project whose documents go to the archive."""

_ALLOWED: Final = "pdf doc docx xls xlsx ppt pptx txt csv png jpg jpeg tif tiff dwg dxf ifc zip".split()  # noqa: SIM905

_IFC: Final = (
    "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION(('ViewDefinition [ReferenceView]'),'2;1');\n"
    "FILE_NAME('station-east.ifc','2026-09-01T08:00:00',(''),(''),'','','');\nFILE_SCHEMA(('IFC4'));\nENDSEC;\n"
    "DATA;\n#1=IFCPROJECT('3Yq4Fh0Jn7$vX1n2pQw8Rs',$,'Station East',$,$,$,$,$,$);\nENDSEC;\nEND-ISO-10303-21;\n"
)

# Project, document, revision, filename, title; PDFs unless the name says otherwise.
_DOCUMENTS: Final = (
    ("river-bridge", "DRG-0042", "P01", "General arrangement.pdf", "General arrangement, first issue"),
    ("river-bridge", "DRG-0042", "P02", "General arrangement.pdf", "General arrangement, deck widened to 12 m"),
    ("river-bridge", "DRG-0042", "C01", "General arrangement.pdf", "General arrangement, for construction"),
    ("river-bridge", "DRG-0043", "P01", "Brücke Querschnitt Ø 12 m.pdf", "Cross-section"),
    ("river-bridge", "SPE-0007", "A", "Concrete specification.pdf", "Concrete specification"),
    ("river-bridge", "REG-0001", "P01", "Drawing register.csv", "drawing,revision,status\nDRG-0042,C01,issued\n"),
    ("station-east", "MOD-0001", "P01", "station-east.ifc", _IFC),
    ("station-east", "RFI-0118", "A", "RFI 0118 platform edge.pdf", "Request for information 118: platform edge"),
)


def declare(data: Path, storage: Path) -> Path:
    """Write the file for ``KAZINEX_STORAGE_MANAGED`` into the folder *data*, and return it.

    It declares a disk below *storage* as the platform's own provider.

    Raises:
        OSError: it cannot be written.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = data / "managed.json"
    settings = {"root": str(storage / "platform"), "create": True}
    file.touch(mode=0o600)
    file.write_text(write_json({"kind": "local", "label": PLATFORM, "settings": settings}), encoding="utf-8")
    return file


def fill(organisations: Organisations, documents: DocumentStore, home: Path) -> None:
    """Make what is missing of the sample below *home*; what a person has changed since stays.

    Raises:
        StorageError: the disk or the catalogue failed.
    """
    first = all(record.managed for record in organisations.providers(ORGANISATION))
    for label, folder in ((OFFICE, "site-office"), (ARCHIVE, "archive")):
        if first:
            _add(organisations, label, home / "storage" / folder)
    if first:
        organisations.set_default(ORGANISATION, OFFICE)
        organisations.set_override(ORGANISATION, OVERRIDDEN, ARCHIVE)
        organisations.set_allowlist(ORGANISATION, _ALLOWED)
    if first or not documents.revisions(_key(*_DOCUMENTS[0])):
        for project, document, revision, filename, text in _DOCUMENTS:
            _store(documents, _key(project, document, revision, filename), text)


def _add(organisations: Organisations, label: str, root: Path) -> None:
    from ..verification.verify import verify_provider

    try:
        record = organisations.find(ORGANISATION, label)
    except RecordNotFoundError:
        record = organisations.add_provider(ORGANISATION, "local", label, {"root": str(root), "create": True})
    verify_provider(organisations, ORGANISATION, record.id)


def _key(project: str, document: str, revision: str, filename: str, _text: str = "") -> DocumentKey:
    return DocumentKey(ORGANISATION, project, document, revision, filename)


def _store(documents: DocumentStore, key: DocumentKey, text: str) -> None:
    body = text.encode()
    if key.filename.endswith(".pdf"):
        body = make_pdf([text, f"{key.document}, revision {key.revision}", f"Project {key.project}"])
    try:
        documents.upload(key, body)
    except AlreadyExistsError:  # an earlier run was interrupted
        return
