"""Credentials that are found and renewed: shared files, processes, and a container's endpoint on loopback."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kazinex_storage.errors import SettingsError, StorageError, UnavailableError
from kazinex_storage.providers.s3 import S3Settings
from kazinex_storage.providers.s3.credentials import ChainCredentials
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import Credentials, Target

HIDDEN = "example-secret-not-real"
LONG = timedelta(hours=1)
# botocore renews at once what is good for less than ten minutes.
SHORT = timedelta(minutes=5)


class Endpoint:
    """What ECS and EKS offer to containers: a key that is another one each time it is asked for."""

    def __init__(self, lasts: timedelta) -> None:
        self.asked = 0
        self.lasts = lasts
        self.status = 200
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.asked += 1
                body = json.dumps(endpoint.document()).encode()
                self.send_response(endpoint.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/credentials"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def document(self) -> dict[str, object]:
        return {
            "AccessKeyId": f"EXAMPLE{self.asked}",
            "SecretAccessKey": f"{HIDDEN}-{self.asked}",
            "Token": f"example-token-{self.asked}",
            "Expiration": (datetime.now(UTC) + self.lasts).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(autouse=True)
def nothing_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point boto3 at empty files, and let the folder be that of the test."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    endpoint = Endpoint(LONG)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url)
    yield endpoint
    endpoint.close()


def write_profile(folder: Path, key_id: str = "EXAMPLEPROFILE") -> None:
    (folder / "credentials").write_text(
        f"[plans]\naws_access_key_id = {key_id}\naws_secret_access_key = {HIDDEN}\n", encoding="utf-8"
    )


def write_process(folder: Path, program: str) -> None:
    (folder / "process.py").write_text(program, encoding="utf-8")
    (folder / "config").write_text(
        f"[profile plans]\ncredential_process = {sys.executable} {folder / 'process.py'}\n", encoding="utf-8"
    )


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(pickle.dumps(error))


def test_a_profile_gives_its_key_pair(tmp_path: Path) -> None:
    write_profile(tmp_path)

    found = ChainCredentials("plans")()

    assert Credentials(access_key_id="EXAMPLEPROFILE", secret_access_key=HIDDEN) == found


def test_an_edited_profile_counts(tmp_path: Path) -> None:
    write_profile(tmp_path)
    source = ChainCredentials("plans")
    source()

    write_profile(tmp_path, "EXAMPLEEDITED")

    assert "EXAMPLEEDITED" == source().access_key_id


def test_settings_without_keys_take_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "EXAMPLEENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HIDDEN)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "example-token")

    source = S3Settings(bucket="plans", region="eu-central-1").target().credentials

    assert callable(source)
    assert source() == Credentials(
        access_key_id="EXAMPLEENVIRONMENT", secret_access_key=HIDDEN, session_token=os.environ["AWS_SESSION_TOKEN"]
    )


def test_settings_with_a_profile_take_no_key_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "EXAMPLEENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HIDDEN)
    write_profile(tmp_path)

    source = S3Settings(bucket="plans", region="eu-central-1", profile="plans").target().credentials

    assert callable(source)
    assert "EXAMPLEPROFILE" == source().access_key_id


def test_a_process_gives_a_key_that_expires(tmp_path: Path) -> None:
    expires_at = (datetime.now(UTC) + LONG).replace(microsecond=0)
    document = {
        "Version": 1,
        "AccessKeyId": "EXAMPLEPROCESS",
        "SecretAccessKey": HIDDEN,
        "SessionToken": "example-token",
        "Expiration": expires_at.isoformat(),
    }
    write_process(tmp_path, f"print('''{json.dumps(document)}''')")

    found = ChainCredentials("plans")()

    assert ("EXAMPLEPROCESS", "example-token", expires_at) == (
        found.access_key_id,
        found.session_token,
        found.expires_at,
    )


def test_a_container_gives_a_key_that_is_kept_while_it_is_good(endpoint: Endpoint) -> None:
    source = ChainCredentials()

    keys = [source().access_key_id for _ in range(3)]

    assert ["EXAMPLE1"] * 3 == keys
    assert 1 == endpoint.asked


def test_a_key_that_is_about_to_expire_is_renewed(endpoint: Endpoint) -> None:
    endpoint.lasts = SHORT
    source = ChainCredentials()
    first = source()
    endpoint.lasts = LONG

    renewed, kept = source(), source()

    assert first.access_key_id != renewed.access_key_id
    assert renewed == kept
    assert renewed.expires_at is not None
    assert renewed.expires_at - datetime.now(UTC) > SHORT


def test_threads_that_ask_at_once_get_one_key(endpoint: Endpoint) -> None:
    source = ChainCredentials()

    with ThreadPoolExecutor(8) as pool:
        keys = {found.access_key_id for found in pool.map(lambda _: source(), range(32))}

    assert {"EXAMPLE1"} == keys
    assert 1 == endpoint.asked


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")  # the very thing that is tested
def test_a_forked_child_finds_credentials_though_the_parent_was_just_looking(tmp_path: Path) -> None:
    """The lock of the parent is held for ever in the child."""
    write_profile(tmp_path)
    source = ChainCredentials("plans")
    source()
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    with source._found._lock:
        child = context.Process(target=lambda: answers.put(source().access_key_id))
        child.start()
    child.join(60)
    alive = child.is_alive()
    child.kill()

    assert not alive
    assert "EXAMPLEPROFILE" == answers.get()


def test_a_source_is_pickled_without_what_it_found(tmp_path: Path) -> None:
    write_profile(tmp_path)
    source = ChainCredentials("plans")
    source()

    pickled = pickle.dumps(source)

    assert HIDDEN.encode() not in pickled
    assert "EXAMPLEPROFILE" == pickle.loads(pickled)().access_key_id  # noqa: S301 - made above


def test_a_source_shows_its_profile_only(tmp_path: Path) -> None:
    write_profile(tmp_path)
    source = ChainCredentials("plans")
    found = source()

    assert "ChainCredentials(profile='plans')" == repr(source)
    assert HIDDEN not in repr(found)


def test_finding_nothing_says_where_it_was_looked_for() -> None:
    with pytest.raises(SettingsError, match=r"AWS_ACCESS_KEY_ID.*\.aws/credentials.*\.aws/config.*container.*instance"):
        ChainCredentials()()


def test_finding_nothing_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = ChainCredentials()
    with pytest.raises(SettingsError):
        source()

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "EXAMPLEENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HIDDEN)

    assert "EXAMPLEENVIRONMENT" == source().access_key_id


def test_a_profile_without_credentials_does_not_borrow_those_of_the_machine(tmp_path: Path, endpoint: Endpoint) -> None:
    (tmp_path / "config").write_text("[profile plans]\nregion = eu-central-1\n", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"'plans' .*holds no credentials"):
        ChainCredentials("plans")()


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("credentials", "[other]\naws_access_key_id = x\n", "no profile of that name"),
        ("credentials", "[plans]\naws_access_key_id = EXAMPLE\n", "half of a key pair"),
        ("credentials", f"[plans]\n{HIDDEN}\n", "cannot be read"),
    ],
    ids=["missing", "half", "no configuration"],
)
def test_a_profile_that_cannot_be_used_is_explained(tmp_path: Path, file: str, text: str, expected: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError, match=expected) as caught:
        ChainCredentials("plans")()

    assert HIDDEN not in shown(caught.value)


@pytest.mark.parametrize(
    "program",
    [
        f"import sys; sys.exit('{HIDDEN}')",
        f"print('{HIDDEN}')",
        f"print('''{json.dumps({'Version': 2, 'SecretAccessKey': HIDDEN})}''')",
    ],
    ids=["fails", "prints no JSON", "another version"],
)
def test_a_process_that_fails_is_reported_without_what_it_printed(tmp_path: Path, program: str) -> None:
    write_process(tmp_path, program)

    with pytest.raises(StorageError) as caught:
        ChainCredentials("plans")()

    assert isinstance(caught.value, UnavailableError)
    assert "'plans'" in caught.value.message
    assert HIDDEN not in shown(caught.value)


def test_a_container_that_refuses_is_unavailable(endpoint: Endpoint) -> None:
    endpoint.status = 403

    with pytest.raises(UnavailableError) as caught:
        ChainCredentials()()

    assert HIDDEN not in shown(caught.value)


def test_without_boto3_the_fix_is_named(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['botocore'] = None\n"
        "from kazinex_storage.errors import SettingsError\n"
        "from kazinex_storage.providers.s3 import S3Settings\n"
        "source = S3Settings(bucket='plans', region='eu-central-1', profile='plans').target().credentials\n"
        "try:\n"
        "    source()\n"
        "except SettingsError as error:\n"
        "    print(error.message)\n"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "pip install 'kazinex-storage[r2]'" in run.stdout


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, b"example-id\nexample-secret-not-real"),
        ({"session_token": "example-token"}, None),
        ({"expires_at": datetime.now(UTC) + LONG}, None),
    ],
    ids=["a key pair", "a token", "a lease"],
)
def test_a_lasting_key_pair_seals_upload_states(
    target: Target, changes: dict[str, object], found: bytes | None
) -> None:
    """Temporary ones are other ones an hour later."""
    given = replace(Credentials(access_key_id="example-id", secret_access_key=HIDDEN), **changes)  # type: ignore[arg-type]

    assert found == S3Provider(replace(target, credentials=given)).state_secret()
    assert found == S3Provider(replace(target, credentials=lambda: given)).state_secret()
