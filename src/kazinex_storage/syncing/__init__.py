"""One-way synchronisation of a folder or a storage with another: what is missing is copied, what differs is replaced.

Read ``plan.py`` (what is to be done, pure), ``ends.py`` (what a source and a target are), ``syncs.py`` (doing it).
"""
