"""Kinds by name, their settings, and the kinds of third parties."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kazinex_storage.errors import SettingsError, UnknownProviderError
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.registry import ProviderKind, Registry, SettingsField, default_registry

ACME = """
from typing import Literal
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.registry import ProviderKind

class Auth(BaseModel):
    model_config = ConfigDict(extra="forbid")
    tenant: str
    client_secret: SecretStr

class AcmeSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    bucket: str = Field(description="Where the objects are.")
    token: SecretStr
    retries: int = 3
    speed: Literal["slow", "fast"] = "fast"
    auth: Auth | None = None

    @field_validator("bucket")
    @classmethod
    def _lower(cls, bucket):
        if bucket != bucket.lower():
            raise ValueError(f"bucket names are lower case, unlike {bucket}")
        return bucket

class Loose(BaseModel):
    name: str = ""

class Acme(MemoryProvider):
    def __init__(self, settings):
        super().__init__()
        self.settings = settings

    @classmethod
    def made(cls, settings):
        return cls(settings)

NOT_CALLABLE = 1
KIND = ProviderKind(kind="acme", title="Acme", settings="acme_kind:AcmeSettings", factory="acme_kind:Acme.made")
OTHER = ProviderKind(kind="other", title="Other", settings="acme_kind:AcmeSettings", factory="acme_kind:Acme")
LOCAL = ProviderKind(kind="local", title="Fake", settings="acme_kind:AcmeSettings", factory="acme_kind:Acme")
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with entry points in a folder of its own, as pip would."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "acme_kind", raising=False)

    def make(distribution: str, entry_points: str, module: str = ACME, name: str = "acme_kind") -> None:
        (tmp_path / f"{name}.py").write_text(module)
        folder = tmp_path / f"{distribution}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[kazinex_storage.providers]\n{entry_points}\n")

    return make


@pytest.fixture
def acme(install: Install) -> Registry:
    install("acme", "acme = acme_kind:KIND")
    return Registry()


def kind(name: str = "one", settings: str = "json:loads", factory: str = "json:loads") -> ProviderKind:
    return ProviderKind(kind=name, title=name, settings=settings, factory=factory)


def test_the_built_in_kinds_are_there() -> None:
    names = {found.kind for found in default_registry().kinds()}

    assert {"local", "memory"} <= names
    assert default_registry() is default_registry()


def test_every_built_in_kind_loads() -> None:
    registry = default_registry()

    for found in registry.kinds():
        assert all(field.name for field in registry.fields(found.kind))


def test_a_built_in_kind_opens(tmp_path: Path) -> None:
    registry = default_registry()

    settings = registry.parse_settings("local", {"root": str(tmp_path)})
    provider = registry.open("local", settings)

    assert LocalSettings(root=tmp_path) == settings
    assert isinstance(provider, LocalProvider)
    provider.close()


def test_kinds_are_sorted_by_name() -> None:
    registry = Registry(kind("b"), kind("a"), entry_points=False)

    registry.register(kind("ab"))

    assert ["a", "ab", "b"] == [found.kind for found in registry.kinds()]


def test_a_kind_is_registered_once() -> None:
    registry = Registry(kind("one"), entry_points=False)

    with pytest.raises(SettingsError, match="'one' is registered already"):
        registry.register(kind("one"))


@pytest.mark.parametrize("name", ["", "One", "1one", "one-two", "one two", "a" * 65, "é", "one\n"])
def test_a_kind_has_a_plain_name(name: str) -> None:
    with pytest.raises(SettingsError, match="is not a kind"):
        kind(name)


@pytest.mark.parametrize("dotted", ["", "package.module", "package/module:x", ":x", "module:", "module:x()"])
def test_a_dotted_name_names_a_module_and_what_is_in_it(dotted: str) -> None:
    with pytest.raises(SettingsError, match=r"write 'package\.module:name'"):
        kind(settings=dotted)
    with pytest.raises(SettingsError, match=r"write 'package\.module:name'"):
        kind(factory=dotted)


