"""kazinex://: where reads and writes go, what listings show, and that organisations sharing a disk stay apart."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kazinex_storage import DocumentKey, DocumentStore, Organisations, Resolver
from kazinex_storage.errors import (
    AlreadyExistsError,
    BulkError,
    FileTypeRefusedError,
    StorageError,
    UnavailableError,
    UnresolvedOrganisationError,
)
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.organisations import MemoryCatalogue, open_organisations
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.registry import ProviderKind, Registry, default_registry

fsspec: Any = importlib.import_module("fsspec")  # it is untyped


class DeafProvider(MemoryProvider):
    """A provider that does not answer."""

    def _unavailable(self, *_: object) -> NoReturn:
        raise UnavailableError("nobody answers")

    get = head = scan = children = delete = move = _unavailable  # type: ignore[assignment]


# Registries import providers by name.
sys.modules["deaf_of_tests"] = module = ModuleType("deaf_of_tests")
module.DeafProvider = DeafProvider  # type: ignore[attr-defined]
DEAF = ProviderKind(
    kind="deaf",
    title="Deaf",
    settings="kazinex_storage.providers.memory:MemorySettings",
    factory="deaf_of_tests:DeafProvider",
)


class World:
    """Organisations with providers on folders of one disk."""

    def __init__(self, root: Path, organisations: Organisations) -> None:
        self.root = root
        self.organisations = organisations
        self.resolver = Resolver(organisations)
        self.fs: Any = OrganisationFileSystem(resolver=self.resolver)

    def add(self, organisation: str, folder: str, *, default: bool = False, verified: bool = True) -> str:
        (self.root / folder).mkdir(exist_ok=True)
        kind = "deaf" if folder == "deaf" else "local"
        options = {"root": str(self.root / folder), "durable": False} if kind == "local" else {}
        record = self.organisations.add_provider(organisation, kind, folder, options)
        self.organisations.record_verification(record, ok=True)
        if default:
            self.organisations.set_default(organisation, record.id)
        if not verified:
            self.organisations.record_verification(record, ok=False, error="broken")
        return record.id

    def files(self, folder: str) -> list[str]:
        root = self.root / folder
        return sorted(
            str(path.relative_to(root))
            for path in root.rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    registry = Registry(default_registry().get("local"), DEAF, entry_points=False)
    world = World(tmp_path, Organisations(MemoryCatalogue(), registry))
    yield world
    world.resolver.close()
    world.organisations.close()


def test_writing_goes_to_the_default_and_for_a_project_to_its_override(world: World) -> None:
    world.add("org", "default", default=True)
    world.organisations.set_override("org", "special", world.add("org", "override"))

    world.fs.pipe({"org/plain/a": b"1", "kazinex://org/special/b": b"2"})

    assert world.files("default") == ["org/plain/a"]
    assert world.files("override") == ["org/special/b"]


def test_reading_asks_override_default_and_the_others_in_turn(world: World) -> None:
    world.add("org", "first", default=True)
    world.fs.pipe({"org/p/old": b"first", "org/p/both": b"first"})
    world.add("org", "second", default=True)
    world.fs.pipe({"org/p/new": b"second", "org/p/both": b"second"})

    found = world.fs.cat("org/p", recursive=True)

    assert found == {"org/p/both": b"second", "org/p/new": b"second", "org/p/old": b"first"}
    assert world.fs.cat_file("org/p/old", -3) == b"rst"
    with world.fs.open("org/p/old", "r") as file:
        assert file.read() == "first"


def test_a_listing_is_the_union_and_names_each_object_once(world: World) -> None:
    world.add("org", "first", default=True)
    world.fs.pipe({"org/p/d/old": b"1", "org/p/both": b"1", "org/q/x": b"1"})
    world.add("org", "second", default=True)
    world.fs.pipe({"org/p/d/new": b"22", "org/p/both": b"22"})

    assert world.fs.ls("org", detail=False) == ["org/p", "org/q"]
    assert world.fs.ls("org/p", detail=False) == ["org/p/both", "org/p/d"]
    assert world.fs.find("org") == ["org/p/both", "org/p/d/new", "org/p/d/old", "org/q/x"]
    assert world.fs.find("org", maxdepth=2) == ["org/p/both", "org/q/x"]
    assert world.fs.glob("kazinex://org/*/d/*") == ["org/p/d/new", "org/p/d/old"]
    assert world.fs.du("org/p") == 5


def test_what_one_provider_does_not_remove_is_reported_once_and_the_others_are_asked_all_the_same(world: World) -> None:
    world.add("org", "deaf", verified=False)
    world.add("org", "disk", default=True)
    world.fs.pipe({"org/p/a": b"1", "org/q/b": b"2"})

    with pytest.raises(BulkError, match=r"^rm: 2 of 2 failed; the first: delete") as caught:
        world.fs.rm(["org/p/a", "org/q/b"])

    assert ["p/a", "q/b"] == [getattr(failure, "key", None) for failure in caught.value.failures]
    assert [] == world.files("disk")


def test_what_a_listing_says_of_an_object_is_what_reading_finds(world: World) -> None:
    override = world.add("org", "override", default=True)
    world.fs.pipe_file("org/p/a", b"override")
    world.add("org", "default", default=True)
    world.fs.pipe_file("org/p/a", b"default")
    world.organisations.set_override("org", "p", override)

    assert world.fs.find("org", detail=True)["org/p/a"]["size"] == len(b"override")
    assert world.fs.cat_file("org/p/a") == b"override"


def test_creating_is_refused_when_any_provider_holds_the_key(world: World) -> None:
    world.add("org", "first", default=True)
    world.fs.pipe_file("org/p/a", b"old")
    world.add("org", "second", default=True)

    with pytest.raises(AlreadyExistsError):
        world.fs.pipe_file("org/p/a", b"new", mode="create")
    with pytest.raises(AlreadyExistsError):
        world.fs.open("org/p/a", "xb")

    assert world.files("second") == []


def test_removing_removes_from_every_provider(world: World) -> None:
    world.add("org", "first", default=True)
    world.fs.pipe({"org/p/a": b"1", "org/p/b": b"1", "org/q/c": b"1"})
    world.add("org", "second", default=True)
    world.fs.pipe({"org/p/a": b"2", "org/p/b": b"2"})

    world.fs.rm_file("org/p/a")
    world.fs.rm("org/p", recursive=True)

    assert (world.files("first"), world.files("second")) == (["org/q/c"], [])


def test_copying_between_providers_keeps_bytes_and_type(world: World, tmp_path: Path) -> None:
    world.add("org", "first", default=True)
    world.fs.pipe_file("org/p/a", b"plan", content_type="application/x-plan", metadata={"stage": "P01"})
    world.organisations.set_override("org", "q", world.add("org", "second"))

    world.fs.copy("org/p/a", "org/q/b")
    world.fs.mv("org/q/b", "org/p/c")

    assert (world.files("first"), world.files("second")) == (["org/p/a", "org/p/c"], [])
    info = world.resolver.storage_for("org").head("p/c")
    assert (info.content_type, info.metadata) == ("application/x-plan", {"stage": "P01"})


def test_documents_are_read_by_their_url(world: World) -> None:
    world.add("org", "default", default=True)
    key = DocumentKey("org", "bridge", "DRG-1", "P01", "Plan [A] 100%.pdf")
    DocumentStore(world.resolver).upload(key, b"%PDF")

    assert world.fs.cat(f"kazinex://{key.build()}") == b"%PDF"


def test_the_policy_of_the_organisation_holds(world: World) -> None:
    world.add("org", "default", default=True)
    world.organisations.set_allowlist("org", ["pdf"])

    with pytest.raises(FileTypeRefusedError):
        world.fs.pipe_file("org/p/a.exe", b"")
    with pytest.raises(FileTypeRefusedError):
        world.fs.open("org/p/a.exe", "wb")


def test_an_organisation_without_a_default_is_read_but_not_written(world: World) -> None:
    provider = world.add("org", "only", default=True)
    world.fs.pipe_file("org/p/a", b"1")
    world.organisations.set_default("org", None)

    assert world.fs.cat_file("org/p/a") == b"1"
    with pytest.raises(UnresolvedOrganisationError, match="set-default"):
        world.fs.pipe_file("org/p/b", b"2")
    assert provider


def test_an_unknown_organisation_is_empty(world: World) -> None:
    assert not world.fs.exists("nobody/p/a")
    with pytest.raises(FileNotFoundError):
        world.fs.cat_file("nobody/p/a")


def test_organisations_are_not_listed(world: World) -> None:
    for call in (world.fs.ls, world.fs.find, world.fs.glob):
        with pytest.raises(NotImplementedError, match="not listed"):
            call("kazinex://*" if call == world.fs.glob else "kazinex://")


def test_a_provider_that_is_broken_and_not_verified_is_passed_over(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.add("org", "default", default=True)
    world.fs.pipe_file("org/p/a", b"1")
    world.add("org", "deaf", verified=False)

    assert world.fs.find("org") == ["org/p/a"]
    assert world.fs.ls("org/p", detail=False) == ["org/p/a"]
    assert world.fs.exists("org/p/a")
    assert world.fs.isdir("org/p")
    world.fs.pipe_file("org/p/b", b"2", mode="create")
    world.fs.pipe_file("org/p/d/P1/c.pdf", b"2")
    assert "was passed over" in caplog.text


def test_a_provider_that_was_never_verified_holds_nothing(world: World) -> None:
    world.add("org", "default", default=True)
    world.fs.pipe_file("org/p/a", b"1")
    world.organisations.add_provider("org", "deaf", "never", {})

    assert not world.fs.exists("org/p/b")
    world.fs.rm("org/p/a")
    assert world.fs.find("org") == []


@pytest.mark.parametrize("default", [False, True])
@pytest.mark.parametrize("verified", [False, True])
def test_what_is_not_found_may_be_on_an_unreachable_provider(world: World, verified: bool, default: bool) -> None:
    """Issue 18: a listing goes on without it, an exact look-up that found nothing cannot know."""
    world.add("org", "other", default=True)
    world.fs.pipe_file("org/p/a", b"1")
    world.add("org", "deaf", default=default, verified=verified)

    assert world.fs.cat_file("org/p/a") == b"1"
    assert world.fs.find("org/p") == ["org/p/a"]
    for call in (world.fs.exists, world.fs.cat_file, world.fs.find, world.fs.info):
        with pytest.raises(UnavailableError):
            call("org/p/b")


def test_a_listing_without_an_answer_is_an_error(world: World) -> None:
    world.add("org", "deaf", default=True)

    for call in (world.fs.find, world.fs.ls):
        with pytest.raises(UnavailableError):
            call("org/p")


def test_what_other_programs_put_beside_the_projects_is_not_shown(world: World) -> None:
    world.add("org", "default", default=True)
    world.fs.pipe_file("org/p/a", b"1")
    (world.root / "default" / "org" / "no project").mkdir()
    (world.root / "default" / "org" / "no project" / "x").write_bytes(b"")

    assert world.fs.find("org") == ["org/p/a"]


WORDS = [
    "org-a",
    "org-b",
    "/",
    "..",
    ".",
    "p",
    "x",
    "%2e%2e",
    "%2F",
    "\\",
    "kazinex://",
    "@",
    ":1",
    "#",
    "?",
    "*",
    "**",
    "[",
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS), max_size=8).map("".join))
def test_nothing_of_another_organisation_is_reached(world: World, url: str) -> None:
    if not world.organisations.providers("org-a"):
        for organisation in ("org-a", "org-b"):
            world.add(organisation, "shared", default=True)
            world.fs.pipe_file(f"{organisation}/p/x", f"secret of {organisation}".encode())
    fs, named = world.fs, f"kazinex://org-a/{url}"

    for call in (fs.cat_file, fs.find, fs.glob, fs.ls, fs.cat, fs.info, fs.exists, fs.expand_path):
        try:
            found = call(named)
        except (StorageError, OSError, ValueError):
            continue
        assert "of org-b" not in str(found)
        assert not isinstance(found, list) or all(str(name).startswith("org-a") for name in found if call != fs.ls)
    for change in (fs.rm_file, lambda path: fs.rm(path, recursive=True), fs.touch):
        try:
            change(named)
        except (StorageError, OSError, ValueError):
            continue
    assert fs.find("org-b") == ["org-b/p/x"]
    assert fs.cat_file("org-b/p/x") == b"secret of org-b"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with a catalogue in which the organisation ``org`` has a default."""
    monkeypatch.setenv("KAZINEX_STORAGE_HOME", str(tmp_path / "home"))
    for name in ("KAZINEX_STORAGE_DATABASE", "KAZINEX_STORAGE_KEY"):
        monkeypatch.delenv(name, raising=False)
    world = World(tmp_path, open_organisations())
    world.add("org", "default", default=True)
    world.resolver.close()
    world.organisations.close()
    return tmp_path


