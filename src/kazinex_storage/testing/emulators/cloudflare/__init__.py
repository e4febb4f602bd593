"""A front before any real S3 server that behaves like Cloudflare R2: see ``r2_front``."""

from __future__ import annotations

from ..faults import Fault, Faults, Kind
from ..http import Answer
from .front import R2Front, r2_front
from .rules import Rules, Token

__all__ = ["Answer", "Fault", "Faults", "Kind", "R2Front", "Rules", "Token", "r2_front"]
