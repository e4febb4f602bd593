"""Which tags an object may have, whatever the service. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# What every service with tags takes: docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html and
# learn.microsoft.com/rest/api/storageservices/set-blob-tags (read 2026-11); S3 takes more characters.
MOST_TAGS: Final = 10
"""Tags of one object."""
_NAME: Final = re.compile(r"[A-Za-z0-9 +\-./:=_]{1,128}")
_VALUE: Final = re.compile(r"[A-Za-z0-9 +\-./:=_]{0,256}")


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that not every service with tags takes.

    Raises:
        ValueError: there are too many, or one has a name or a value that is too long or has other characters.
    """
    if len(tags) > MOST_TAGS:
        raise ValueError(f"an object has at most {MOST_TAGS} tags, not {len(tags)}")
    for name, text in tags.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(text):
            raise ValueError(
                f"the tag {name[:100]!r} cannot be set: names have 1 to 128, values up to 256 of ASCII letters, "
                "digits, blanks and + - . / : = _"
            )