@pytest.mark.parametrize(("asked", "hint"), [("locl", "'local'"), ("LOCAL", "'local'"), ("memry", "'memory'")])
def test_an_unknown_kind_is_answered_with_what_there_is(asked: str, hint: str) -> None:
    with pytest.raises(UnknownProviderError, match=f"did you mean {hint}.*known are .*local, memory"):
        default_registry().get(asked)


def test_a_kind_like_no_other_gets_the_list_only() -> None:
    with pytest.raises(UnknownProviderError, match=r"no kind of provider 'zzz'; known are ") as caught:
        default_registry().get("zzz")

    assert "did you mean" not in str(caught.value)


def test_registering_imports_nothing() -> None:
    Registry(kind(settings="no_such_module:Model", factory="no_such_module:make"), entry_points=False).kinds()

    assert "no_such_module" not in sys.modules


def test_a_kind_that_does_not_load_says_what_to_install() -> None:
    lazy = ProviderKind(kind="lazy", title="", settings="no_such_module:M", factory="json:absent", extra="lazy")
    registry = Registry(lazy, entry_points=False)

    with pytest.raises(SettingsError, match=r"settings no_such_module:M does not load.*'kazinex-storage\[lazy\]'"):
        registry.parse_settings("lazy", {})
    with pytest.raises(SettingsError, match=r"factory json:absent does not load"):
        registry.open("lazy", LocalSettings(root=Path("/")))


@pytest.mark.parametrize("settings", ["json:loads", "acme_kind:Loose"], ids=["no model", "extra allowed"])
def test_settings_are_a_model_that_forbids_unknown_fields(install: Install, settings: str) -> None:
    install("acme", "acme = acme_kind:KIND")
    registry = Registry(kind("one", settings=settings), entry_points=False)

    with pytest.raises(SettingsError, match='are not a pydantic model with extra="forbid"'):
        registry.parse_settings("one", {})


def test_a_factory_has_to_be_callable(acme: Registry) -> None:
    acme.register(kind("one", settings="acme_kind:AcmeSettings", factory="acme_kind:NOT_CALLABLE"))

    with pytest.raises(SettingsError, match="its factory cannot be called"):
        acme.open("one", acme.parse_settings("acme", {"bucket": "b", "token": "t"}))


def test_fields_say_what_is_required_and_what_is_secret(acme: Registry) -> None:
    expected = (
        SettingsField(name="bucket", required=True, secret=False, summary="Where the objects are."),
        SettingsField(name="token", required=True, secret=True, summary=""),
        SettingsField(name="retries", required=False, secret=False, summary="", default=3),
        SettingsField(name="speed", required=False, secret=False, summary="", choices=("slow", "fast"), default="fast"),
        SettingsField(name="auth.tenant", required=False, secret=False, summary=""),
        SettingsField(name="auth.client_secret", required=False, secret=True, summary=""),
    )

    assert expected == acme.fields("acme")


def test_every_wrong_field_is_named_with_the_legal_ones(acme: Registry) -> None:
    wrong = {"tokn": "example", "retries": "many", "speed": "warp", "auth": {"tenant": "acme", "secret": "example"}}

    with pytest.raises(SettingsError) as caught:
        acme.parse_settings("acme", wrong)

    told = str(caught.value)
    for part in (
        "on acme",
        "'bucket' is missing",
        "'token' is missing",
        "'tokn' is not a field, did you mean 'token'?",
        "'retries': input should be a valid integer",
        "'speed': input should be 'slow' or 'fast'",
        "'auth.client_secret' is missing",
        "'auth.secret' is not a field",
        "legal fields are: bucket (required), token (required), retries, speed, auth.tenant, auth.client_secret",
    ):
        assert part in told


