"""What an organisation lets in: the largest file, the allowed extensions, ``FileRules``. Pure: decides, does no I/O.

The numbers are Kazinex's own: docs.kazinex.com, guides/storage-integrations/file-restrictions (read 2026-08), where MB
is taken as 1,048,576 bytes. Azure Blob and local disk have no Kazinex figure; their ceiling is the service's own limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from .content_types import extension_of as extension_of
from .content_types import extensions_of
from .errors import FileTooLargeError, FileTypeRefusedError, PolicyError
from .file_rules import NEVER_ALLOWED, NO_FILE_RULES, FileRules
from .types import MIB
from .values import value

TIB = 1024 * 1024 * MIB
"""One tebibyte, in bytes; what Kazinex writes as TB."""


# A disk gives the largest offset of the file interface, 8 EiB, which no disk holds: no figure to give as advice.
_NO_CEILING = 1024 * TIB


@value
class SizeRule:
    """The size limits of one kind of provider, in bytes."""

    default: int
    """In force when an organisation has set nothing."""
    ceiling: int
    """The highest limit that an organisation may set."""


SIZE_RULES = {
    "r2": SizeRule(default=500 * MIB, ceiling=5 * TIB),
    "sharepoint": SizeRule(default=250 * MIB, ceiling=250 * MIB),
    "supabase": SizeRule(default=50 * MIB, ceiling=500 * MIB),
}
"""The kinds for which Kazinex documents figures."""


@value
class Plan:
    """What an organisation may store on a provider of the platform."""

    name: str
    max_file_bytes: int
    """The largest file, in bytes; organisations cannot change it."""


# docs.kazinex.com, guides/storage-integrations/supabase-storage (read 2026-08): 50 MB, and 500 MB by the plan.
STANDARD = Plan(name="Standard", max_file_bytes=50 * MIB)
"""The plan of an organisation that has no other."""

ENTERPRISE = Plan(name="Enterprise", max_file_bytes=500 * MIB)
"""The larger one."""

DEFAULT_FILE_BYTES = 500 * MIB
"""The default for every other kind; its ceiling is what the provider itself can hold."""


def size_rule(kind: str, max_object_bytes: int) -> SizeRule:
    """Return the rule for providers of *kind* whose service holds objects of up to *max_object_bytes*."""
    rule = SIZE_RULES.get(kind)
    if rule is None:
        return SizeRule(default=min(DEFAULT_FILE_BYTES, max_object_bytes), ceiling=max_object_bytes)
    return rule


@value
class Verdict:
    """What a policy decided about one file."""

    error: PolicyError | None = None
    """Why the file is refused; None when it is allowed."""

    @property
    def allowed(self) -> bool:
        """Whether the file may be stored."""
        return self.error is None


@value(kw_only=False)
class UploadPolicy:
    """The limits in force for uploads to one provider of one organisation.

    Example:
        >>> policy = UploadPolicy.make(kind="local", ceiling=5 * TIB, max_file_bytes=10, extensions=["PDF", ".dwg"])
        >>> policy.decide("plan.pdf", 10).allowed
        True
        >>> print(policy.decide("plan.pdf.exe", 10).error)
        'plan.pdf.exe' is of type .exe; allowed are .dwg .pdf; an Org Admin can change the list of allowed types
    """

    max_file_bytes: int
    """The largest file, in bytes."""
    ceiling: int
    """The largest value that ``max_file_bytes`` may be given."""
    extensions: frozenset[str] = frozenset()
    """Allowed extensions in lower case without the dot; empty allows every type."""
    plan: str | None = None
    """The name of the plan that sets the limit; None where the organisation does."""
    files: FileRules = NO_FILE_RULES
    """What is refused beside these; of a policy that is made without any, nothing."""

    @classmethod
    def make(
        cls,
        *,
        kind: str,
        ceiling: int,
        max_file_bytes: int | None = None,
        extensions: Iterable[str] = (),
        plan: str | None = None,
        files: FileRules = NO_FILE_RULES,
    ) -> Self:
        """Build the policy for a provider of *kind* whose service holds *ceiling* bytes; None takes the default limit.

        *extensions* may name MIME types, such as ``image/*``. With a *plan* nobody in the organisation can raise the
        limit.

        Raises:
            PolicyError: the limit is not positive or above the ceiling; an extension is not one.
        """
        rule = size_rule(kind, ceiling)
        limit = rule.default if max_file_bytes is None else max_file_bytes
        check_limit(kind, limit, rule.ceiling)
        allowed = frozenset(normal_extensions(extensions))
        return cls(limit, rule.ceiling if plan is None else limit, allowed, plan, files)

    def decide(self, filename: str, size: int | None) -> Verdict:
        """Decide on a file by its name and its size in bytes; a size of None is not checked."""
        if self.extensions:
            extension = self._refused_extension(filename)
            if extension is not None:
                allowed = " ".join(f".{name}" for name in sorted(self.extensions))
                kind = f"is of type .{extension}" if extension else "has no extension"
                return Verdict(
                    error=FileTypeRefusedError(
                        f"{filename!r} {kind}; allowed are {allowed}; an Org Admin can change the list of allowed types"
                    )
                )
        reason = self.files.refusal(filename, self.extensions)
        if reason is not None:
            return Verdict(error=FileTypeRefusedError(reason))
        if size is not None and size > self.max_file_bytes:
            return Verdict(error=self.too_large(size))
        return Verdict()

    def check(self, filename: str, size: int | None) -> None:
        """Refuse a file that ``decide`` does not allow.

        Raises:
            FileTypeRefusedError: its last extension is not allowed, or its ``files`` refuse the name.
            FileTooLargeError: it is larger than the limit.
        """
        verdict = self.decide(filename, size)
        if verdict.error is not None:
            raise verdict.error

    def _refused_extension(self, filename: str) -> str | None:
        """Return the extension for which *filename* is refused, empty when it has none; None when it is allowed.

        On NTFS ``evil.exe:plan.pdf`` is a stream of the program ``evil.exe``, which a download to such a disk makes.
        """
        last = extension_of(filename)
        if last not in self.extensions:
            return last
        file, colon, _ = filename.partition(":")
        hidden = extension_of(file) if colon else ""
        return hidden if hidden and hidden not in self.extensions else None

    def too_large(self, size: int) -> FileTooLargeError:
        """Make the error for a file of *size* bytes, or for one that has reached *size* and goes on."""
        if self.plan is not None:
            advice = f"that is of the plan {self.plan}; split the file, use another provider, or ask for a larger plan"
        elif self.max_file_bytes >= self.ceiling:
            advice = "this is the most that this kind of provider allows; split the file or use another provider"
        elif self.ceiling < _NO_CEILING:
            advice = f"an Org Admin can raise Max File Size up to {format_bytes(self.ceiling)}"
        else:
            advice = "an Org Admin can raise Max File Size"
        return FileTooLargeError(
            f"the file reaches {format_bytes(size)}, the limit is {format_bytes(self.max_file_bytes)}; {advice}"
        )


def check_limit(kind: str, limit: int, ceiling: int) -> None:
    """Refuse a size limit that cannot be set for providers of *kind*.

    Raises:
        PolicyError: it is not positive, or above *ceiling*.
    """
    if limit <= 0:
        raise PolicyError(f"a max file size is a positive number of bytes, not {limit}")
    if limit > ceiling:
        raise PolicyError(
            f"a max file size of {format_bytes(limit)} is above the ceiling of {format_bytes(ceiling)} for {kind}; "
            "set a lower one"
        )


def check_extensions(extensions: Iterable[str]) -> None:
    """Refuse a text in place of a list of extensions, which would allow its letters.

    Raises:
        PolicyError: it is a text.
    """
    if isinstance(extensions, str):
        raise PolicyError(f"the allowed extensions are a list such as ['pdf', 'dwg'], not the text {extensions!r}")


def normal_extension(text: str) -> str:
    """Return *text* as an allowlist holds it: lower case, without the dot.

    Raises:
        PolicyError: it is not one extension.
    """
    extension = text.strip().removeprefix(".").casefold()
    if not extension or not extension.isprintable() or any(character in extension for character in "./\\ ,;*"):
        raise PolicyError(f"{text!r} is not an extension; give one such as 'pdf' or '.pdf'")
    return extension


def normal_extensions(entries: Iterable[str]) -> list[str]:
    """Return what *entries*, extensions and MIME types, allow, as an allowlist holds it: sorted, each once.

    A MIME type stands for the extensions that mean it, without those that nobody should allow.

    Raises:
        PolicyError: an entry is neither, or they are a text.

    Example:
        >>> normal_extensions([".PDF", "image/png"])
        ['pdf', 'png']
    """
    check_extensions(entries)
    found: set[str] = set()
    for entry in entries:
        if "/" not in entry:
            found.add(normal_extension(entry))
            continue
        meant = set(extensions_of(entry)) - NEVER_ALLOWED
        if not meant:
            raise PolicyError(f"{entry!r} is no MIME type of a known extension; give the extension itself")
        found |= meant
    return sorted(found)


def format_bytes(size: int) -> str:
    """Write *size* for a person, with the exact number of bytes where it is not a round one.

    Example:
        >>> format_bytes(500 * MIB), format_bytes(1500)
        ('500 MB', '1,500 bytes')
    """
    for unit, name in ((TIB, "TB"), (1024 * MIB, "GB"), (MIB, "MB")):
        if size >= unit:
            exact = size % unit == 0
            return f"{size // unit:,} {name}" if exact else f"{size / unit:,.1f} {name} ({size:,} bytes)"
    return f"{size:,} bytes"
