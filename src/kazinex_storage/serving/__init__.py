"""Documents over HTTP, whatever the framework: what a request asks for, what is answered, what errors mean there.

``downloads.py`` answers GET and HEAD by ``ranges.py`` and ``headers.py``, ``receiving.py`` takes a body,
``problems.py`` are the errors (RFC 9457), ``windows.py`` bounds the memory of downloads. ``web/`` and
``integrations/`` bring the frameworks.
"""
