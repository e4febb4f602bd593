"""The documentation site: what mkdocs needs to make one of the pages below ``docs``, and of the code.

``make docs`` builds it into ``build/site``; ``hooks.py`` is where mkdocs calls in.
"""
