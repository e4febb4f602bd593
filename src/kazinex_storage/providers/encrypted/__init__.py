"""A provider over any other one: it encrypts what goes in and opens what comes out, by keys of the age format.

``opening.py`` makes one, ``provider.py`` is what it can do everywhere, ``records.py`` and ``uploads.py`` what it can do
where the provider beneath it can.
"""

from __future__ import annotations

from .opening import beneath, encrypted, open_encrypted

__all__ = ["beneath", "encrypted", "open_encrypted"]
