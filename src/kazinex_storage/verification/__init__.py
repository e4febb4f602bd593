"""Whether a storage works, and what to do when it does not. Read next: ``verify.py``."""
