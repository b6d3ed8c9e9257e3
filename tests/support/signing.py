"""Certificates as JupyterHub's own library makes them, for tests of TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from certipy import Certipy


class Authority:
    """One authority and what it signs, in a folder of its own."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._name = name
        self._made: Any = Certipy(store_dir=str(folder))
        self.certificate = Path(self._made.create_ca(name)["files"]["cert"])

    def sign(self, name: str, alt_name: str = "IP:127.0.0.1") -> Path:
        """Return the file of a key and its certificate, in one."""
        files = self._made.create_signed_pair(name, self._name, alt_names=[alt_name])["files"]
        both = Path(files["key"]).with_suffix(".pem")
        both.write_text(Path(files["key"]).read_text() + Path(files["cert"]).read_text())
        return both
