"""Runs the command line as ``python -m kazinex_storage.cli``."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
