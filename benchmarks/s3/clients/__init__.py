"""The clients: each module has a class ``Client(place)`` with those methods of ``jobs.py`` that the library can do.

They run in processes of their own, the others' under a Python that has neither our package nor what it needs, so
everything here imports the standard library, the client's own library and its neighbours alone.
"""
