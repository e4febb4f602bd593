"""The main job from beginning to end, as `make demo` runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kazinex_storage.cli.pdf import make_pdf

if TYPE_CHECKING:
    from .conftest import CommandLine


def test_the_demo_stores_a_document_and_reads_it_back_in_three_ways(cli: CommandLine) -> None:
    done = cli("demo", "--json")

    assert 0 == done.code, done.err
    shown = done.json
    assert ["DocumentStore", "command line", "fsspec"] == [read["way"] for read in shown["reads"]]
    assert [True] * 3 == [read["identical"] for read in shown["reads"]]
    assert {shown["receipt"]["sha256"]} == {read["sha256"] for read in shown["reads"]}
    assert {"passed"} == {check["status"] for check in shown["verification"]["checks"]}
    assert ("VERIFIED", True) == (shown["provider"]["status"], shown["provider"]["default"])
    assert "never overwritten" in shown["second_upload"]["message"]
    stored = Path(shown["files"]["document"])
    assert stored.read_bytes().startswith(b"%PDF-1.4")
    assert not stored.name.isascii()
    assert Path(shown["files"]["catalogue"]).is_relative_to(cli.work / "demo"), "./demo is the default folder"
    assert not cli.home.exists(), "nothing is written anywhere else"


def test_the_demo_again_in_the_same_folder_stores_the_next_revision(cli: CommandLine) -> None:
    first = cli("demo", "--home", "here", "--organisation", "acme")
    again = cli("demo", "--home", "here", "--organisation", "acme", "--json")

    assert (0, 0) == (first.code, again.code), first.err + again.err
    assert 3 == first.text.count("identical  ")
    assert "acme/river-bridge/DRG-0042/P01/" in first.text.splitlines()[-4]
    assert "P02" == again.json["receipt"]["document"]["revision"]


def test_the_demo_does_not_touch_the_catalogue_that_the_environment_names(cli: CommandLine) -> None:
    own = cli.folder / "production.db"

    done = cli("demo", KAZINEX_STORAGE_DATABASE=str(own), KAZINEX_STORAGE_KEY="no key at all")

    assert 0 == done.code, done.err
    assert not own.exists()


def test_the_demo_fails_when_something_else_comes_back(cli: CommandLine) -> None:
    fake = cli.folder / "fake"
    fake.mkdir()
    (fake / "fsspec.py").write_text("import io\n\ndef open(url, mode):\n    return io.BytesIO(b'other bytes')\n")

    done = cli("demo", PYTHONPATH=str(fake))

    assert 1 == done.code
    assert "DIFFERENT  11 bytes" in done.text
    assert "what was read through fsspec is not what was stored" in done.err


def test_the_demo_in_a_place_that_is_no_folder_says_so(cli: CommandLine) -> None:
    (cli.work / "demo").write_text("a file")

    done = cli("demo")

    assert 6 == done.code
    assert 1 == len(done.err.splitlines())


def test_the_pdf_of_the_demo_has_the_offsets_that_its_table_says() -> None:
    pdf = make_pdf(["a (b) \\ c", "Ø 12 m"])

    start = int(pdf.rpartition(b"startxref\n")[2].partition(b"\n")[0])
    lines = pdf[start:].splitlines(keepends=True)
    assert (b"xref\n", b"0 6\n", {20}) == (lines[0], lines[1], {len(line) for line in lines[2:8]})
    for number, line in enumerate(lines[3:8], start=1):
        assert pdf[int(line[:10]) :].startswith(b"%d 0 obj\n" % number)
    assert pdf.endswith(b"%%EOF\n")
    assert b"(a \\(b\\) \\\\ c) Tj T* (\xd8 12 m) Tj" in pdf
