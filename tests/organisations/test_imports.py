"""What is loaded when, and what is said when an extra is missing. Each in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert "" == done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["kazinex_storage.organisations", "kazinex_storage.registry"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    heavy = "{'sqlalchemy', 'cryptography', 'pydantic', 'importlib.metadata', 'fsspec'}"

    assert "set()" == run(f"import {module}, sys; print({heavy} & set(sys.modules))")


def test_administering_in_memory_loads_no_sql() -> None:
    code = (
        "from kazinex_storage.organisations import MemoryCatalogue, Organisations, Resolver; import sys; "
        "print({'sqlalchemy', 'cryptography'} & set(sys.modules))"
    )

    assert "set()" == run(code)


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [
        ("sqlalchemy", "SqlCatalogue"),
        ("sqlalchemy", "open_organisations"),
        ("cryptography", "Sealer"),
        ("cryptography", "KeyFile"),
        ("cryptography", "SqlCatalogue"),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(missing: str, wanted: str) -> None:
    code = f"""{BLOCK.format(name=missing)}
from kazinex_storage.errors import SettingsError
try:
    from kazinex_storage.organisations import {wanted}
except SettingsError as error:
    print(error)
"""

    assert "pip install 'kazinex-storage[sql]'" in run(code)


def test_a_missing_driver_is_named_with_the_command_that_installs_it() -> None:
    code = f"""{BLOCK.format(name="psycopg")}
from kazinex_storage.errors import SettingsError
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue
try:
    SqlCatalogue("postgresql://ada:hunter2@db/kazinex", Sealer(KeyRing.generate()))
except SettingsError as error:
    print(error)
"""

    assert "the driver 'psycopg' is not installed; pip install 'kazinex-storage[postgres]'" == run(code)


def test_every_public_name_is_there() -> None:
    import kazinex_storage.organisations as package

    assert package.__all__ == [name for name in package.__all__ if getattr(package, name) is not None]
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'Organization'"):
        getattr(package, "Organization")  # noqa: B009  # a wrong name is the point
