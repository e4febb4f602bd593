"""Verify: find out whether a storage really works, and when it does not, why and what to do.

Run it: python examples/04_verify.py
"""

from __future__ import annotations

import shutil
import tempfile

from kazinex_storage import Storage, VerificationReport, open_organisations, verify, verify_provider
from kazinex_storage.providers.memory import MemoryProvider


def show(report: VerificationReport) -> None:
    print(f"{report.kind} {report.location}: {'works' if report.ok else 'does not work'}")
    for check in report.checks:
        print(f"  {check.status.value:<8}{check.name}")
        if check.error:
            print(f"    {check.error}\n    {check.diagnosis}; {check.fix}")


def main() -> None:
    with Storage(MemoryProvider()) as storage:
        show(verify(storage))

    with tempfile.TemporaryDirectory() as home:
        organisations = open_organisations({"KAZINEX_STORAGE_HOME": f"{home}/data"})
        record = organisations.add_provider("org-1", "local", "Share", {"root": f"{home}/share", "create": True})
        show(verify_provider(organisations, "org-1", record.id))
        organisations.update_provider("org-1", record.id, settings={"create": None})

        shutil.rmtree(f"{home}/share")  # the disk is not mounted any more
        show(verify_provider(organisations, "org-1", record.id))
        record = organisations.find("org-1", "Share")
        print("recorded:", record.status.value, "-", record.last_error)
        organisations.close()


if __name__ == "__main__":
    main()
