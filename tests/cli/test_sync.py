"""``sync``, ``du`` and ``link`` from the shell: what they do, ask, refuse, and print."""

from __future__ import annotations

import resource
import signal
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from kazinex_storage import open_organisations, verify_provider
from kazinex_storage.testing.servers import S3Server

from .conftest import CommandLine, InProcess

REVISION = "org-1/bridge/DRG-1/P01"


def fetch(url: str | Request) -> tuple[bytes, str | None]:
    """Send what needs no credentials; return the body, and what a browser would call it."""
    with urlopen(url) as answer:  # noqa: S310  # a URL of a server of these tests
        return answer.read(), answer.headers["Content-Disposition"]


@pytest.fixture(autouse=True)
def disk(line: InProcess, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where ``kazinexlocal://`` leads."""
    root = line.make_folder("plain")
    variables = {"KAZINEX_STORAGE_LOCAL_ROOT": str(root), "KAZINEX_STORAGE_LOCAL_DURABLE": "false"}
    line.environment.update(variables)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    return root


@pytest.fixture
def plans(line: InProcess) -> Path:
    folder = line.work / "plans"
    for key in ("DRG-1/P01/a.pdf", "DRG-2/P01/b.pdf", "Übersicht.txt"):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes((b"%PDF-1.7 " if key.endswith("pdf") else b"plain text ") + key.encode())
    return folder


def test_up_and_down_and_nothing_is_left_to_do(line: InProcess, plans: Path) -> None:
    dry = line("sync", "plans", "kazinexlocal://backup/", "--dry-run")
    up = line("sync", "plans", "kazinexlocal://backup/")
    again = line("sync", "plans", "kazinexlocal://backup", "--by", "sha256", "--json")
    down = line("sync", "kazinexlocal://backup", "down", "--exclude", "DRG-2/", "--quiet")

    assert "would copy DRG-1/P01/a.pdf" in dry.text
    assert "3 would be copied" in dry.text
    assert ["copy DRG-1/P01/a.pdf", "copy DRG-2/P01/b.pdf"] == sorted(up.text.splitlines()[:3])[:2]
    assert "3 copied" in up.text.splitlines()[-1]
    assert (3, [], False) == tuple(again.json[name] for name in ("same", "items", "dry_run"))
    assert (0, "2 copied") == (down.code, down.text[:8])
    assert {"a.pdf", "Übersicht.txt"} == {path.name for path in (line.work / "down").rglob("*") if path.is_file()}


def test_deletes_are_asked_for_limited_and_reported(line: InProcess, plans: Path) -> None:
    line("sync", "plans", "kazinexlocal://")
    (plans / "Übersicht.txt").unlink()

    unasked = line("sync", "plans", "kazinexlocal://", "--delete")
    limited = line("sync", "plans", "kazinexlocal://", "--delete", "--max-delete", "0", "--yes")
    terminal = line.on_terminal("sync", "plans", "kazinexlocal://", "--delete", COLUMNS="40")
    terminal.wait_for_question("Delete 1 of 3 objects")
    terminal.type("n\n")
    refused = terminal.end()
    terminal.close()
    done = line("sync", "plans", "kazinexlocal://", "--delete", "--yes")
    empty = line("sync", str(line.make_folder("empty")), "kazinexlocal://", "--delete", "--yes")

    assert (2, True) == (unasked.code, "--yes" in unasked.err)
    assert (5, True) == (limited.code, "--max-delete 1" in limited.err)
    assert (1, 0) == (refused, done.code)
    assert ["delete Übersicht.txt", "2 same, 1 deleted"] == done.text.splitlines()
    assert (5, True) == (empty.code, "source is empty" in empty.err)


def test_documents_get_receipts_and_a_changed_one_is_refused(line: InProcess, plans: Path) -> None:
    line.add_disk()
    first = line("sync", "plans", "kazinex://org-1/bridge/")
    (plans / "DRG-1/P01/a.pdf").write_bytes(b"%PDF-1.7 another")
    second = line("sync", "plans", "kazinex://org-1/bridge")
    stat = line("stat", f"{REVISION}/a.pdf", "--json")

    assert 0 == first.code
    assert (5, "2 same, 1 refused\n") == (second.code, second.text)
    assert "error: DRG-1/P01/a.pdf: it is written once" in second.err
    assert len(b"%PDF-1.7 DRG-1/P01/a.pdf") == stat.json["size"]


def test_what_is_wrong_is_named_with_its_exit_code(line: InProcess, plans: Path) -> None:
    (plans / "back\\slash").write_bytes(b"x")
    (plans / "link").symlink_to(plans / "Übersicht.txt")
    found = {
        "missing folder": line("sync", "nowhere", "kazinexlocal://"),
        "a file": line("sync", "plans/Übersicht.txt", "kazinexlocal://"),
        "two folders": line("sync", "plans", "other"),
        "comparison": line("sync", "plans", "kazinexlocal://", "--by", "name"),
        "pattern": line("sync", "plans", "kazinexlocal://", "--exclude", "["),
        "scheme": line("sync", "plans", "s3://bucket/"),
        "settings": line("sync", "plans", "r2://bucket/"),
        "organisation": line("sync", "plans", "kazinex://nobody/bridge/"),
        "no key": line("sync", "plans", "kazinexlocal://"),
    }

    codes = {"settings": 6, "organisation": 4, "no key": 1}
    assert {name: codes.get(name, 2) for name in found} == {name: result.code for name, result in found.items()}
    assert "error: back\\slash: its name is no legal key" in found["no key"].err
    assert "left out: link" in found["no key"].err
    assert "3 copied, 2 left out" in found["no key"].text


def test_an_organisation_that_has_chosen_nothing_stops_it(line: InProcess, plans: Path) -> None:
    root = line.make_folder("unverified")
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(line.home)})
    organisations.add_provider("org-1", "local", "Disk", {"root": str(root)})
    organisations.close()

    result = line("sync", "plans", "kazinex://org-1/bridge/")

    assert 6 == result.code
    assert [] == [path for path in root.rglob("*") if path.is_file() and ".~kazinex" not in str(path)]


