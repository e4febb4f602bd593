"""A front before any real S3 server that behaves like Cloudflare R2: see ``r2_front``."""

from __future__ import annotations

from ..faults import Faults, Kind, RequestFault
from ..http import Answer
from .front import R2Front, r2_front
from .rules import Rules, Token

__all__ = ["Answer", "Faults", "Kind", "R2Front", "RequestFault", "Rules", "Token", "r2_front"]
