"""``python -m docsite FOLDER``: write the pages of the site and its configuration below a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from .prepare import write

write(Path(sys.argv[1]))
