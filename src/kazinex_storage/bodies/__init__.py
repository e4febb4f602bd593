"""What is written and read: sources, parts, checksums, files that a download lands in. Read next: ``source.py``."""
