"""Retention and legal holds on R2: one lock rule of the bucket for each, set through the API of Cloudflare.

R2 refuses to delete or overwrite what a rule covers, whoever asks, so nothing is asked before a change. A rule is for
a prefix, which here is the whole name of the object: what begins with that name is kept as well. A bucket has at most
1,000 rules, and the API replaces them all at once: what was written is read back, and written again where another
writer was faster. Who may edit the bucket can take any rule away, so COMPLIANCE binds this library alone. Sources:
developers.cloudflare.com/r2/buckets/bucket-locks, /api/resources/r2/subresources/buckets/subresources/locks (2026-11).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, cast

from ...bodies.source import Source
from ...errors import (
    AccessDeniedError,
    AuthenticationError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from ...json_text import parse_own_json, write_json
from ...keys import ObjectKey
from ...retention import Protection, Retention, RetentionMode
from ...transport import Exchange, Request, Response
from ...types import Diagnosis, PutOptions
from ..settings.unmet import UnmetError
from . import causes
from .objects import Objects
from .target import LockApi

Rule: TypeAlias = "Mapping[str, object]"

MAX_RULES: Final = 1000
"""Lock rules that a bucket has at most."""

_TRIES: Final = 5
_PROBE: Final = ".kazinex-verify"
_OURS: Final = "kazinex-"
_HOLD: Final = "hold"


class BucketLocks:
    """The lock rules of one bucket."""

    def __init__(self, objects: Objects, api: LockApi) -> None:
        """Look at the objects with *objects*; set rules by *api*."""
        self._objects = objects
        self._api = api

    def protection(self, key: str) -> Exchange[Protection]:
        """Return what the rules for the whole name of the object say; two requests."""
        yield from self._objects.head(key)
        found = Protection()
        for rule in (yield from self._rules()):
            if rule.get("prefix") == self._name(key) and rule.get("enabled"):
                found = _with(found, rule)
        return found

    def retain(self, key: str, retention: Retention | None, bypass: bool) -> Exchange[None]:
        """Put one rule in the place of the one that there is, or take that away; four requests.

        Whether it may end early was judged with *bypass*; to the service, who may edit the bucket may do so.
        """
        del bypass
        yield from self._objects.head(key)
        rule: Rule | None = None
        if retention is not None:
            until = f"{retention.until:%Y-%m-%dT%H:%M:%S}Z"
            rule = self._rule(key, retention.mode.value, {"type": "Date", "date": until})
        yield from self._replace([self._id(key, mode.value) for mode in RetentionMode], rule)

    def hold(self, key: str, held: bool) -> Exchange[None]:
        """Add a rule without an end, or take it away; four requests."""
        yield from self._objects.head(key)
        rule = self._rule(key, _HOLD, {"type": "Indefinite"}) if held else None
        yield from self._replace([self._id(key, _HOLD)], rule)

    def refusals(self, keys: Sequence[str]) -> Exchange[dict[str, StorageError | None]]:
        """Return the errors for those of *keys* that a rule of ours keeps now; one request."""
        kept = dict[str, Protection]()
        for rule in (yield from self._rules()):
            if rule.get("enabled"):
                prefix = str(rule.get("prefix"))
                kept[prefix] = _with(kept.get(prefix, Protection()), rule)
        now = datetime.now(UTC)
        found = {key: kept.get(self._name(key), Protection()) for key in keys}
        return {key: protection.refusal(key) for key, protection in found.items() if protection.keeps(now)}

    def check(self) -> Exchange[Diagnosis | None]:
        """Prove that a rule can be set and keeps an object; nine requests.

        Raises:
            UnmetError: the token may not edit the rules of the bucket.
        """
        key = ObjectKey(f"{_PROBE}/{secrets.token_hex(8)}")
        yield from self._objects.write(key, Source.of(b"kazinex-storage probe: safe to delete\n"), PutOptions())
        try:
            yield from self.hold(key, True)
            yield from self.hold(key, False)
        except (AccessDeniedError, AuthenticationError, NotFoundError) as error:
            raise UnmetError(causes.NO_LOCK_RULES, error) from error
        finally:
            yield from self._objects.delete(key)
        return None

    def _replace(self, ids: Sequence[str], rule: Rule | None) -> Exchange[None]:
        for _ in range(_TRIES):
            before = yield from self._rules()
            after = [known for known in before if known.get("id") not in ids and not _is_over(known)]
            after += [rule] if rule is not None else []
            if len(after) > MAX_RULES:
                raise QuotaExceededError(f"the bucket has {MAX_RULES:,} lock rules already; end some that are over")
            if after == list(before):
                return
            yield from self._send("PUT", write_json({"rules": after}).encode())
            found = [known for known in (yield from self._rules()) if known.get("id") in ids]
            if [known.get("id") for known in found] == ([rule["id"]] if rule is not None else []):
                return
        raise UnavailableError("others keep changing the lock rules of the bucket; try again")

    def _rules(self) -> Exchange[list[Rule]]:
        response = yield from self._send("GET", None)
        try:
            rules = cast("dict[str, Any]", parse_own_json(response.body))["result"]["rules"]
        except (ValueError, TypeError, KeyError) as error:
            raise UnavailableError("something other than the API of Cloudflare answered; check api_url") from error
        return [rule for rule in rules or () if isinstance(rule, dict)]

    def _send(self, method: str, body: bytes | None) -> Exchange[Response]:
        headers = [("Authorization", f"Bearer {self._api.token}"), ("Content-Type", "application/json")]
        jurisdiction = self._objects.requests.target.jurisdiction
        if jurisdiction is not None:
            headers.append(("cf-r2-jurisdiction", jurisdiction))
        response: Response = yield Request(
            method=method, url=self._api.url, headers=tuple(headers), body=body, auth=None, operation="retain"
        )
        if response.status != 200:
            raise _error(response.status)
        return response

    def _rule(self, key: str, kind: str, condition: Mapping[str, str]) -> Rule:
        return {"id": self._id(key, kind), "enabled": True, "prefix": self._name(key), "condition": condition}

    def _id(self, key: str, kind: str) -> str:
        return f"{_OURS}{kind}-{hashlib.sha256(self._name(key).encode()).hexdigest()[:32]}"

    def _name(self, key: str) -> str:
        return self._objects.requests.codec.name_of(key)


def _with(found: Protection, rule: Rule) -> Protection:
    condition = cast("Mapping[str, Any]", rule.get("condition") or {})
    kind = str(rule.get("id")).removeprefix(_OURS).partition("-")[0]
    if condition.get("type") == "Indefinite":
        return Protection(retention=found.retention, held=True)
    if condition.get("type") == "Date":
        mode = RetentionMode(kind) if kind in {mode.value for mode in RetentionMode} else RetentionMode.GOVERNANCE
        retention = Retention(until=datetime.fromisoformat(str(condition["date"])), mode=mode)
        return Protection(retention=retention, held=found.held)
    return found


def _is_over(rule: Rule) -> bool:
    """Say whether it is one of ours that keeps nothing any more, so that it takes up no place."""
    until = _with(Protection(), rule).retention
    return str(rule.get("id")).startswith(_OURS) and until is not None and until.is_over(datetime.now(UTC))


_ERRORS: Final[Mapping[int, Callable[[str], StorageError]]] = {
    401: AuthenticationError,
    403: AccessDeniedError,
    404: NotFoundError,
    429: RateLimitedError,
}


def _error(status: int) -> StorageError:
    kind = _ERRORS.get(status, UnavailableError)
    return kind(f"the API of Cloudflare answered {status} when asked for the lock rules; check api_token")
