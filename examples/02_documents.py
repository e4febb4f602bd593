"""Documents of an organisation: add a provider, verify it, make it the default, store a revision once, read it back.

Run it: python examples/02_documents.py
"""

from __future__ import annotations

import tempfile

from kazinex_storage import (
    AlreadyExistsError,
    DocumentKey,
    DocumentStore,
    Resolver,
    StoredDocument,
    open_organisations,
    verify_provider,
)


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        # Without the argument the catalogue is where KAZINEX_STORAGE_HOME says, or in the data folder of the user.
        organisations = open_organisations({"KAZINEX_STORAGE_HOME": f"{home}/data"})
        record = organisations.add_provider("org-1", "local", "Office disk", {"root": f"{home}/files", "create": True})
        print("added:", record.label, record.status.value)

        report = verify_provider(organisations, "org-1", record.id)
        print("verified:", {check.name: check.status.value for check in report.checks})
        organisations.set_default("org-1", record.id)

        resolver = Resolver(organisations)
        documents = DocumentStore(resolver)
        drawing = DocumentKey("org-1", "bridge", "DRG-0042", "P01", "Übersicht 1.pdf")
        receipt = documents.upload(drawing, b"%PDF-1.7 the drawing")
        print("stored:", receipt.key, receipt.size, "bytes on", receipt.kind)

        try:
            documents.upload(drawing, b"%PDF-1.7 another drawing")
        except AlreadyExistsError as error:
            print("refused:", error.message)

        kept = receipt.to_dict()  # JSON for your own database
        with documents.open(StoredDocument.from_dict(kept)) as file:
            print("read by receipt:", file.read())
        print("found without one:", documents.find(drawing).sha256 == receipt.sha256)

        resolver.close()
        organisations.close()


if __name__ == "__main__":
    main()
