"""What a body has to be once the service holds it, and which files SharePoint may rewrite."""

from __future__ import annotations

from typing import Final

from ...bodies.quickxor import QuickXorHash
from ...errors import IntegrityError
from ...types import Buffer
from ...values import value
from .answers import Item

# Office files get properties of the library written into them, PDF and JPEG files as well ("property promotion") —
# github.com/OneDrive/onedrive-api-docs/issues/935, rclone.org/onedrive (read 2026-08).
REWRITTEN: Final = frozenset(
    {"doc", "docx", "docm", "dot", "dotx", "dotm", "xls", "xlsx", "xlsm", "xlsb", "xlt", "xltx", "xltm", "ppt", "pptx"}
    | {"pptm", "pps", "ppsx", "pot", "potx", "vsd", "vsdx", "vsdm", "mpp", "msg", "one", "pub", "rtf"}
    | {"pdf", "jpg", "jpeg", "jpe", "jfif", "htm", "html", "aspx"}
)
"""Extensions of files whose bytes SharePoint may change."""


@value(kw_only=False)
class Sent:
    """A body as it was sent: enough to recognise it."""

    size: int
    quickxor: str
    """Hexadecimal."""
    sha256: str | None

    def is_in(self, item: Item) -> bool:
        """Say whether *item* certainly holds this body."""
        return self.may_be_in(item) and item.quickxor is not None

    def may_be_in(self, item: Item) -> bool:
        """Say whether *item* can hold this body as it was sent: its size is the same, and its hash, if known, too."""
        return item.is_file and item.size == self.size and item.quickxor in (None, self.quickxor)

    def check(self, item: Item) -> None:
        """Compare *item*, which the service says it stored, with this body.

        Raises:
            IntegrityError: it is something else, and the service does not rewrite such files.
        """
        other = item.size != self.size or (item.quickxor is not None and item.quickxor != self.quickxor)
        if other and not may_be_rewritten(item.name):
            raise IntegrityError(
                f"SharePoint stored {item.size} bytes that are not the {self.size} that were sent; they were left in "
                "place, compare them and store the object again"
            )


def quickxor_of(data: Buffer) -> str:
    """Return the quickXorHash of *data*, in hexadecimal."""
    digest = QuickXorHash()
    digest.update(data)
    return digest.digest().hex()


def may_be_rewritten(name: str) -> bool:
    """Say whether SharePoint may change the bytes of a file of that *name*, while it is stored or later.

    Example:
        >>> may_be_rewritten("plan.PDF"), may_be_rewritten("model.ifc")
        (True, False)
    """
    return name.rpartition(".")[2].lower() in REWRITTEN
