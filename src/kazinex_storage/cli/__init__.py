"""The command line ``kazinex-storage``: thin; every rule lives in the library.

Exit codes:
    0    done
    1    the storage, the catalogue or the local disk failed
    2    the command line, a key or a URL is wrong
    3    a verification failed, or a checked document was tampered with
    4    no such object, document or provider
    5    refused: by the upload policy, or because what exists is never overwritten
    6    settings or credentials: wrong, missing, not accepted, or nothing chosen for the organisation
    130  interrupted (Ctrl-C); 143 and 129 for SIGTERM and SIGHUP; 141 the reader of the output went away

Of several items that failed, the gravest counts: 1, then 6, 3, 5, 4, 2.

With ``--json`` a result is exactly one JSON document on standard output; that of several items has an entry for each,
even if some failed. An error is one JSON document in the last line of standard error,
``{"error": {"type", "message", "exit_code", ...}}``, and standard output stays empty.
Read next: ``app.py`` (commands and errors), ``command.py`` (what a command works with).
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence

# What the extra installs; typer used to come with click.
_EXTRA = {"typer", "rich", "click"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, that of the process by default, and return its exit code."""
    if arguments is None:
        _spare_the_collector()
    try:
        from .app import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(f"error: the command line needs {error.name}; pip install 'kazinex-storage[cli]'\n")
        return 6
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


def _spare_the_collector() -> None:
    """Have the process look at what it loaded for no cycles: a quarter of the time of a short command (ADR 0031).

    What a command opens is closed by name. Commands that run long still collect, less often.
    """
    gc.set_threshold(200_000, 10, 10)
    atexit.register(gc.freeze)  # the last look, at the end, was 100 ms of the 520 that `ls` takes
