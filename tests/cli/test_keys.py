"""Data keys from the shell, wrapped by the key ring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazinex_storage import open_organisations

if TYPE_CHECKING:
    from .conftest import CommandLine

R2 = {
    "account_id": "0123456789abcdef0123456789abcdef",
    "access_key_id": "fedcba9876543210fedcba9876543210",
    "secret_access_key": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "bucket": "plans",
}


def test_keys_are_listed_renewed_and_destroyed(cli: CommandLine) -> None:
    cli.environment["KAZINEX_STORAGE_KEY_SOURCE"] = "ring:"
    organisations = open_organisations(cli.environment)
    organisations.add_provider("org-1", "r2", "Drawings", R2)
    organisations.close()

    renewed = cli("keys", "renew", "--json")
    resealed = cli("keys", "reseal", "--all", "--json")
    refused = cli("keys", "destroy", "--reason", "contract ended")
    gone = cli("keys", "destroy", "--reason", "contract ended", "--yes", "--json")
    listed = cli("keys", "list", "--json")
    reseal_again = cli("keys", "reseal", "--all")

    assert 1 == renewed.json["resealed"]
    assert {"organisations": 1, "resealed": 0, "failures": []} == resealed.json
    assert (2, 2) == (refused.code, len(gone.json["destroyed"]))
    statuses = [key["status"] for key in listed.json["keys"]]
    assert ["active", "destroyed", "destroyed"] == sorted(statuses), "the audit of the destruction is sealed anew"
    assert {"contract ended", None} == {key["ended_for"] for key in listed.json["keys"]}
    assert 1 == reseal_again.code
    assert "was destroyed at" in reseal_again.err


def test_without_a_key_service_the_command_says_what_to_set(cli: CommandLine) -> None:
    refused = cli("keys", "renew")

    assert 6 == refused.code
    assert "KAZINEX_STORAGE_KEY_SOURCE" in refused.err
