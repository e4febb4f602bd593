"""Look up known vulnerabilities of what the package needs, where the index tells of any.

A mirror may serve packages and no advisories; pip-audit then says that it found none. So one release is always asked
for whose advisories are old and certain: an answer without them proves nothing, and is told as a skip.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from .closure import pinned

# CVE-2019-10906, a way out of the sandbox.
CANARY: Final = ("jinja2", "2.10")
_LINE: Final = f"{CANARY[0]}=={CANARY[1]}\n"
_SECONDS: Final = 60


class NoAdvisoriesError(Exception):
    """The index could not be asked, or answers without advisories."""


def judge(answer: str) -> list[str]:
    """Return a line for each vulnerability in *answer*, pip-audit's JSON document.

    Raises:
        NoAdvisoriesError: it does not know those of the canary.
    """
    try:
        asked = json.loads(answer)["dependencies"]
        canary = [each for each in asked if (each["name"], each.get("version")) == CANARY]
        found = [each for each in asked if each not in canary]
        lines = [
            f"{each['name']} {each['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'none'}"
            for each in found
            for flaw in each.get("vulns", ())
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise NoAdvisoriesError("its answer is not the document that pip-audit writes") from error
    if not any(each.get("vulns") for each in canary):
        raise NoAdvisoriesError(f"it knows none of {_LINE.strip()}, which has some")
    unknown = [each["name"] for each in found if "skip_reason" in each]
    if unknown:
        print(f"not known to the index: {', '.join(unknown)}", file=sys.stderr)
    return lines


def ask(tools: Path, requirements: str) -> str:
    """Return what pip-audit answers for *requirements*, lines of names and versions.

    Raises:
        NoAdvisoriesError: it did not answer in a minute, or with no document.
    """
    with TemporaryDirectory(prefix="audit-") as folder:
        file = Path(folder) / "requirements.txt"
        # Without the name that asks: Jinja is not needed here today, and one name may be asked for once.
        file.write_text("".join(line for line in requirements.splitlines(True) if not _is_canary(line)) + _LINE)
        command = [str(tools / "pip-audit"), "--requirement", str(file), "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", "5"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoAdvisoriesError(f"pip-audit did not answer: {error}") from error
    if not done.stdout.strip():
        raise NoAdvisoriesError((done.stderr.strip().splitlines() or ["pip-audit wrote nothing"])[-1])
    return done.stdout


def report(tools: Path) -> int:
    """Print what is known of the closure; return 1 for a vulnerability, and 0 for none or where nobody tells."""
    requirements = pinned()
    try:
        judge(ask(tools, ""))  # a mirror would be asked for every name, to answer nothing each time
        lines = judge(ask(tools, requirements))
    except NoAdvisoriesError as error:
        print(f"audit skipped: the index serves no advisories here ({error})")
        return 0
    for line in lines:
        print(line)
    print(f"audit: {len(requirements.splitlines())} packages, {len(lines)} known vulnerabilities")
    return 1 if lines else 0


def _is_canary(line: str) -> bool:
    return line.startswith(f"{CANARY[0]}==")
