"""Who may import whom (DESIGN.md section 4), read from the syntax trees: imports inside functions count as well."""

from __future__ import annotations

import ast
import graphlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Module

PACKAGE = "kazinex_storage"
KIT = 9

LEVELS = {
    # 0: values and errors
    "errors": 0,
    "types": 0,
    "capabilities": 0,
    "retention": 0,
    "versions": 0,
    "lazy": 0,
    "values": 0,
    "version": 0,
    "json_text": 0,
    "secrecy": 0,
    "threads": 0,
    "system": 0,
    # 1: rules without I/O
    "keys": 1,
    "caseless": 1,
    "content_types": 1,
    "file_rules": 1,
    "filenames": 1,
    "policy": 1,
    # 2: what a provider is written with
    "bodies": 2,
    "transport": 2,
    "encryption": 2,
    # 3: the contract
    "contract": 3,
    "contract_retention": 3,
    "contract_writing": 3,
    "contract_reading": 3,
    "contract_versions": 3,
    "lifting": 3,
    "verbs": 3,
    "public_access": 3,
    "unkeyed": 3,
    # 4: what providers share
    "providers.objectstore": 4,
    "providers.settings": 4,
    # 5: the providers, each a module or a folder of its own
    "providers": 5,
    "provider_kinds": 5,
    "registry": 5,
    # 6: the portable type
    "storage": 6,
    # 7: what is built on storages
    "documents": 7,
    "verification": 7,
    "named": 7,
    "organisations": 7,
    "monitoring": 7,
    "migration": 7,
    "serving": 7,
    "syncing": 7,
    # 8: the faces
    "fs": 8,
    "integrations": 8,
    "web": 8,
    "cli": 8,
    # T: the kit; nothing imports it
    "testing": KIT,
}
"""The level of each module. A package stands for all that is in it, except what has a line of its own."""

HOMES = {
    "pycurl": ("transport",),
    "certifi": ("transport",),
    "_sha2": ("transport.sigv4",),  # of Python itself, by its name since 3.12
    "dask": ("migration.dask",),
    "distributed": ("migration.dask",),
    "ray": ("migration.ray",),
    "sqlalchemy": ("organisations",),
    "cryptography": ("organisations", "encryption", "testing"),  # the certificates of emulators
    "rfc3161_client": ("organisations.evidence",),
    "mlflow": ("integrations.mlflow_artifacts",),
    "fsspec": ("fs", "integrations.mlflow_artifacts"),
    "upath": ("fs.paths",),  # which only universal_pathlib loads
    "fastapi": ("web",),
    "starlette": ("web", "integrations"),
    "uvicorn": ("web", "cli.serve"),
    "typer": ("cli",),
    "click": ("cli",),
    "rich": ("cli",),
    "django": ("integrations.django", "integrations.django_documents", "integrations.django_responses"),
    "smart_open": ("integrations.smart_open",),
    "pyarrow": ("integrations.pyarrow",),
    "pytest": ("testing",),
    "hypothesis": ("testing",),
    "psycopg": ("testing",),  # SQLAlchemy loads it by name; the servers for tests make their databases with it
    "opentelemetry": ("transport.observe", "monitoring.otel"),
    "asyncio": (
        "transport.loop",
        "transport.sockets",
        "storage.aio",
        "monitoring.monitor",
        "fs",
        "integrations",
        "web",
        "testing",
    ),
    # Errors without their input are made of its parts; what adds to a JSON schema names the type of a core schema.
    "pydantic_core": ("providers.settings.settings_text", "providers.settings.fields"),
    "boto3": ("providers.s3", "organisations.key_sources.aws_kms", "testing"),  # the witness of the servers for tests
    "botocore": ("providers.s3", "organisations.key_sources.aws_kms", "testing"),
    "mypy_boto3_s3": ("testing",),  # types alone
    "azure": (
        "providers.azure_blob",
        "organisations.key_sources.azure_key_vault",
        "testing",
    ),  # the witness of the servers for tests
    "awscrt": ("providers.azure_blob", "bodies.checksums"),
    "isal": ("bodies.part_plan",),
    "msal": ("providers.settings.entra", "providers.sharepoint"),
    "requests": ("providers.settings.entra", "providers.sharepoint"),  # what msal speaks HTTP with
}
"""Where a library may be imported. What stands neither here, nor below, nor in the standard library is refused."""

