"""Runs the command line as ``python -m kazinex_storage.cli``."""

from __future__ import annotations

import atexit
import signal
import sys

from . import main

# Python ends a module that it was told to run by the signal and not with an exit code once a KeyboardInterrupt has
# passed through a text in exec(), as dataclasses and SQLAlchemy have them, caught or not; where the signal is blocked
# it ends with 130 (exit_sigint in Modules/main.c of CPython 3.8 to 3.14). What is registered first is called last.
if hasattr(signal, "pthread_sigmask"):
    atexit.register(signal.pthread_sigmask, signal.SIG_BLOCK, {signal.SIGINT})
sys.exit(main())
