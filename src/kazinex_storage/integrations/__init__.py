"""What fits this package into frameworks and other libraries, one module each; import the one you need.

``starlette.py`` (FastAPI too), ``django.py`` and ``django_documents.py`` are for applications; ``smart_open.py``,
``pyarrow.py`` and ``obstore.py`` for libraries that open files.
"""
