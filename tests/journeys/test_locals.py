"""No frame of an error shows a secret: Rich, Sentry and others print the locals of all of them."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from pydantic import SecretStr

from kazinex_storage import PutMode, PutOptions, Storage
from kazinex_storage.fs import S3FileSystem
from kazinex_storage.organisations import KeyFile, KeyRing, MemoryCatalogue, Organisations
from kazinex_storage.organisations.sealing import Sealer
from kazinex_storage.organisations.sql import SqlCatalogue
from kazinex_storage.providers.azure_blob import AzureBlobSettings, open_azure_blob
from kazinex_storage.providers.s3 import R2Settings, S3Settings, SupabaseSettings, open_r2, open_s3, open_supabase
from kazinex_storage.providers.sharepoint import SharePointSettings, open_sharepoint
from kazinex_storage.registry import default_registry
from kazinex_storage.secrecy.masking import Masked, MaskedBytes, masked
from kazinex_storage.testing.emulators.graph import Answer, GraphEmulator, Kind, RequestFault, graph_emulator
from kazinex_storage.testing.emulators.http import Received, http_server
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority
from kazinex_storage.transport import RetryPolicy, Transport, TransportSettings
from kazinex_storage.verbs import AnyProvider

SECRET = "5ec2e7" + "ab" * 29
KEY = base64.b64encode(bytes(range(64))).decode()
SIGNATURE = "s1gNotReal0123456789"
TOKEN = "token-not-real-98765"  # noqa: S105
PASSWORD = "password-not-real-4711"  # noqa: S105
SECRETS = (SECRET, KEY, SIGNATURE, TOKEN, PASSWORD)

FOREIGN = ("/pydantic/", "/fsspec/", "/botocore/")
"""Libraries that are given what the caller wrote, before we can wrap it, or make something of it by themselves."""


def frames_of(error: BaseException) -> Iterator[FrameType]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        waiting += [found.__cause__, found.__context__, *getattr(found, "failures", ())]
        traceback = found.__traceback__
        while traceback is not None:
            yield traceback.tb_frame
            traceback = traceback.tb_next


def shown(error: BaseException, secrets: tuple[str, ...] = SECRETS) -> list[str]:
    """Return where a secret shows: in locals as ``repr`` prints them, but for those of this module."""
    return sorted(
        {
            f"{frame.f_code.co_filename}:{frame.f_code.co_name}: {name}"
            for frame in frames_of(error)
            if frame.f_code.co_filename != __file__ and not any(part in frame.f_code.co_filename for part in FOREIGN)
            for name, text in [(name, repr(value)) for name, value in frame.f_locals.items()]
            if any(secret in text for secret in secrets)
        }
    )


def caught(call: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as found:  # noqa: PT011  # whatever it is
        call()
    return found.value


S3_KEYS = {"access_key_id": "1" * 32, "secret_access_key": SecretStr(SECRET)}
NETWORK: dict[str, Callable[[str], AnyProvider]] = {
    "s3": lambda url: open_s3(
        S3Settings(bucket="docs", region="r-1", session_token=SecretStr(TOKEN), endpoint_url=url, **S3_KEYS)  # type: ignore[arg-type]
    ),
    "r2": lambda url: open_r2(R2Settings(account_id="0" * 32, bucket="docs", endpoint_url=url, **S3_KEYS)),  # type: ignore[arg-type]
    "supabase": lambda url: open_supabase(
        SupabaseSettings(
            project_ref="abcdefghijklmnopqrst",
            bucket="docs",
            region="r-1",
            endpoint_url=f"{url}/storage/v1/s3",
            service_key=SecretStr(f"sb_secret_{SECRET[:31]}"),
            **S3_KEYS,  # type: ignore[arg-type]
        )
    ),
    "azure by key": lambda url: open_azure_blob(
        AzureBlobSettings(account="plans", container="docs", account_key=SecretStr(KEY), endpoint_url=f"{url}/plans")
    ),
    "azure by signature": lambda url: open_azure_blob(
        AzureBlobSettings(
            account="plans",
            container="docs",
            sas_token=SecretStr(f"sv=2024-11-04&ss=b&srt=sco&sp=rwdlc&se=2099-01-01T00:00:00Z&sig={SIGNATURE}"),
            endpoint_url=f"{url}/plans",
        )
    ),
    "azure by app": lambda url: open_azure_blob(
        AzureBlobSettings(
            account="plans",
            container="docs",
            tenant_id="contoso.example",
            client_id="00000000-0000-0000-0000-000000000001",
            client_secret=SecretStr(SECRET),
            login_url=url,
            endpoint_url=f"{url}/plans",
        )
    ),
    "sharepoint": lambda url: open_sharepoint(
        SharePointSettings(
            tenant_id="contoso.example",
            client_id="00000000-0000-0000-0000-000000000001",
            client_secret=SecretStr(SECRET),
            refresh_token=SecretStr(TOKEN),
            site_url="https://contoso.sharepoint.com/sites/a",
            graph_url=url,
            login_url=url,
        )
    ),
}


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


# Each writes a key of its own: to one key, R2 takes a write a second.
CALLS: dict[str, Callable[[Storage], object]] = {
    "put": lambda s: s.put("k", b"x"),
    "put once": lambda s: s.put("once", b"x", PutOptions(mode=PutMode.CREATE)),
    "put large": lambda s: s.put("large", b"x" * (9 << 20)),
    "put header": lambda s: s.put("header", b"x", PutOptions(content_type="a\r\nb")),
    "get": lambda s: s.get_bytes("k"),
    "head": lambda s: s.head("k"),
    "list": lambda s: list(s.list()),
    "delete many": lambda s: s.delete_many(["n", "o"]),
    "copy": lambda s: s.copy("k", "m"),
}
ANSWERS: dict[str, Callable[[Received], Answer | None] | None] = {
    "nobody listens": None,
    "refused": lambda _: Answer(status=403, body=b"no"),
    "cut": lambda _: None,
    "nonsense": lambda _: Answer(status=200, body=b"{]"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("kind", NETWORK)
def test_no_frame_of_a_failed_call_shows_a_secret(
    kind: str, answer: Callable[[Received], Answer | None] | None
) -> None:
    with http_server(answer or (lambda _: None)) as port:
        provider = NETWORK[kind](f"http://127.0.0.1:{port if answer is not None else 1}")
        with Storage(provider, transport=Transport(retry=RetryPolicy(attempts=1))) as storage:
            for call in CALLS.values():
                assert [] == shown(caught(lambda call=call: call(storage)))  # type: ignore[misc]


def test_no_failure_of_many_keys_has_frames_of_its_own_where_exceptions_are_pickled_with_theirs() -> None:
    """As in a process that works with Dask, which has tblib change how exceptions are copied."""
    program = (
        "import copy\nfrom tblib import pickling_support\n"
        "from kazinex_storage.errors import UnavailableError, for_each_key\n"
        "pickling_support.install()\n"
        "try:\n    raise UnavailableError('no')\nexcept UnavailableError as error:\n"
        "    assert copy.copy(error).__traceback__ is not None\n"
        "    for failure in for_each_key(error, ['a', 'b']):\n"
        "        print(failure.key, failure.__traceback__, failure.__context__)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (0, "a None None\nb None None\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    with certificate_authority() as found:
        yield found


@pytest.fixture
def emulator(authority: CertificateAuthority) -> Iterator[GraphEmulator]:
    with graph_emulator(authority) as found:
        yield found


@pytest.mark.parametrize("person", [False, True], ids=["app", "person"])
def test_no_frame_shows_a_token_or_a_url_of_sharepoint(
    emulator: GraphEmulator, authority: CertificateAuthority, person: bool
) -> None:
    app = emulator.add_app(secret=SECRET)
    site = emulator.add_site("/sites/plans")
    refresh = emulator.state.issue_refresh(app.client_id) if person else None
    settings = SharePointSettings(
        tenant_id=emulator.tenant,
        client_id=app.client_id,
        client_secret=SecretStr(SECRET),
        refresh_token=SecretStr(refresh) if refresh else None,
        site_url=site.url,
        graph_url=emulator.graph_url,
        login_url=emulator.login_url,
        ca_file=str(authority.ca_file),
    )
    transport = Transport(settings=TransportSettings(ca_file=str(authority.ca_file)), retry=RetryPolicy(attempts=1))
    with Storage(open_sharepoint(settings), transport=transport) as storage:
        storage.put("k", b"x")
        tokens = tuple(emulator.state.tokens)
        for fault in (
            RequestFault(kind=Kind.CUT_BEFORE, times=99),
            RequestFault(kind=Kind.ANSWER, times=99, answer=Answer(status=500)),
        ):
            emulator.faults.add(fault)
            for call in CALLS.values():
                error = caught(lambda call=call: call(storage))  # type: ignore[misc]
                assert [] == shown(error, (*SECRETS, *tokens))


def test_no_frame_of_wrong_settings_shows_a_secret() -> None:
    organisations = Organisations(MemoryCatalogue())
    wrong: dict[str, Any] = {"bucket": 7, "secret_access_key": SECRET, "nested": {"deep": [SECRET]}}
    wrong["secret_acces_key"] = SECRET
    calls: list[Callable[[], object]] = [
        lambda: default_registry().parse_settings("s3", wrong),
        lambda: organisations.add_provider("acme", "s3", "S3", wrong),
        lambda: S3FileSystem(**wrong),
        lambda: S3FileSystem(secret_acces_key=SECRET),  # type: ignore[call-arg]
    ]
    organisations.add_provider(
        "acme", "s3", "kept", {"bucket": "docs", **S3_KEYS, "endpoint_url": "http://127.0.0.1:1"}
    )
    calls.append(lambda: organisations.update_provider("acme", "kept", settings=wrong))

    for call in calls:
        assert [] == shown(caught(call))


def test_no_frame_of_a_catalogue_that_does_not_answer_shows_its_password(tmp_path: Path) -> None:
    sealer = Sealer(KeyFile(tmp_path / "keys"))
    for url in (
        f"postgresql://kazinex:{PASSWORD}@127.0.0.1:1/kazinex",
        f"postgresql://127.0.0.1:1/kazinex?user=kazinex&password={PASSWORD}",
        f"mysql://kazinex:{PASSWORD}@127.0.0.1/kazinex",
        f"postgresql+nodriver://kazinex:{PASSWORD}@127.0.0.1/kazinex",
        f"postgresql://kazinex:{PASSWORD}@[::1/kazinex",
    ):
        error = caught(lambda url=url: SqlCatalogue(url, sealer))  # type: ignore[misc]

        assert [] == shown(error)
        assert PASSWORD not in str(error)


def test_no_frame_shows_a_sealing_key(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    text = ring.export().strip()
    raw = base64.urlsafe_b64decode(text)
    place = {"organisation": "acme", "record": "1", "field": "secret"}
    sealed = Sealer(ring).seal(SECRET, **place)
    broken = tmp_path / "keys"
    broken.write_text(f"{text}\nnonsense\n")
    broken.chmod(0o600)

    for call in (
        lambda: KeyRing.parse(f"{text},nonsense"),
        lambda: KeyRing([raw, b"short"]),
        lambda: Sealer(KeyRing.generate()).open(sealed, **place),
        lambda: Sealer(ring).open(sealed, **{**place, "record": "2"}),
        lambda: Sealer(KeyFile(broken)).seal(SECRET, **place),
    ):
        assert [] == shown(caught(call), (*SECRETS, text, repr(raw)[2:-1]))


def test_what_is_masked_is_the_same_value() -> None:
    secret, data = Masked("example"), MaskedBytes(b"example")

    assert (secret, data) == ("example", b"example")
    assert "example" not in repr([secret, data, secret[:4], data[:4], {"a": masked({"b": ["example"]})}])
    assert {"a": {"b": ["example"]}, "n": 1, "s": None} == masked({"a": {"b": ["example"]}, "n": 1, "s": None})
    assert (f"{secret}!", secret + "!", data[0]) == ("example!", "example!", 101)
