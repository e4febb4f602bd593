"""The process of one client: reads jobs as lines of JSON, does them, and answers with what they cost.

    python -m benchmarks.s3.child CLIENT PLACE

Standard library only.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from .jobs import work_of
from .place import Place

JOBS = (
    "put",
    "get",
    "head",
    "delete",
    "put_many",
    "get_many",
    "async_put",
    "async_get",
    "upload",
    "download",
    "count",
    "tree_up",
    "tree_down",
    "read_ranges",
    "presign",
)


def main() -> None:
    """Serve until the standard input ends."""
    name, place = sys.argv[1], Place.from_json(sys.argv[2])
    module = importlib.import_module(f"benchmarks.s3.clients.{name}")
    client = module.Client(place)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    answers.write(json.dumps({"can": [job for job in JOBS if hasattr(client, job)], "version": client.version}) + "\n")
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        answers.write(json.dumps(measured(client, json.loads(line), loop)) + "\n")
    os._exit(0)  # some clients complain at length about what was not closed


def measured(client: Any, job: dict[str, Any], loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    """Do one job; return its seconds, its processor time, and how far the resident set grew above the start."""
    try:
        work = work_of(client, job, loop)
        gc.collect()
        forget_peak()
        resident, usage, start = status("VmRSS"), resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        result = work()
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    except Exception as error:  # reported to the parent, which knows whether it matters
        return {"error": f"{type(error).__name__}: {error}"}
    return {
        "seconds": seconds,
        "user": after.ru_utime - usage.ru_utime,
        "system": after.ru_stime - usage.ru_stime,
        "growth": max(0, status("VmHWM") - resident),
        "result": result if isinstance(result, int) else None,
    }


def status(field: str) -> int:
    """Return a line of ``/proc/self/status`` in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_peak() -> None:
    """Make the kernel count the peak from here; where it cannot, the peak so far counts as well."""
    clear = Path("/proc/self/clear_refs")
    if os.access(clear, os.W_OK):
        clear.write_text("5", encoding="ascii")  # proc(5): resets VmHWM


if __name__ == "__main__":
    main()
