"""The settings of R2, S3 and Supabase: what people enter, as values that make a ``Target``.

``settings_text.py`` trims and refuses text; ``settings_r2.py``, ``settings_s3.py`` and ``settings_supabase.py`` hold a
model each.
"""

from __future__ import annotations

from .settings_r2 import R2Settings
from .settings_s3 import S3Settings
from .settings_supabase import SupabaseSettings

__all__ = ["R2Settings", "S3Settings", "SupabaseSettings"]
