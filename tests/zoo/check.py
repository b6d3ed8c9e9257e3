"""Does the suite still catch every bug that was ever found? Each is kept as a patch.

    cd tests && uv run python -m zoo.check [NAME…]

A patch brings one bug back. Its head says what the bug is, how it was found, and the command that
catches it, which runs in the folder `tests` of a copy of the tree: it must pass without the patch
and fail with it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ZOO = Path(__file__).parent
ROOT = ZOO.parent.parent
PARTS = ("crds", "operator", "spawner", "tests")
LONGEST = 1200  # seconds that one command may take
_FIELD = re.compile(r"^(What|Found|Caught by): (.+(?:\n .+)*)", re.MULTILINE)


class ZooError(Exception):
    """A patch that cannot be used; says what to do about it."""


@dataclass(frozen=True)
class Bug:
    """One bug.

    Attributes:
        file: the patch.
        what: what is wrong with it in place.
        found: how it was found.
        catch: what must fail then, as words of a command line after `python -m`.
    """

    file: Path
    what: str
    found: str
    catch: tuple[str, ...]

    @property
    def name(self) -> str:
        """The patch's name."""
        return self.file.stem


def read(file: Path) -> Bug:
    """Read the head of a patch.

    Raises:
        ZooError: it is not as it should be.
    """
    head, marker, _ = file.read_text().partition("\n--- ")
    fields = {name: " ".join(text.split()) for name, text in _FIELD.findall(head)}
    if not marker or set(fields) != {"What", "Found", "Caught by"}:
        raise ZooError(f"{file.name} has no head of What, Found and Caught by; write one.")
    return Bug(file, fields["What"], fields["Found"], tuple(fields["Caught by"].split()))


def bugs() -> list[Bug]:
    """Read all patches, in the order of their names."""
    return [read(file) for file in sorted(ZOO.glob("*.patch"))]


def copy(where: Path) -> None:
    """Copy what the patches are about."""
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__", "output", ".*")
        shutil.copytree(ROOT / part, where / part, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", where)


def bring_back(bug: Bug, where: Path) -> None:
    """Apply a patch to a copy.

    Raises:
        ZooError: it does not fit any more.
    """
    command = ["git", "apply", "--whitespace=nowarn", str(bug.file)]
    # In a folder of a repository it would leave out, without a word, what lies elsewhere.
    alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(where.parent)}
    done = subprocess.run(
        command, cwd=where, env=alone, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ZooError(
            f"{bug.file.name} does not fit the code any more ({done.stderr.strip()}); write it "
            "anew, or remove it if the bug has become impossible."
        )


def passes(command: tuple[str, ...], where: Path) -> bool:
    """Run a command in a copy; a command that does not end has failed."""
    paths = os.pathsep.join(str(where / part) for part in PARTS)
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=where / "tests",
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@cache
def passes_as_it_is(command: tuple[str, ...]) -> bool:
    """Run a command without any patch."""
    with tempfile.TemporaryDirectory(prefix="swarmhub-zoo-") as folder:
        copy(Path(folder))
        return passes(command, Path(folder))


def problem(bug: Bug) -> str | None:
    """Return why a bug would not be noticed, or None if it is caught."""
    with tempfile.TemporaryDirectory(prefix="swarmhub-zoo-") as folder:
        copy(Path(folder))
        try:
            bring_back(bug, Path(folder))
        except ZooError as error:
            return str(error)
        if passes(bug.catch, Path(folder)):
            return f"{bug.name} is not caught by {' '.join(bug.catch)}; strengthen that."
    if not passes_as_it_is(bug.catch):
        return f"{' '.join(bug.catch)} fails without {bug.name} as well; mend that first."
    return None


def main(names: Iterable[str]) -> int:
    """Check the named bugs, or all; 1 if one would not be noticed."""
    wanted = set(names)
    escaped = 0
    for bug in bugs():
        if not wanted or bug.name in wanted:
            found = problem(bug)
            escaped += found is not None
            sys.stdout.write(f"{bug.name}: {found or 'caught'}\n")
            sys.stdout.flush()
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
