"""Documents of organisations: stored once, found again, proved when read.

``store.py`` and ``aio.py`` are what callers hold; ``operations.py`` has one body for each of their methods, on top of
``searching.py`` (which provider holds what) and ``reading.py`` (locate, download, check).
"""
