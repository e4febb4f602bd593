"""What people write as an operand, and what it means."""

from __future__ import annotations

import pytest

from kazinex_storage.cli.exits import UsageError
from kazinex_storage.cli.operands import LocalOperand, RemoteOperand, parse_either, parse_remote, shown
from kazinex_storage.errors import InvalidKeyError, InvalidUrlError

REMOTE = {
    "acme": ("kazinex", "acme", "", True),
    "acme/bridge/": ("kazinex", "acme", "bridge", True),
    "acme/bridge/DRG-1/P01/Plan 1#?.pdf": ("kazinex", "acme", "bridge/DRG-1/P01/Plan 1#?.pdf", False),
    "kazinex://acme/bridge/DRG-*": ("kazinex", "acme", "bridge/DRG-*", False),
    "acme/b*/DRG-1": ("kazinex", "acme", "b*/DRG-1", False),
    "r2://plans": ("r2", "plans", "", True),
    "r2://plans/a/100%.pdf": ("r2", "plans", "a/100%.pdf", False),
    "sharepoint://Shared Documents/a/": ("sharepoint", "Shared Documents", "a", True),
    "kazinexlocal://a/b.pdf": ("kazinexlocal", "", "a/b.pdf", False),
    "kazinexlocal://": ("kazinexlocal", "", "", True),
}


@pytest.mark.parametrize(("text", "meant"), REMOTE.items(), ids=REMOTE.keys())
def test_a_remote_operand_names_a_place_and_a_key(text: str, meant: tuple[str, str, str, bool]) -> None:
    found = parse_remote(text)

    assert meant == (found.scheme, found.place, found.key, found.folder)
    assert found.key == parse_remote(found.name).key, "its name for people is an operand again"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://bucket/key", "did you mean kazinexs3://"),
        ("r2://", "names no bucket"),
        ("kazinex://../org-2", "'..'"),
        ("acme//plan.pdf", "empty segment"),
        ("acme/bridge/../../org-2", "'..'"),
        ("acme/%2e%2e/DRG-1", "project id"),
    ],
)
def test_what_names_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises((InvalidUrlError, InvalidKeyError)) as raised:
        parse_remote(text)

    assert said in str(raised.value)


def test_what_stands_before_an_at_sign_is_refused_and_not_repeated() -> None:
    text = "r2://user:example-not-real@host/key"

    with pytest.raises(InvalidUrlError) as raised:
        parse_remote(text)

    assert ("example-not-real" in str(raised.value), "r2://...@host/key") == (False, shown(text))


@pytest.mark.parametrize("text", ["./plan.pdf", "/srv/plan.pdf", "../plan.pdf", "~/plan.pdf", "."])
def test_a_local_path_where_something_remote_belongs_is_told_from_an_organisation(text: str) -> None:
    with pytest.raises(UsageError, match="path of this machine"):
        parse_remote(text)


def test_where_both_are_taken_only_a_url_is_remote() -> None:
    remote, local, odd = parse_either("r2://plans/a"), parse_either("acme/bridge/"), parse_either("./r2://plans/a")

    assert isinstance(remote, RemoteOperand)
    assert isinstance(local, LocalOperand)
    assert (True, "acme/bridge") == (local.folder, str(local.path))
    assert isinstance(odd, LocalOperand)


def test_the_file_of_a_revision_is_a_document() -> None:
    file, revision, other = (
        parse_remote(text).document for text in ("acme/a/b/c/d.pdf", "acme/a/b/c", "r2://acme/a/b/c/d.pdf")
    )

    assert file is not None
    assert "acme/a/b/c/d.pdf" == file.build()
    assert (None, None) == (revision, other)