def test_a_disk_that_is_full_leaves_no_part_of_a_file(line: InProcess, plans: Path) -> None:
    (plans / "large.bin").write_bytes(b"x" * 300_000)
    line("sync", "plans", "kazinexlocal://")

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        done = line("sync", "kazinexlocal://", "down", "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert (1, 3, 1) == (done.code, done.json["copied"], done.json["failed"])
    assert {"a.pdf", "b.pdf", "Übersicht.txt"} == {p.name for p in (line.work / "down").rglob("*") if p.is_file()}


@pytest.mark.parametrize("end", ["interrupt", "pipe"])
def test_what_is_cut_off_is_whole_as_far_as_it_went_and_goes_on(line: InProcess, end: str) -> None:
    folder = line.make_folder("many")
    for number in range(400):
        (folder / f"{number:04}{'x' * 200}").write_bytes(b"x")  # more lines than a pipe takes

    with line.start("sync", str(folder), "kazinexlocal://", PYTHONUNBUFFERED="1") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        if end == "interrupt":
            process.send_signal(signal.SIGINT)
            process.stdout.read()
        process.stdout.close()
        err = process.stderr.read()
    expected = (130, True) if end == "interrupt" else (141, False)
    again = line("sync", str(folder), "kazinexlocal://", "--json")

    assert expected == (process.returncode, b"the same command goes on" in err)
    assert b"Traceback" not in err
    assert (0, 400) == (again.code, again.json["same"] + again.json["copied"])
    assert 0 < again.json["same"] < 400


def test_names_are_those_of_the_disk_in_any_locale(line: InProcess, plans: Path, disk: Path) -> None:
    line.environment |= {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}

    up = CommandLine.__call__(line, "sync", "plans", "kazinexlocal://", PYTHONPATH=line.environment["PYTHONPATH"])

    assert 0 == up.code
    assert b"copy \\xdcbersicht.txt" in up.out
    assert (disk / "Übersicht.txt").is_file()


def test_du_adds_up_what_can_be_read(line: InProcess, plans: Path) -> None:
    line.add_disk()
    line("sync", "plans", "kazinex://org-1/bridge/")
    line("sync", "plans", "kazinexlocal://copy/")

    projects = line("du", "org-1", "--by-project", "--bytes")
    deep = line("du", "kazinexlocal://copy", "--depth", "2", "--json")
    one = line("du", f"{REVISION}/a.pdf", "--json")
    wrong = [line("du", path).code for path in ("org-1/tunnel", "./plans", "nobody")]

    rows = [row.split() for row in projects.text.splitlines()]
    assert [["SIZE", "OBJECTS", "FOLDER"], ["73", "3", "org-1/bridge"], ["73", "3", "org-1/"]] == rows
    assert ["DRG-1", "DRG-1/P01", "DRG-2", "DRG-2/P01"] == [row["folder"] for row in deep.json["folders"]]
    assert (73, 3, 24, 1) == (deep.json["size"], deep.json["objects"], one.json["size"], one.json["objects"])
    assert [4, 2, 4] == wrong


def test_a_link_reads_one_object_until_it_expires(
    line: InProcess, plans: Path, ministack_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ministack_server
    server.client().create_bucket(Bucket="link-plans")
    variables = {
        "KAZINEX_STORAGE_S3_ENDPOINT_URL": server.endpoint_url,
        "KAZINEX_STORAGE_S3_REGION": server.region,
        "KAZINEX_STORAGE_S3_ACCESS_KEY_ID": server.access_key_id,
        "KAZINEX_STORAGE_S3_SECRET_ACCESS_KEY": server.secret_access_key,
        "KAZINEX_STORAGE_S3_ADDRESSING": "path",
    }
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    line("sync", "plans", "kazinexs3://link-plans/")
    line("sync", "plans", "kazinexlocal://")

    url = "kazinexs3://link-plans/Übersicht.txt"
    plain = line("link", url, "--expires", "10m")
    shown = line("link", url, "--disposition", "inline", "--filename", "Plan.txt", "--json")
    sent = line("link", "kazinexs3://link-plans/new.txt", "--method", "put", "--json")
    fetch(Request(sent.json["url"], b"sent", headers=sent.json["headers"], method="PUT"))  # noqa: S310

    assert (plans / "Übersicht.txt").read_bytes() == fetch(plain.text.strip())[0]
    assert 'inline; filename="Plan.txt"' == fetch(shown.json["url"])[1]
    assert "4" == line("du", "kazinexs3://link-plans/new.txt", "--bytes").text.split()[3]

    assert (1, "") == (len(plain.text.splitlines()), line("link", url, "--quiet").err)
    assert "X-Amz-Expires=600" in plain.text
    refused = {
        "too long": (line("link", url, "--expires", "8d"), 2, "7 days"),
        "no time": (line("link", url, "--expires", "soon"), 2, "15m"),
        "missing": (line("link", "kazinexs3://link-plans/none"), 4, "none"),
        "folder": (line("link", "kazinexs3://link-plans/DRG-1/"), 2, "folder"),
        "method": (line("link", url, "--method", "delete"), 2, "get, head, put"),
        "kind": (line("link", "kazinexlocal://Übersicht.txt"), 1, "kazinex-storage get"),
    }
    assert {name: (code, True) for name, (_, code, _) in refused.items()} == {
        name: (result.code, words in result.err) for name, (result, _, words) in refused.items()
    }


def test_a_link_of_a_document_is_signed_by_the_provider_that_holds_it(
    line: InProcess, ministack_server: S3Server
) -> None:
    server = ministack_server
    server.client().create_bucket(Bucket="link-documents")
    fields = {
        "bucket": "link-documents",
        "endpoint_url": server.endpoint_url,
        "region": server.region,
        "access_key_id": server.access_key_id,
        "addressing": "path",
        "secret_access_key": server.secret_access_key,
    }
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(line.home)})
    organisations.add_provider("org-1", "s3", "Cloud", fields)
    assert verify_provider(organisations, "org-1", "Cloud").ok
    organisations.set_default("org-1", "Cloud")
    organisations.close()
    (line.work / "a.pdf").write_bytes(b"%PDF-1.7")
    line("put", "a.pdf", REVISION)

    link = line("link", REVISION, "--disposition", "attachment", "--json")
    put = line("link", f"{REVISION}/b.pdf", "--method", "put")

    assert (b"%PDF-1.7", 'attachment; filename="a.pdf"') == fetch(link.json["url"])
    assert (f"{REVISION}/a.pdf", 2) == (link.json["key"], put.code)