def test_what_a_validator_quotes_is_cut_out(acme: Registry) -> None:
    """Somebody may have pasted the secret into the wrong field."""
    secret = "-".join(("EXAMPLE", "SECRET"))  # so that the source line in the traceback does not hold it

    with pytest.raises(SettingsError, match=r"'bucket': bucket names are lower case, unlike \*\*\*") as caught:
        acme.parse_settings("acme", {"bucket": secret, "token": "t"})

    assert secret not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


words = st.text(alphabet=st.characters(min_codepoint=0x400, max_codepoint=0x4FF), min_size=8, max_size=12)
values = st.recursive(
    words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tenant", "x"]), inner, max_size=2),
    max_leaves=5,
)


def leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part)]
    return [str(value)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the registry is the same for every example
@given(
    given_settings=st.dictionaries(
        st.sampled_from(["bucket", "token", "retries", "speed", "auth", "unknown"]), values, min_size=1
    )
)
def test_no_value_is_ever_quoted(acme: Registry, given_settings: dict[str, object]) -> None:
    """The values are of an alphabet that no message uses, so that what is found was quoted."""
    try:
        acme.parse_settings("acme", given_settings)
    except SettingsError as error:
        told = "".join(traceback.format_exception(error))
        assert not [leaf for leaf in leaves(given_settings) if leaf in told]


def test_a_third_party_kind_is_found_and_opens(acme: Registry) -> None:
    settings_of_acme = acme.parse_settings("acme", {"bucket": "plans", "token": "example"})
    provider = acme.open("acme", settings_of_acme)

    assert "Acme" == acme.get("acme").title
    assert ["acme"] == [found.kind for found in acme.kinds() if found.kind == "acme"]
    assert settings_of_acme is getattr(provider, "settings", None)
    assert "memory" == provider.info.kind


def test_a_third_party_kind_is_imported_when_it_is_asked_for(install: Install) -> None:
    install("acme", "acme = acme_kind:KIND")
    registry = Registry(kind("one"))

    registry.get("one")
    before = "acme_kind" in sys.modules
    registry.get("acme")

    assert (False, True) == (before, "acme_kind" in sys.modules)


@pytest.mark.parametrize(
    ("entry_point", "told"),
    [
        (
            "broken = no_such_module:KIND",
            r"no_such_module:KIND of acme announces it but does not load \(ModuleNotFound",
        ),
        ("broken = acme_kind:ABSENT", r"does not load \(AttributeError"),
        ("broken = acme_kind:Acme", "is not a ProviderKind of that name"),
        ("broken = acme_kind:KIND", "is not a ProviderKind of that name"),
    ],
    ids=["module", "attribute", "type", "name"],
)
def test_a_broken_third_party_kind_fails_alone(install: Install, entry_point: str, told: str) -> None:
    install("acme", f"{entry_point}\nother = acme_kind:OTHER")
    registry = Registry(kind("one"))

    names = [found.kind for found in registry.kinds()]

    assert {"one", "other"} <= set(names)
    assert "broken" not in names
    assert {"broken"} == set(registry.broken())
    for _ in range(2):
        with pytest.raises(SettingsError, match=told):
            registry.get("broken")


def test_a_third_party_module_that_raises_is_reported_with_its_error(install: Install) -> None:
    install("acme", "acme = acme_kind:KIND", module="raise RuntimeError('no licence')")

    with pytest.raises(SettingsError, match=r"does not load \(RuntimeError: no licence\); repair or uninstall it"):
        Registry().get("acme")


def test_two_packages_with_one_kind_are_both_named(install: Install) -> None:
    install("acme", "acme = acme_kind:KIND")
    install("copy", "acme = acme_kind:OTHER")

    with pytest.raises(SettingsError, match=r"2 packages announce it: .* uninstall all but one"):
        Registry().get("acme")


def test_a_third_party_does_not_replace_a_built_in_kind(install: Install) -> None:
    install("acme", "local = acme_kind:LOCAL")
    registry = Registry(default_registry().get("local"))

    assert "Local disk" == registry.get("local").title
    assert "Local disk" == next(found.title for found in registry.kinds() if found.kind == "local")
