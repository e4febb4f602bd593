"""What an organisation refuses whatever its allowlist says: programs, names that deceive, bytes of another type. Pure.

``policy.py`` holds these beside sizes and the allowlist; ``storage/contents.py`` compares the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final, Literal, TypeAlias, get_args

from .content_types import extension_of
from .errors import FileTypeRefusedError, PolicyError
from .values import value

ContentRule: TypeAlias = Literal["off", "recognised", "required"]
"""``recognised`` refuses bytes that are recognised as another type than the extension; ``required`` also refuses those
that do not begin as files of the extension do, where that is known; ``off`` does not look at them."""

NEVER_ALLOWED: Final = frozenset(
    # What Windows runs when it is opened: learn.microsoft.com, Blocked attachments in Outlook (read 2026-11), as far as
    # it is a program, a script, or leads to one; the documentation of Kazinex names the first twelve.
    "exe bat cmd ps1 js vbs msi scr com jar lnk hta jse vbe wsf wsh wsc sct msp mst pif cpl reg scf chm dll sys "  # noqa: SIM905
    "msc application gadget psm1 psd1 ps1xml msh msh1 msh2 url appref-ms settingcontent-ms library-ms "
    # Scripts and packages of other systems, and what web servers run:
    "sh bash zsh csh ksh command app run deb rpm apk dylib so py pyc pyo pyw pyz pyzw "
    "php php3 php4 php5 phtml phar asp aspx ashx asmx jsp jspx cgi".split()
)
"""The preset of extensions that nobody should allow, in lower case without the dot."""

# Between dots these are parts of ordinary names: node.js.pdf, example.com.pdf, lib.so.6.txt, notes.run.txt.
_ORDINARY: Final = frozenset({"js", "com", "so", "app", "run", "py", "sh", "url", "command", "application", "sys"})


@value
class FileRules:
    """What is refused beside sizes and the allowlist.

    Example:
        >>> print(FileRules().refusal("plan.exe.pdf"))
        'plan.exe.pdf' hides a file of type .exe; give it another name
    """

    content: ContentRule = "recognised"
    """Whether the first bytes have to agree with the extension and the declared type."""
    never: frozenset[str] = field(default=NEVER_ALLOWED)
    """Extensions that are refused, unless the allowlist names them."""
    plain_names: bool = True
    """Whether names are refused that deceive: invisible characters, letters that pass for others, alternate streams."""

    def __post_init__(self) -> None:
        """Refuse what is no rule.

        Raises:
            PolicyError: there is no such rule for contents.
        """
        if self.content not in get_args(ContentRule):
            raise PolicyError(f"contents are off, recognised or required, not {self.content!r}")

    @property
    def looks_inside(self) -> bool:
        """Whether the first bytes of a file are looked at."""
        return self.content != "off"

    def check(self, filename: str, allowed: frozenset[str] = frozenset()) -> None:
        """Refuse a name; *allowed* are the extensions that the allowlist names.

        Raises:
            FileTypeRefusedError: its extension is never allowed, or the name deceives.
        """
        reason = self.refusal(filename, allowed)
        if reason is not None:
            raise FileTypeRefusedError(reason)

    def refusal(self, filename: str, allowed: frozenset[str] = frozenset()) -> str | None:
        """Return why *filename* is refused; None when it is not."""
        never = self.never - allowed
        last = extension_of(filename)
        if last in never:
            return f"{filename!r} is of type .{last}, which is never allowed; send what it is for in another form"
        if self.plain_names and (reason := _deceives(filename)) is not None:
            return reason
        parts = filename.casefold().split(".")[1:-1]
        hidden = next((part for part in parts if part in never and part not in _ORDINARY), None)
        return f"{filename!r} hides a file of type .{hidden}; give it another name" if hidden is not None else None

    def to_json(self) -> dict[str, object]:
        """Return the rules as JSON values; what does not differ from the preset is left out."""
        found: dict[str, object] = {"content": self.content, "plain_names": self.plain_names}
        return found if self.never == NEVER_ALLOWED else {**found, "never": sorted(self.never)}

    @classmethod
    def from_json(cls, found: Mapping[str, object] | None) -> FileRules:
        """Return the rules that ``to_json`` returned; None is the preset.

        Raises:
            PolicyError: they are none.
        """
        if found is None:
            return PRESET
        content, never, plain = found.get("content"), found.get("never", NEVER_ALLOWED), found.get("plain_names", True)
        if not isinstance(content, str) or not isinstance(never, Iterable) or not isinstance(plain, bool):
            raise PolicyError("these are no rules for files; set them again")
        return cls(content=content, never=frozenset(map(str, never)), plain_names=plain)  # type: ignore[arg-type]


PRESET: Final = FileRules()
"""What holds for an organisation that has set nothing."""

NO_FILE_RULES: Final = FileRules(content="off", never=frozenset(), plain_names=False)
"""Nothing is refused beside sizes and the allowlist."""


def _deceives(name: str) -> str | None:
    from .filenames import disguised_extension, hidden_by_stream, invisible_in, mixed_word_in, plain_name

    stream = hidden_by_stream(name)
    if stream is not None:
        return (
            f"{name!r} names a stream of a file of type .{stream} on a Windows disk; leave out the colon and what "
            "follows it"
        )
    if name.isascii():
        return None
    hidden = invisible_in(name)
    if hidden is not None:
        return f"{name!r} holds U+{ord(hidden):04X}, which cannot be seen; call it {plain_name(name)!r}"
    seems = disguised_extension(name)
    if seems is not None:
        return f"{name!r} reads as a file of type .{seems} and is none; call it {plain_name(name)!r}"
    word = mixed_word_in(name)
    if word is not None:
        return (
            f"{name!r} mixes letters of two scripts in {word!r}, which reads as another word; call it "
            f"{plain_name(name)!r}"
        )
    return None
