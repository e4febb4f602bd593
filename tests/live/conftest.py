"""Opt-in: the kit against a real bucket. Nothing is collected unless the environment names one.

``KAZINEX_LIVE_R2_ACCOUNT_ID`` and so on, ``KAZINEX_LIVE_S3_...``, ``KAZINEX_LIVE_SUPABASE_...``: the fields of the
settings of the kind. Use a bucket for tests alone; all happens below folders ``kazinex-live-...``, which are emptied.
"""

from __future__ import annotations

import os

KINDS = [kind for kind in ("r2", "s3", "supabase") if f"KAZINEX_LIVE_{kind.upper()}_BUCKET" in os.environ]

collect_ignore_glob = [] if KINDS else ["test_*.py"]
