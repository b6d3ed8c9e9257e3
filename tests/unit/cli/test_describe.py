"""`swarmhub describe` on a real store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from textwrap import dedent

from swarmhub_crds.base import ConditionStatus
from swarmhub_crds.home import Place
from swarmhub_crds.image import SeenImage
from swarmhub_crds.notebook import Resources
from unit.cli.samples import Run, State, condition, dates_hidden


def test_a_notebook_is_told_in_full(state: State, run: Run, aged: datetime) -> None:
    """Metadata, spec, status, conditions, log lines and homes, word for word."""
    state.notebook(
        "bob",
        environment={"Z": "[b]last[/b]", "A": "two\nlines"},
        resources=Resources(
            cpu_limit=1.5, mem_limit=2 << 30, mem_guarantee=1000, generic={"GPU": 2}
        ),
        constraints=("node.role!=manager",),
    )
    state.observe(
        "bob",
        phase="BackOff",
        message="The server failed on n1 with exit code 3.",
        node="n1",
        restarts=1,
        failures=2,
        exit_code=3,
        next_restart_at=aged + timedelta(seconds=30.5),
        conditions=(condition("Ready", ConditionStatus.FALSE, "Exited", "Exit code 3."),),
        last_log=("Traceback:", "  \x1b[31m[red]ImportError"),
    )
    state.observe_home("home-bob", phase="Bound", node="n1")
    result = run("describe", "notebook", "bob")
    assert (result.exit_code, result.stderr) == (0, "")
    versions = state.store.revision() - 1
    assert dates_hidden(result.stdout) == dedent(f"""\
        Name:                 bob
        User:                 bob
        Server:               -
        Phase:                BackOff
        Message:              The server failed on n1 with exit code 3.
        Generation:           1
        Request:              UID.1
        UID:                  UID
        Resource version:     {versions}
        Created:              TIME UTC (3h ago)
        Updated:              TIME UTC (3h ago)
        Spec:
          Desired:            Running
          Image:              127.0.0.1:5000/swarmhub/singleuser:1
          Entrypoint:         the image's own
          Command:            jupyterhub-singleuser '--debug mode'
          Working folder:     the image's own
          Container user:     the image's own
          Port:               8888
          Probe path:         /
          CPUs:               guarantee none, limit 1.5
          Memory:             guarantee 1000 bytes, limit 2 GiB
          Generic resources:  GPU=2
          Constraints:        node.role!=manager
          Volumes:            home-bob at /home/jovyan (read-write, home, driver local)
          Networks:           swarmhub_notebooks
          Labels:             -
          Environment:        A=two\\nlines
                              Z=[b]last[/b]
          Secret values:      kept apart (SHA-256 DIGEST…)
        Status:
          Ready:              False
          Node:               n1
          Address:            -
          Image:              -
          Service:            -
          Task:               -
          Started:            -
          Answered:           -
          Restarts:           1
          Failures in a row:  2
          Exit code:          3
          Next restart:       in 30s
        Conditions:
          TYPE    STATUS   REASON   AGE   MESSAGE
          Ready   False    Exited   3h    Exit code 3.
        Last log lines:
          Traceback:
            \\u001b[31m[red]ImportError
        Homes:
          NAME       PHASE   DRIVER   NODE   RECLAIM   MESSAGE
          home-bob   Bound   local    n1     Retain    -
        Events:
          none
        """).replace("DIGEST", digest_of(state))


def digest_of(state: State) -> str:
    """Return what is shown of bob's secret digest."""
    bob = state.store.get_notebook("bob")
    assert bob is not None
    assert hasattr(bob, "spec")
    return str(bob.spec.secret_digest[:12])


def test_a_home_is_told_with_who_mounts_it(state: State, run: Run) -> None:
    """A home shows its node and the notebooks that use it."""
    state.notebook("alice", volume="shared")
    state.notebook("alice", "lab", volume="shared")
    state.observe_home("shared", phase="Bound", node="n1")
    lines = run("describe", "home", "shared").stdout.splitlines()
    assert "  Node:               n1" in lines
    assert lines[-6:-2] == [
        "Mounted by:",
        "  NAME         USER    SERVER   PHASE     NODE",
        "  alice        alice   -        Pending   -",
        "  alice--lab   alice   lab      Pending   -",
    ]


def test_what_cannot_be_read_says_why(state: State, run: Run) -> None:
    """A broken record is described with its reason and whatever of it can be read."""
    state.notebook("bob")
    state.observe("bob", phase="Running", node="n7")
    state.sql("UPDATE notebooks SET spec='{' WHERE name='bob'")
    result = run("describe", "nb", "bob")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1] == "Phase:                Invalid"
    assert lines[2].startswith("Message:              The stored spec of notebook 'bob' cannot be")
    assert "  Node:               n7" in lines


def test_what_is_done_with_a_home_is_told(state: State, run: Run) -> None:
    """What an administrator ordered, and what came of it."""
    state.notebook("ada")
    until = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    state.store.order_home(
        "home-ada", move_to="n2", forgotten=("n9",), held_for="restored", held_until=until
    )
    left = (Place(node_id="n3", node="host-n3"),)
    state.observe_home("home-ada", phase="Bound", size=3 * 2**20, adopted=True, leftovers=left)
    text = run("describe", "home", "home-ada").stdout
    for words in ("Move to", "n2", "being restored", "Held until", "2026-01-05", "Given up on"):
        assert words in text
    for words in ("n9", "3MiB", "it was there before its record", "Leftovers on", "host-n3"):
        assert words in text


def test_a_broken_home_is_told_too(state: State, run: Run) -> None:
    """The same for homes, and in the notebook that mounts it."""
    state.notebook("bob")
    state.sql("UPDATE homes SET spec='{'")
    assert "Phase:                Invalid\n" in run("describe", "home", "home-bob").stdout
    assert "  home-bob   Invalid   " in run("describe", "nb", "bob").stdout
    state.sql("DELETE FROM homes")
    assert "There is no record of this home." in run("describe", "nb", "bob").stdout


def test_a_name_is_needed(state: State, run: Run) -> None:
    """`describe notebook` alone is wrong usage, with the next step."""
    result = run("describe", "notebook")
    assert result.exit_code == 2
    assert "`swarmhub get notebooks` lists them" in result.stderr


def test_newer_content_of_a_notebooks_image_is_told(state: State, run: Run) -> None:
    """By digest, as the next start takes it; nothing is said while it is the same."""
    image = "127.0.0.1:5000/swarmhub/singleuser:1"
    state.notebook("bob")
    state.observe("bob", image=f"{image}@sha256:aa")
    state.store.put_images(
        [SeenImage(image=image, reference=f"{image}@sha256:aa")], fence=state.lease.token
    )
    assert "Next start takes" not in run("describe", "notebook", "bob").stdout
    state.store.put_images(
        [SeenImage(image=image, reference=f"{image}@sha256:bb")], fence=state.lease.token
    )
    told = run("describe", "notebook", "bob").stdout
    assert f"Next start takes:     {image}@sha256:bb\n" in told
