"""Build the sdist and the wheel, twice from two places, and refuse to hand out what is not the same both times.

The wheel is built of the unpacked sdist, as pip does it where there is no wheel: what the sdist forgets, it lacks.
Times in the archives are hatchling's constant, or ``SOURCE_DATE_EPOCH`` where it is set.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent


class NotReproducibleError(Exception):
    """Two builds of one tree differ."""


def build(tree: Path, out: Path) -> tuple[Path, Path]:
    """Build the sdist of *tree* and the wheel of that sdist into *out*, an empty folder; return both.

    Raises:
        subprocess.CalledProcessError: the build failed; what it wrote is in ``stderr``.
    """
    sdist = build_one(tree, "sdist", out)
    with TemporaryDirectory(prefix="sdist-") as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        return sdist, build_one(unpacked, "wheel", out)


def build_twice(tree: Path, out: Path) -> tuple[Path, Path]:
    """Do what ``build`` does once of *tree* and once of the sdist that came of it, and compare the four files.

    Raises:
        NotReproducibleError: they differ; *out* has the first ones.
    """
    first = build(tree, out)
    with TemporaryDirectory(prefix="second-") as folder:
        place = Path(folder)
        with tarfile.open(first[0]) as archive:
            archive.extractall(place, filter="data")
        (unpacked,) = place.iterdir()
        second = build(unpacked, place / "out")
        for one, other in zip(first, second, strict=True):
            if sha256(one) != sha256(other):
                raise NotReproducibleError(f"{one.name} is {sha256(one)}, and {sha256(other)} when built again")
    return first


def sha256(path: Path) -> str:
    """Return the digest of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def report(out: Path) -> int:
    """Build into *out*, which is emptied, and print names and digests; return the exit code."""
    shutil.rmtree(out, ignore_errors=True)
    try:
        built = build_twice(ROOT, out)
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return 1
    except NotReproducibleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for path in built:
        print(f"{sha256(path)}  {path.name}")
    return 0


def build_one(tree: Path, target: str, out: Path) -> Path:
    """Build the *target*, ``sdist`` or ``wheel``, of *tree* into *out* and return it.

    Raises:
        subprocess.CalledProcessError: the build failed; what it wrote is in ``stderr``.
    """
    before = set(out.glob("*"))
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out.resolve())]
    subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    (made,) = set(out.glob("*")) - before
    return made
