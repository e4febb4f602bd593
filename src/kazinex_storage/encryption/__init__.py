"""Encryption on this side of the wire, in the age format (age-encryption.org/v1), which ``age`` and ``rage`` open.

``age.py`` holds the keys that a storage is given, ``header.py`` and ``chunks.py`` are the two parts of the format,
``sealing.py`` turns a source into one, ``opening.py`` turns what arrives back. ``providers/encrypted/`` puts them
between a storage and its provider. ADR 0065.
"""