SHARED_BY_PROVIDERS = ("objectstore", "settings")
"""What every provider may import beside its own folder."""

PYDANTIC_LEVEL = 4
"""Settings models begin here; everything below is free of pydantic."""

TYPE_CHECKER_ONLY = {"_typeshed", "typing_extensions"}

ENVIRONMENT_READERS = (
    "providers.settings.environment",
    "transport.trust",  # SSL_CERT_FILE and the like, which mean the same in every program
)
SLEEPERS = (
    "transport.polling",  # Windows waits for sockets, and not for nothing
    "system",  # Windows says only that a file is in use, and gives nothing to wait on
    "transport.one",  # the synchronous driver
    "transport.line",  # what it waits with
    "providers.local.locks",  # locks of a disk have no way to wait for a limited time
    "bodies.special_files",  # there is nothing to wait on before the reader of a pipe has come
)

DYNAMIC_IMPORTERS = {
    PACKAGE: "public names are resolved when they are first used",
    "lazy": "what stands for a module imports it when it is first used; the same import is there for the type checker",
    "registry": "providers are named by dotted strings",
    "organisations": "public names are resolved when they are first used",
    "organisations.key_sources": "public names are resolved when they are first used",
    "monitoring": "public names are resolved when they are first used",
    "migration": "public names are resolved when they are first used",
    "migration.tasks": "the host names what opens its catalogue on a worker",
    "testing": "pytest is imported when the contract is used",
    "fs": "public names are resolved when they are first used",
    "cli": "the commands are imported when they are run",
    "cli.emulate": "nothing but tests depends on the kit, and it on them",
}
"""Who may import by a computed name, which no test can follow."""


def level_of(name: str) -> int | None:
    """Return the level of a module: its own line, else that of the package that it is in."""
    while name and name not in LEVELS:
        name = name.rpartition(".")[0]
    return LEVELS.get(name)


