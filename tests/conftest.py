"""What every test may rely on, wherever the suite is started from."""

from __future__ import annotations

import signal

from hypothesis import settings

from .clock import clock as clock

# A busy machine is no defect: nothing here is judged by how long it takes.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# A shell without job control starts background jobs with Ctrl-C ignored, nohup ignores the end of the terminal, and
# every process below inherits that. The tests of interrupts are about the ordinary case.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
