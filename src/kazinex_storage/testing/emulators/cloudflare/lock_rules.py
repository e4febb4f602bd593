"""The part of the API of Cloudflare that reads and replaces the lock rules of a bucket, for the front in ``front.py``.

As developers.cloudflare.com/api/resources/r2/subresources/buckets/subresources/locks has it (read 2026-11): GET and
PUT of ``/accounts/{account}/r2/buckets/{bucket}/lock`` with a bearer token; a PUT replaces all rules.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

from ..http import Answer, Received, http_server
from .front import R2Front


class LockRule(TypedDict):
    """One rule, as the API has it."""

    id: str
    enabled: bool
    prefix: str
    condition: dict[str, str]


@dataclass(slots=True)
class LockRules:
    """The API of one account."""

    front: R2Front
    token: str = field(default_factory=lambda: secrets.token_hex(20), repr=False)
    """What clients send."""
    url: str = ""
    """What clients call the API, without a slash at the end."""
    rules: dict[str, list[LockRule]] = field(default_factory=dict)
    """By bucket."""

    def answer(self, received: Received) -> Answer:
        """Answer one request."""
        if received.headers.get("authorization") != f"Bearer {self.token}":
            return _json(403, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]})
        head, _, tail = received.path.partition("/r2/buckets/")
        bucket, _, what = tail.partition("/")
        if not head.endswith(f"/accounts/{self.front.account_id}") or what != "lock":
            return _json(404, {"success": False, "errors": [{"code": 7003, "message": "Could not route"}]})
        if received.method == "PUT":
            rules = json.loads(received.body)["rules"]
            if len(rules) > 1000 or len({rule["id"] for rule in rules}) != len(rules):
                return _json(400, {"success": False, "errors": [{"code": 10060, "message": "invalid rules"}]})
            self.rules[bucket] = rules
            self.front.rules.locked_prefixes = tuple(
                rule["prefix"] for rules in self.rules.values() for rule in rules if _locks(rule)
            )
        return _json(200, {"success": True, "errors": [], "result": {"rules": self.rules.get(bucket, [])}})


@contextmanager
def lock_rules(front: R2Front) -> Iterator[LockRules]:
    """Serve the API of the account of *front* on a free port until the context ends."""
    found = LockRules(front)
    with http_server(found.answer) as port:
        found.url = f"http://127.0.0.1:{port}/client/v4"
        yield found


def _locks(rule: LockRule) -> bool:
    condition = rule["condition"]
    lasts = condition["type"] == "Indefinite" or (
        condition["type"] == "Date" and datetime.fromisoformat(condition["date"]) > datetime.now(UTC)
    )
    return bool(rule["enabled"]) and lasts


def _json(status: int, found: object) -> Answer:
    return Answer(status=status, headers={"content-type": "application/json"}, body=json.dumps(found).encode())
