"""Whether a storage works, and what to do when it does not. Read next: ``verify.py``."""

# A person waits for the button; cloud services answer the seven small requests within a few seconds.
DEFAULT_TIMEOUT_S = 30.0
"""Seconds after which verification reports what it has."""
