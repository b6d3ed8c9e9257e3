"""DockerSpawner and SwarmSpawner as PyPI has them, in an environment of their own."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from support.node import Node
from support.shell import run

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_INSTALLED_WITHIN = 240.0  # seconds
_DONE_WITHIN = 120.0  # seconds


class OldSpawners:
    """The packages, installed by their locked hashes."""

    def __init__(self, folder: Path) -> None:
        """Install them into a folder.

        Raises:
            CommandError: they cannot be had.
        """
        uv = shutil.which("uv") or str(_ROOT / ".uv" / "bin" / "uv")
        self._python = folder / "bin" / "python"
        run(uv, "venv", "--quiet", "--python", sys.executable, str(folder), timeout=60)
        wanted = ("--require-hashes", "--requirement", str(_HERE / "dockerspawner.txt"))
        install = (uv, "pip", "install", "--quiet", "--python", str(self._python))
        run(*install, *wanted, timeout=_INSTALLED_WITHIN)

    def start(self, engine: Node, kind: str, user: str, options: dict[str, Any]) -> dict[str, Any]:
        """Start a user's server by a class of theirs, and return the spawner's state."""
        state: dict[str, Any] = json.loads(self._run(engine, "start", kind, user, options))
        return state

    def stop(
        self, engine: Node, kind: str, user: str, options: dict[str, Any], state: dict[str, Any]
    ) -> None:
        """Stop it."""
        self._run(engine, "stop", kind, user, {**options, "state": state})

    def _run(self, engine: Node, action: str, kind: str, user: str, options: dict[str, Any]) -> str:
        script = str(_HERE / "dockerspawner_run.py")
        return run(
            str(self._python),
            script,
            action,
            f"dockerspawner.{kind}",
            user,
            input=json.dumps(options),
            timeout=_DONE_WITHIN,
            env=engine.environment,
        )
