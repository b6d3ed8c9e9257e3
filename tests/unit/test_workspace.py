"""Guards of the repository's own traps, most of which would show only far from their cause."""

import ast
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "crds/swarmhub_crds",
    "spawner/swarmhub_spawner",
    "operator/swarmhub_operator",
    "images/hub/swarmhub_hub",
)


@pytest.mark.parametrize("folder", ["operator", "spawner", "crds", "images", "tests/operator"])
def test_folders_of_distributions_are_no_packages(folder: str) -> None:
    """With an __init__.py, `operator` would take the place of the standard library's module."""
    assert not (ROOT / folder / "__init__.py").exists()


def test_operator_is_the_one_of_the_standard_library() -> None:
    """Python started in the root of the repository still finds its own operator module."""
    where = subprocess.run(
        [sys.executable, "-S", "-c", "import operator; print(operator.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    assert Path(where.strip()).parent == Path(sysconfig.get_path("stdlib"))


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_re_export_nothing(package: str) -> None:
    """A name has one place to be imported from; an __init__ with imports would add a second."""
    imports = [
        f"{init.relative_to(ROOT)}:{node.lineno}"
        for init in (ROOT / package).rglob("__init__.py")
        for node in ast.walk(ast.parse(init.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imports == []
