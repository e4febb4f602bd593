"""Bags (RFC 8493): organisations taken out of Kazinex and into it; begin with ``exporting.py``."""
