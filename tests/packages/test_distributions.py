"""What is handed out: two builds are one, nothing is forgotten, and it works where nothing else is installed."""

from __future__ import annotations

import email
import email.message
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from release.distributions import ROOT, build, build_one, build_twice

import kazinex_storage

SOURCE = ROOT / "src" / "kazinex_storage"
LINK = re.compile(r"\]\(([^)\s]+)\)")

# Uses what is installed, not the tree: -I leaves out the current folder and PYTHONPATH.
USE = """
import fsspec, kazinex_storage, os
from kazinex_storage import DocumentKey, Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings
with Storage(LocalProvider(LocalSettings(root=os.getcwd()))) as storage:
    storage.put("a/b.pdf", b"%PDF")
    assert storage.get_bytes("a/b.pdf") == b"%PDF"
fsspec.filesystem("kazinexmemory").pipe("store/key", b"1")
print(kazinex_storage.__file__)
"""


def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def files_of_the_package() -> set[str]:
    """Return every file of the package that the repository has, as a wheel names it."""
    listed = (path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(SOURCE.parent).as_posix() for path in listed}


def clean_environment(folder: Path, *, dependencies: str | None) -> Path:
    """Make an environment with nothing in it but, where they are given, the *dependencies* of this one."""
    venv.create(folder, with_pip=False)
    if dependencies is not None:
        # A path in a .pth is searched, and the .pth files in it are not read: the tree is not on the path.
        (target,) = folder.glob("lib/python*/site-packages")
        (target / "dependencies.pth").write_text(dependencies + "\n")
    return folder / "bin" / "python"


def install(python: Path, wheel: str, *options: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-compile",
        *options,
        wheel,
    ]
    subprocess.run(command, capture_output=True, text=True, check=True)


def run(*command: str | Path, folder: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert 0 == done.returncode, done.stderr
    assert "" == done.stderr
    return done.stdout


def test_two_builds_are_one_and_forget_nothing(tmp_path: Path) -> None:
    sdist, wheel = build_twice(ROOT, tmp_path)

    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert files_of_the_package() <= {name.removeprefix("src/") for name in names}
    assert {"LICENSE", "CHANGELOG.md", "CITATION.cff", "Makefile", "tests/conftest.py", "release/audit.py"} <= names
    assert not {name for name in names if name.startswith((".venv", "build", "dist")) or "__pycache__" in name}
    with zipfile.ZipFile(wheel) as package:
        packed = {name for name in package.namelist() if ".dist-info/" not in name}
        assert files_of_the_package() == packed
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in package.namelist())
        told = metadata(package)
    assert kazinex_storage.__version__ == told["Version"]
    described = told.get_payload()
    assert isinstance(described, str)
    assert [] == [link for link in LINK.findall(described) if not link.startswith(("https://", "#"))]
    source = dict(url.split(", ") for url in told.get_all("Project-URL", []))["Source"]
    assert f"]({source}/blob/v{kazinex_storage.__version__}/docs/r2.md)" in described, "links lead to this version"
    assert f"]({source}/raw/v{kazinex_storage.__version__}/docs/images/" in described, "pictures are bytes, not pages"
    assert "<!-- run" not in described


def test_what_is_built_works_where_nothing_else_is(tmp_path: Path) -> None:
    wheel = build_one(ROOT, "wheel", tmp_path / "dist")  # the other test shows that the sdist gives the same
    python = clean_environment(tmp_path / "clean", dependencies=sysconfig.get_path("purelib"))
    install(python, str(wheel), "--no-deps", "--no-index")
    (home := tmp_path / "home").mkdir()

    shown = run(python, "-I", "-W", "error", "-c", USE, folder=home)
    demo = run(python.with_name("kazinex-storage"), "demo", folder=home)

    assert shown.startswith(str(tmp_path / "clean")), "the installed package, not the tree"
    assert "sha256" in demo


def test_the_version_is_the_same_wherever_it_is_said() -> None:
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert cited is not None
    assert newest is not None
    assert kazinex_storage.__version__ == cited[1] == newest[1]


@pytest.mark.soak
@pytest.mark.parametrize("extra", ["", "[cli]", "[s3,cli]", "[supabase]", "[azure]", "[sharepoint]", "[web]", "[all]"])
def test_each_extra_brings_what_it_promises(extra: str, tmp_path: Path) -> None:
    """With the index, as a user installs it. Some minutes, most of them pip's."""
    _, wheel = build(ROOT, tmp_path / "dist")
    python = clean_environment(tmp_path / "clean", dependencies=None)
    install(python, f"{wheel}{extra}")
    (home := tmp_path / "home").mkdir()

    assert run(python, "-I", "-W", "error", "-c", USE, folder=home).startswith(str(tmp_path / "clean"))
    if "cli" in extra or "all" in extra:
        assert "sha256" in run(python.with_name("kazinex-storage"), "demo", folder=home)
