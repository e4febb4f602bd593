"""fsspec: every tool that takes a URL reads and writes the documents of an organisation.

Run it: python examples/05_fsspec.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import fsspec

from kazinex_storage import DocumentKey, DocumentStore, Resolver, open_organisations, verify_provider


def one_provider(root: Path) -> None:
    disk = fsspec.filesystem("kazinexlocal", root=str(root))
    disk.pipe_file("models/bridge.ifc", b"ISO-10303-21;")
    print("kazinexlocal:", disk.find(""), disk.cat_file("models/bridge.ifc", start=0, end=3))

    with fsspec.open("kazinexmemory://scratch/report.csv", "wt", encoding="utf-8") as file:
        file.write("pier,height\nA,12.5 m\n")
    with fsspec.open("kazinexmemory://scratch/report.csv", "rt", encoding="utf-8") as file:
        print("kazinexmemory:", file.read().splitlines())


def an_organisation(home: Path) -> None:
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(home / "data")})
    settings = {"root": str(home / "files"), "create": True}
    record = organisations.add_provider("org-1", "local", "Office disk", settings)
    verify_provider(organisations, "org-1", record.id)
    organisations.set_default("org-1", record.id)
    resolver = Resolver(organisations)
    DocumentStore(resolver).upload(DocumentKey("org-1", "bridge", "DRG-0042", "P01", "Übersicht 1.pdf"), b"%PDF-1.7")

    # fsspec.open("kazinex://...") needs no resolver: it opens the catalogue that the environment names.
    files = fsspec.filesystem("kazinex", resolver=resolver)
    for path in files.find("kazinex://org-1"):
        print("kazinex:", path, files.info(path)["size"], "bytes", files.cat_file(path))
    resolver.close()
    organisations.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        one_provider(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        an_organisation(Path(folder))
