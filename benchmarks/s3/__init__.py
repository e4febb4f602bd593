"""Ours against the other clients of S3, each in a process of its own. Read ``small.py`` next.

``null_s3.c`` and SeaweedFS are what they talk to; ``child.py`` is the process of one client, ``clients/`` are the
clients; ``crew.py`` lets them take turns; ``tables.py`` prints what was found.
"""
