"""What `make up` makes of a settings file, of what it is given and of what it remembers."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

LIB = Path(__file__).parents[2] / "images" / "lib"
DOCKER = """#!/bin/sh
case "$*" in
  "config ls"*) [ -s "$REMEMBERED" ] && echo c0ffee ;;
  "config inspect"*CreatedAt*) echo 1 swarmhub-hub-settings-0 ;;
  "config inspect"*) printf '"%s"\\n' "$(cat "$REMEMBERED")" ;;
esac
exit 0
"""
SCRIPT = """
set -euo pipefail
ROOT=$0
for part in say settings secrets configs site; do . "$ROOT/images/lib/$part.sh"; done
HUB_CONFIG=
collect_settings
stage_site
cat "$SITE/settings.env"
echo "port $SWARMHUB_PORT"
"""


class Run:
    """One run of the part of `make up` that collects settings."""

    def __init__(self, folder: Path, remembered: str = "") -> None:
        docker = folder / "docker"
        docker.write_text(DOCKER)
        docker.chmod(0o755)
        self._folder = folder
        self._remembered = folder / "remembered"
        self._remembered.write_bytes(b64encode(remembered.encode()))

    def __call__(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run with these variables in the environment."""
        return subprocess.run(
            ["bash", "-c", SCRIPT, str(LIB.parents[1])],
            capture_output=True,
            text=True,
            cwd=self._folder,
            env={
                "PATH": f"{self._folder}:{os.environ['PATH']}",
                "REMEMBERED": str(self._remembered),
                **given,
            },
            timeout=30,
            check=False,
        )

    def settings(self, **given: str) -> list[str]:
        """Return the lines that hold in the end, and the port that make uses."""
        done = self(**given)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


def test_a_file_and_what_is_given_besides(tmp_path: Path) -> None:
    """What is given wins; remarks are left out; what is make's own or a test's is no setting."""
    file = tmp_path / "swarmhub.env"
    file.write_text("# remark\n\nSWARMHUB_PORT=8443\nSWARMHUB_AUTH=oauth\nSWARMHUB_CPU_LIMIT=1\n")
    given = {"SWARMHUB_AUTH": "ldap", "SWARMHUB_SUBNET": "10.0.0.0/20", "SWARMHUB_TEST_CACHE": "x"}
    assert Run(tmp_path).settings(HUB_SETTINGS=str(file), **given) == [
        "SWARMHUB_AUTH=ldap",
        "SWARMHUB_CPU_LIMIT=1",
        "SWARMHUB_PORT=8443",
        "port 8443",
    ]


def test_what_is_remembered(tmp_path: Path) -> None:
    """It holds until it is taken back, one by one or all at once."""
    run = Run(tmp_path, "SWARMHUB_ADMIN_USERS=ada=x, bob\nSWARMHUB_PORT=8080\n")
    assert run.settings() == ["SWARMHUB_ADMIN_USERS=ada=x, bob", "SWARMHUB_PORT=8080", "port 8080"]
    assert run.settings(SWARMHUB_ADMIN_USERS="") == ["SWARMHUB_PORT=8080", "port 8080"]
    assert run.settings(HUB_SETTINGS="default") == ["port 8000"]
    assert run.settings(HUB_SETTINGS="default", SWARMHUB_CULL_TIMEOUT="60") == [
        "SWARMHUB_CULL_TIMEOUT=60",
        "port 8000",
    ]


def test_the_path_of_a_secret_holds_from_anywhere(tmp_path: Path) -> None:
    """A relative one is made absolute, as the next run may start elsewhere."""
    (tmp_path / "url").write_text("sqlite://\n")
    lines = Run(tmp_path).settings(SWARMHUB_DB_URL_FILE="url")
    assert lines[0] == f"SWARMHUB_DB_URL_FILE={tmp_path}/url"


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("SWARMHUB_AUTH = ldap\n", {}, "Line 1 of swarmhub.env is not NAME=value"),
        ("", {"SWARMHUB_DB_URL_FILE": "/no/file"}, "SWARMHUB_DB_URL_FILE=/no/file cannot be read"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, text: str, given: dict[str, str], said: str) -> None:
    """One sentence names it."""
    (tmp_path / "swarmhub.env").write_text(text)
    done = Run(tmp_path)(HUB_SETTINGS="swarmhub.env", **given)
    assert done.returncode == 1
    assert done.stderr.startswith(f"swarmhub: {said}")
