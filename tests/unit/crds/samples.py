"""Specs to store, and processes beside the test's own that use a store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook, NotebookSpec


def notebook_spec(user: str = "ada", **changes: Any) -> NotebookSpec:
    """Return a small valid spec."""
    fields: dict[str, Any] = {
        "user": user,
        "image": "notebook:1",
        "command": ("jupyterhub-singleuser",),
        "networks": ("notebooks",),
    }
    return NotebookSpec(**fields | changes)


def url_of(path: Path) -> str:
    """Return the state URL of the file `path`."""
    return f"sqlite:///{path}"


def is_notebook(record: object) -> Notebook:
    """Return `record` after making sure that it is a readable notebook."""
    assert isinstance(record, Notebook), record
    return record


def is_home(record: object) -> Home:
    """Return `record` after making sure that it is a readable home."""
    assert isinstance(record, Home), record
    return record


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python process that runs `code`; it talks over its pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def run_with_own_mounts(code: str, *arguments: str) -> str:
    """Run Python code in a mount namespace of its own and return what it printed.

    Its mounts vanish with it. Without root it is root in a user namespace.
    """
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
