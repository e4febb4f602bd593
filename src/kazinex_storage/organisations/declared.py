"""The providers of the platform as the environment declares them: one file of JSON, for the CLI and other programs.

It holds one object or a list of them, the default of new organisations first: ``kind``, ``label``, ``settings`` with
the secrets, and if need be ``id``, ``plan`` (for all) and ``plans`` (by organisation): ``Standard`` or ``Enterprise``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Final

from ..errors import InvalidJsonError, SettingsError
from ..json_text import TEXT, TEXT_BY_NAME, Kind, Schema, one_of, parse_own_json
from ..policy import ENTERPRISE, STANDARD, Plan
from ..providers.settings.environment import managed_file
from ..secrecy.masking import masked
from .managed import ManagedProvider

_PLANS: Final = {plan.name: plan for plan in (STANDARD, ENTERPRISE)}
_SCHEMA: Final = Schema(
    what="a provider of the platform",
    fix="see 'A provider of the platform' in docs/organisations.md",
    fields={
        "kind": TEXT,
        "label": TEXT,
        "settings": Kind("an object", lambda value: isinstance(value, Mapping)),
        "id": TEXT,
        "plan": one_of(_PLANS, f"one of {', '.join(_PLANS)}"),
        "plans": TEXT_BY_NAME,
    },
    optional={"id": "managed", "plan": STANDARD.name, "plans": {}},
)


def declared(environ: Mapping[str, str] | None = None) -> tuple[ManagedProvider, ...]:
    """Return what the file of ``KAZINEX_STORAGE_MANAGED`` declares; nothing when it is not set.

    Raises:
        SettingsError: the file cannot be read, others may read it, or it declares none.
    """
    file = managed_file(environ)
    if file is None:
        return ()
    try:
        with open(file, encoding="utf-8") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            text = masked(opened.read())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the file {str(file)!r} of KAZINEX_STORAGE_MANAGED cannot be read: {error}") from error
    if mode & 0o027:
        raise SettingsError(
            f"the file {str(file)!r} holds secrets and may be used by others (mode {mode:04o}); run `chmod 600 {file}`"
        )
    try:
        found = parse_own_json(text)
        return tuple(_provider(one) for one in (found if isinstance(found, list) else [found]))
    except InvalidJsonError as error:
        reason = error.message
    except ValueError:
        reason = "it is no JSON"  # the reason could quote it
    raise SettingsError(f"the file {str(file)!r} of KAZINEX_STORAGE_MANAGED declares no provider: {reason}")


def _provider(found: object) -> ManagedProvider:
    fields = _SCHEMA.read(found)
    unknown = sorted(set(fields["plans"].values()) - set(_PLANS))
    if unknown:
        raise InvalidJsonError(f"there is no plan {unknown[0]!r}; name one of {', '.join(_PLANS)}")
    usual, plans = _PLANS[fields["plan"]], {name: _PLANS[plan] for name, plan in fields["plans"].items()}

    def plan(organisation: str) -> Plan:
        return plans.get(organisation, usual)

    return ManagedProvider(
        kind=fields["kind"], label=fields["label"], settings=fields["settings"], plan=plan, id=fields["id"]
    )
