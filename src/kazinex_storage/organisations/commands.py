"""The command lines that error messages advise, in one place so that they stay those of the CLI."""

from __future__ import annotations

import shlex


def add(organisation: str) -> str:
    """Return the command that adds a provider."""
    return f"kazinex-storage provider add <kind> <label> --organisation {organisation}"


def listing(organisation: str) -> str:
    """Return the command that lists the providers."""
    return f"kazinex-storage provider list --organisation {organisation}"


def verify(organisation: str, label: str) -> str:
    """Return the command that verifies a provider."""
    return f"kazinex-storage provider verify {shlex.quote(label)} --organisation {organisation}"


def update(organisation: str, label: str) -> str:
    """Return the command that changes settings of a provider."""
    return f"kazinex-storage provider update {shlex.quote(label)} --organisation {organisation} --set <name>=<value>"


def store(organisation: str) -> str:
    """Return the command that stores a document."""
    return f"kazinex-storage put <file> {organisation}/<project>/<document>/<revision>"


def bring_back(organisation: str, label: str) -> str:
    """Return the command that lets a retired provider be written to again."""
    return f"kazinex-storage provider retire --undo {shlex.quote(label)} --organisation {organisation}"


def remove(organisation: str, label: str) -> str:
    """Return the command that forgets a provider."""
    return f"kazinex-storage provider remove {shlex.quote(label)} --organisation {organisation}"


def set_default(organisation: str, label: str) -> str:
    """Return the command that makes a provider the default."""
    return f"kazinex-storage provider set-default {shlex.quote(label)} --organisation {organisation}"


def clear_default(organisation: str) -> str:
    """Return the command that leaves the organisation without a default."""
    return f"kazinex-storage provider set-default --none --organisation {organisation}"


def override(organisation: str, project: str, label: str) -> str:
    """Return the command that makes a provider that of a project."""
    return f"kazinex-storage provider override {shlex.quote(label)} --organisation {organisation} --project {project}"


def clear_override(organisation: str, project: str) -> str:
    """Return the command that gives a project the default again."""
    return f"kazinex-storage provider override --clear --organisation {organisation} --project {project}"
