"""What a body has to be once the service holds it, and which files SharePoint may rewrite."""

from __future__ import annotations

from typing import Final

from ...errors import IntegrityError
from .answers import Item

# Office files get properties of the library written into them, PDF and JPEG files as well ("property promotion") —
# github.com/OneDrive/onedrive-api-docs/issues/935, rclone.org/onedrive (read 2026-08).
WRITTEN_ANEW: Final = frozenset(
    {"doc", "docx", "docm", "dot", "dotx", "dotm", "xls", "xlsx", "xlsm", "xlsb", "xlt", "xltx", "xltm", "ppt", "pptx"}
    | {"pptm", "pps", "ppsx", "pot", "potx", "vsd", "vsdx", "vsdm", "mpp", "msg", "one", "pub", "rtf"}
    | {"pdf", "jpg", "jpeg", "jpe", "jfif", "htm", "html", "aspx"}
)
"""Extensions of files whose bytes SharePoint may change."""


def may_be_written_anew(name: str) -> bool:
    """Say whether SharePoint may change the bytes of a file with that *name* while or after it is stored.

    Example:
        >>> may_be_written_anew("plan.PDF"), may_be_written_anew("model.ifc")
        (True, False)
    """
    return name.rpartition(".")[2].lower() in WRITTEN_ANEW


def is_same(item: Item, size: int, quickxor: str) -> bool:
    """Say whether *item* surely holds a body of *size* bytes with that hash, in hexadecimal."""
    return item.is_file and item.size == size and item.quickxor == quickxor


def check_stored(item: Item, size: int, quickxor: str) -> None:
    """Compare what the service says that it stored with what was sent.

    Raises:
        IntegrityError: it stored something else, and not because it may.
    """
    other = item.size != size or (item.quickxor is not None and item.quickxor != quickxor)
    if other and not may_be_written_anew(item.name):
        raise IntegrityError(
            f"SharePoint stored {item.size} bytes that are not the {size} that were sent; they are left there, compare "
            "them and store the object again"
        )
