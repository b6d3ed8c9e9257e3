"""`swarmhub policy`."""

from __future__ import annotations

import json
from pathlib import Path

from swarmhub_crds.notebook import Desired, NotebookSpec
from swarmhub_operator.cli.app import app
from typer.testing import CliRunner
from unit.cli.samples import Run, State


def test_a_right_policy_is_said_to_be_right(run: Run, tmp_path: Path) -> None:
    """And printed whole if asked."""
    file = tmp_path / "policy.toml"
    file.write_text("allow_root = true")
    assert run("policy", "check", str(file)).exit_code == 0
    assert run("policy", "check", "/dev/null").exit_code == 0
    shown = run("policy", "check", str(file), "-o", "json")
    assert json.loads(shown.stdout)["allow_root"] is True
    assert json.loads(shown.stdout)["sweep"]["brake_floor"] == 3


def test_standard_input_is_a_file_too() -> None:
    """The command runs in a container, which does not see the file."""
    done = CliRunner().invoke(app, ["policy", "check", "-"], input="allow_rot = true")
    assert done.exit_code == 1
    assert "perhaps allow_root is meant" in done.stderr
    assert CliRunner().invoke(app, ["policy", "check", "-"], input="").exit_code == 0


def test_a_wrong_policy_ends_with_1_and_all_its_problems(run: Run, tmp_path: Path) -> None:
    """One line each."""
    file = tmp_path / "policy.toml"
    file.write_text("allow_rot = true\nhome_grace = -1")
    done = run("policy", "check", str(file))
    assert done.exit_code == 1
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == [
        "home_grace",
        "allow_rot",
    ]
    assert run("policy", "check", str(tmp_path / "nowhere")).exit_code == 1


def test_whom_it_would_refuse(run: Run, state: State, tmp_path: Path) -> None:
    """Each record, and why; exit code 1, so that a script notices."""
    for user, image in (("ada", "lab:1"), ("eve", "evil:1")):
        spec = NotebookSpec(
            user=user,
            image=image,
            command=("x",),
            networks=("swarmhub_notebooks",),
            desired=Desired.RUNNING,
        )
        state.store.apply_notebook(spec)
    file = tmp_path / "policy.toml"
    file.write_text("allowed_images = ['lab:*']")
    done = run("policy", "check", str(file), "--all")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0].startswith("eve: The image evil:1 is not allowed")
    assert len(done.stdout.splitlines()) == 1
    assert run("policy", "check", "/dev/null", "--all").exit_code == 0


def test_whom_a_quota_would_refuse(run: Run, state: State, tmp_path: Path) -> None:
    """Those that should run are counted; of the others, those that would fit never."""
    for user, desired in (
        ("ada", Desired.RUNNING),
        ("bob", Desired.STOPPED),
        ("cleo", Desired.RUNNING),
    ):
        spec = NotebookSpec(
            user=user,
            image="lab:1",
            command=("x",),
            networks=("swarmhub_notebooks",),
            desired=desired,
        )
        state.store.apply_notebook(spec)
    file = tmp_path / "policy.toml"
    file.write_text("[quotas.total]\nnotebooks = 1")
    done = run("policy", "check", str(file), "--all")
    assert done.exit_code == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith("cleo: All servers may be 1 at most")
    file.write_text("[quotas.total]\nnotebooks = 2")
    assert run("policy", "check", str(file), "--all").exit_code == 0
    file.write_text("[quotas.user]\nnotebooks = 0")
    lines = run("policy", "check", str(file), "--all").stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["ada", "bob (stopped)", "cleo"]


def test_what_the_operator_uses(run: Run, tmp_path: Path) -> None:
    """The file of its own settings, and the socket that nothing may mount."""
    file = tmp_path / "policy.toml"
    file.write_text("allow_root = true")
    shown = run("policy", "show", "-o", "json", SWARMHUB_POLICY_FILE=str(file))
    assert json.loads(shown.stdout)["allow_root"] is True
    assert "/var/run/docker.sock" in json.loads(shown.stdout)["never_bind"]
    assert run("policy", "show", SWARMHUB_POLICY_FILE="/nowhere").exit_code == 1
