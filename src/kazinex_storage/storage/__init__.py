"""The portable type: one body for each verb, and the faces that run them. Read next: ``sync.py``."""
