"""The suite on each version of Python that is installed: ``nox``, or ``nox -s tests-3.13 -- tests/unit``.

``make test`` is the suite on one version, with the servers and the browser that it needs. What the classifiers in
pyproject.toml name was run; a version that is missing here is skipped and named.
"""

from __future__ import annotations

from pathlib import Path

import nox

VERSIONS = ("3.11", "3.12", "3.13", "3.14")

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False


@nox.session(python=VERSIONS)
def tests(session: nox.Session) -> None:
    """Install the package with everything that the tests need, and run them; warnings are errors."""
    session.install("pip>=25.1")
    session.install("--editable", ".[all]", "--group", "test")
    chosen = session.posargs or ["tests", "src", "--numprocesses", "4", "--dist", "worksteal"]
    session.run("python", "-m", "pytest", "-m", "not soak", *chosen)


@nox.session(python=VERSIONS)
def wheel(session: nox.Session) -> None:
    """Install what is released, as a user does, and store a document by it."""
    session.install("hatchling>=1.27", "hatch-fancy-pypi-readme>=24.1")
    out = session.create_tmp()
    session.run("python", "-m", "hatchling", "build", "--target", "wheel", "--directory", out)
    (built,) = Path(out).glob("*.whl")
    session.install(f"{built.resolve()}[all]")
    session.chdir(out)
    session.run("kazinex-storage", "demo")