def test_a_url_is_opened_with_nothing_but_the_environment(home: Path) -> None:
    with fsspec.open("kazinex://org/p/d/r/a.txt", "w") as file:
        file.write("plan")

    with fsspec.open("kazinex://org/p/d/r/a.txt") as file:
        found = file.read()

    assert found == b"plan"
    assert (home / "default/org/p/d/r/a.txt").read_bytes() == b"plan"


def test_a_pickle_opens_the_catalogue_of_the_process_that_unpickles_it(home: Path) -> None:
    fs: Any = OrganisationFileSystem()
    fs.pipe_file("org/p/a", b"plan")
    pickled = pickle.dumps(fs)

    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer).cat_file('org/p/a').decode())"
    found = subprocess.run([sys.executable, "-c", program], input=pickled, capture_output=True, check=True)

    assert found.stdout.strip() == b"plan"
    assert str(home).encode() not in pickled


def test_a_file_system_of_a_resolver_is_not_pickled(world: World) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(world.fs)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_the_catalogue_again(home: Path) -> None:
    fs: Any = OrganisationFileSystem()
    fs.pipe_file("org/p/a", b"parent")

    child = os.fork()
    if child == 0:
        try:
            fs.pipe_file("org/p/b", fs.cat_file("org/p/a"))
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert fs.cat_file("org/p/b") == b"parent"
