"""The bill of materials: the package with ``[all]`` and what pip installs for it, as CycloneDX.

It is read off a clean environment that pip filled from the wheel, not off the developers' one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .distributions import ROOT, build


def report(tools: Path, out: Path) -> int:
    """Write the bill to *out* and say what is in it; return the exit code."""
    with TemporaryDirectory(prefix="sbom-") as folder:
        place = Path(folder)
        _, wheel = build(ROOT, place / "dist")
        venv.create(place / "clean", with_pip=False)
        python = place / "clean" / "bin" / "python"
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", f"{wheel}[all]"]
        bill = [str(tools / "cyclonedx-py"), "environment", str(python), "--pyproject", str(ROOT / "pyproject.toml")]
        bill += ["--mc-type", "library", "--output-reproducible", "--output-file", str(out.resolve())]
        out.parent.mkdir(parents=True, exist_ok=True)
        for command in (install, bill):
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                print(done.stderr, file=sys.stderr)
                return 1
    document = json.loads(out.read_text())
    name_version(document, wheel.name.split("-")[1])
    out.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    print(f"{out}: {len(document['components'])} components")
    return 0


def name_version(document: dict[str, Any], version: str) -> None:
    """Give the package its version, which pyproject.toml leaves to the build, and so the bill does too."""
    document["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/kazinex-storage@{version}"}
