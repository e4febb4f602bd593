"""Upload policy: the largest file and the allowed types, for one storage and for an organisation.

Run it: python examples/03_policy.py
"""

from __future__ import annotations

import tempfile

from kazinex_storage import (
    DocumentKey,
    DocumentStore,
    PolicyError,
    Resolver,
    Storage,
    UploadPolicy,
    open_organisations,
    verify_provider,
)
from kazinex_storage.providers.memory import MemoryProvider

MB = 1024 * 1024


def for_one_storage() -> None:
    policy = UploadPolicy.make(kind="r2", ceiling=5 * 1024 * 1024 * MB, max_file_bytes=MB, extensions=["pdf", ".DWG"])
    for name, size in (("plan.PDF", 10), ("plan.pdf.exe", 10), ("plan", 10), ("plan.dwg", 2 * MB)):
        verdict = policy.decide(name, size)  # pure: for a form, before anything is sent
        print(f"{name} of {size} bytes:", "allowed" if verdict.allowed else f"refused, {verdict.error}")

    with Storage(MemoryProvider(), policy=policy) as storage:
        try:
            storage.put("plan.pdf", (bytes(MB // 4) for _ in range(8)))  # of unknown length: judged while it is read
        except PolicyError as error:
            print("while reading:", error.message)


def for_an_organisation() -> None:
    with tempfile.TemporaryDirectory() as home:
        organisations = open_organisations({"KAZINEX_STORAGE_HOME": f"{home}/data"})
        settings = {"root": f"{home}/files", "create": True}
        record = organisations.add_provider("org-1", "local", "Office disk", settings, max_file_bytes=5 * MB)
        verify_provider(organisations, "org-1", record.id)
        organisations.set_default("org-1", record.id)
        organisations.set_allowlist("org-1", ["pdf", "dwg", "ifc"])

        resolver = Resolver(organisations)
        try:
            DocumentStore(resolver).upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "setup.exe"), b"MZ")
        except PolicyError as error:
            print("the organisation refuses:", error.message)
        resolver.close()
        organisations.close()


if __name__ == "__main__":
    for_one_storage()
    for_an_organisation()