def within(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def own_imports(module: Module, modules: dict[str, Module]) -> list[tuple[str, int, bool]]:
    return [(found.target, found.line, found.typing_only) for found in module.imports if found.target in modules]


def used_attributes(tree: ast.Module, owner: str, names: set[str]) -> list[int]:
    """Return the lines that use ``owner.name`` or import a name from *owner*."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == owner and node.attr in names:
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == owner:
            lines += [node.lineno for alias in node.names if alias.name in names]
    return lines


def test_every_module_has_a_level(modules: dict[str, Module]) -> None:
    homeless = [name for name in modules if name not in (PACKAGE,) and level_of(name) is None]

    assert [] == homeless, "give each a line in LEVELS"


def test_no_level_is_kept_for_a_module_that_is_gone(modules: dict[str, Module]) -> None:
    assert set() == set(LEVELS) - set(modules)


def test_modules_import_only_from_their_own_level_and_below(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        own = level_of(name)
        for target, line, _ in own_imports(module, modules) if name != PACKAGE and own is not None else ():
            other = KIT if target == PACKAGE else level_of(target)
            if own is not None and other is not None and other > own:
                wrong.append(f"{module.at(line)}: {name} (level {own}) imports {target} (level {other})")

    assert [] == wrong, "\n".join(wrong)


def test_no_module_imports_the_package_itself(modules: dict[str, Module]) -> None:
    """Its names are lazy: whoever took them from there would hide an arrow that points up."""
    wrong = [
        module.at(line)
        for name, module in modules.items()
        for target, line, _ in own_imports(module, modules)
        if target == PACKAGE and name != PACKAGE and not within(name, ("testing",))
    ]

    assert [] == wrong, "\n".join(wrong)


def test_nothing_imports_the_kit(modules: dict[str, Module]) -> None:
    wrong = [
        module.at(line)
        for name, module in modules.items()
        for target, line, _ in own_imports(module, modules)
        if within(target, ("testing",)) and not within(name, ("testing",))
    ]

    assert [] == wrong, "\n".join(wrong)


def circle_of(modules: dict[str, Module]) -> list[str]:
    """Return the modules of one circle of imports, none if there is none.

    An import counts wherever it is written: in a function, and for the type checker alone.
    """
    graph = {name: {target for target, _, _ in own_imports(module, modules)} for name, module in modules.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_modules_do_not_import_each_other_in_a_circle(modules: dict[str, Module]) -> None:
    assert [] == circle_of(modules)


def test_benchmarks_do_not_import_each_other_in_a_circle(benchmarks: dict[str, Module]) -> None:
    assert [] == circle_of(benchmarks)


def test_providers_do_not_know_each_other(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        if not name.startswith("providers."):
            continue
        own = name.split(".")[1]
        for target, line, _ in own_imports(module, modules):
            if target.startswith("providers.") and target.split(".")[1] not in (own, *SHARED_BY_PROVIDERS):
                wrong.append(module.at(line))

    assert [] == wrong, "\n".join(wrong)


def test_each_library_is_imported_in_its_home_only(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        for found in module.imports:
            if found.target in modules:
                continue
            library = found.target.partition(".")[0]
            if library in HOMES:
                if not within(name, HOMES[library]):
                    wrong.append(f"{module.at(found.line)}: {library} belongs in {', '.join(HOMES[library])}")
            elif library == "pydantic":
                level = level_of(name)
                if level is not None and level < PYDANTIC_LEVEL:
                    wrong.append(f"{module.at(found.line)}: pydantic below level {PYDANTIC_LEVEL}")
            elif library in TYPE_CHECKER_ONLY:
                if not found.typing_only:
                    wrong.append(f"{module.at(found.line)}: {library} exists for the type checker only")
            elif library not in sys.stdlib_module_names:
                wrong.append(f"{module.at(found.line)}: {library} is not a dependency; name its home in HOMES")

    assert [] == wrong, "\n".join(wrong)


def test_the_environment_is_read_in_one_place(modules: dict[str, Module]) -> None:
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    wrong = [
        module.at(line)
        for name, module in modules.items()
        for line in used_attributes(module.tree, "os", names)
        if name not in ENVIRONMENT_READERS
    ]

    assert [] == wrong, "\n".join(wrong)


def test_only_the_synchronous_driver_sleeps(modules: dict[str, Module]) -> None:
    wrong = [
        module.at(line)
        for name, module in modules.items()
        for line in used_attributes(module.tree, "time", {"sleep"})
        if name not in SLEEPERS
    ]

    assert [] == wrong, "\n".join(wrong)


def test_computed_imports_stand_where_they_are_expected(modules: dict[str, Module]) -> None:
    wrong = [
        module.at(node.lineno)
        for name, module in modules.items()
        for node in ast.walk(module.tree)
        if name not in DYNAMIC_IMPORTERS
        and isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__")
    ]

    assert [] == wrong, "\n".join(wrong)


def test_what_is_imported_later_is_imported_for_the_type_checker(modules: dict[str, Module]) -> None:
    """So the other tests see it: ``x = module(__name__, "a.x")`` stands beneath ``from a import x``."""
    wrong = []
    for found in modules.values():
        for node in ast.walk(found.tree):
            if not isinstance(node, ast.If) or ast.unparse(node.test) != "TYPE_CHECKING":
                continue
            imported = {
                alias.name
                if isinstance(each, ast.Import)
                else f"{'.' * each.level}{f'{each.module}.' if each.module else ''}{alias.name}"
                for each in node.body
                if isinstance(each, ast.Import | ast.ImportFrom)
                for alias in each.names
            }
            wrong += [
                found.at(each.lineno)
                for each in node.orelse
                if isinstance(each, ast.Assign)
                and isinstance(each.value, ast.Call)
                and ast.literal_eval(each.value.args[1]) not in imported
            ]

    assert [] == wrong, "\n".join(wrong)


def test_no_module_imports_everything_of_another(modules: dict[str, Module]) -> None:
    wrong = [
        module.at(node.lineno)
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]

    assert [] == wrong, "\n".join(wrong)
