"""Opt-in: the kit against a real bucket or library. Nothing is collected unless the environment names one.

``KAZINEX_LIVE_R2_ACCOUNT_ID`` and so on, ``KAZINEX_LIVE_S3_...``, ``KAZINEX_LIVE_SUPABASE_...``,
``KAZINEX_LIVE_AZURE_BLOB_CONTAINER``, ``KAZINEX_LIVE_SHAREPOINT_SITE_URL`` and so on: the fields of the settings of the
kind. Use a bucket, a container or a library for tests alone; all happens below folders ``kazinex-live-...``, which are
emptied.
"""

from __future__ import annotations

import os

PLACES = {
    "r2": "BUCKET",
    "s3": "BUCKET",
    "supabase": "BUCKET",
    "azure_blob": "CONTAINER",
    "sharepoint": "SITE_URL",
}
"""The field that says that a kind is there."""

KINDS = [kind for kind, field in PLACES.items() if f"KAZINEX_LIVE_{kind.upper()}_{field}" in os.environ]

collect_ignore_glob = [] if KINDS else ["test_*.py"]
