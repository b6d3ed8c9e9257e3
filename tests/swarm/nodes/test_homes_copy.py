"""Backups of homes on workers, and restores, through the command as people run it."""

import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterator

import pytest
from support import look, swarm_nodes
from support.hub import HubUser
from support.node import Node
from support.stack import BIN, HubStack
from support.three_nodes import ThreeNodes
from support.waiting import wait_for

HOME = "jupyterhub-user-{}"
WORK = "/home/jovyan/work"


def on_worker(nodes: ThreeNodes, name: str) -> HubUser:
    """Start a user's server on worker1, with a note and a picture in the home."""
    user = nodes.stack.login(name)
    with swarm_nodes.only(nodes.manager, "worker1"):
        user.start()
    user.put_file("note.txt", "kept")
    picture = f"head -c 5000000 /dev/urandom > {WORK}/picture; ln {WORK}/picture {WORK}/same"
    inside(nodes.worker1, name, picture)
    return user


def inside(node: Node, name: str, script: str) -> str:
    """Run a script in a user's server."""
    return node.docker("exec", look.notebook_container(node, name), "sh", "-c", script)


def left(nodes: ThreeNodes) -> list[str]:
    """Return what errands of the command are still there."""
    services = nodes.manager.docker(
        "service", "ls", "--filter", "label=swarmhub.errand.of=command", "--format", "{{.Name}}"
    )
    secrets = nodes.manager.docker(
        "secret", "ls", "--filter", "label=swarmhub.errand.of=command", "--format", "{{.Name}}"
    )
    return [*services.split(), *secrets.split()]


@pytest.fixture
def nothing_left(nodes: ThreeNodes) -> Iterator[None]:
    """See that a test's commands have cleared away what they sent."""
    yield
    assert left(nodes) == []


@pytest.mark.usefixtures("nothing_left")
def test_a_home_on_a_worker_is_brought_back(nodes: ThreeNodes) -> None:
    """Copied while the server runs, damaged, restored while it is stopped, and whole again."""
    bee, stack = on_worker(nodes, "bee"), nodes.stack
    sums = inside(nodes.worker1, "bee", f"cd {WORK} && sha256sum picture && stat -c %h same")
    made = stack.pipe("homes", "backup", "bee")
    said = made.stderr.decode()
    assert made.returncode == 0, said
    assert "bee may be changing the home meanwhile" in said
    assert f"{HOME.format('bee')} on worker1: " in said
    assert hashlib.sha256(made.stdout).hexdigest() in said
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        names = archive.getnames()
    assert any(name.endswith("note.txt") for name in names)
    bee.put_file("new.txt", "after the backup")
    inside(nodes.worker1, "bee", f"rm {WORK}/note.txt {WORK}/same; echo > {WORK}/picture")
    refused = stack.pipe("homes", "restore", "bee", "--yes", given=made.stdout)
    assert refused.returncode == 1
    assert "is in use by bee" in refused.stderr.decode()
    bee.stop()
    cut = stack.pipe("homes", "restore", "bee", "--yes", given=made.stdout[:-2_000_000])
    assert cut.returncode == 1, cut.stderr
    assert "refused" in cut.stderr.decode()
    done = stack.pipe("homes", "restore", "bee", "--yes", given=made.stdout)
    assert done.returncode == 0, done.stderr.decode()
    assert "restored; what was there before is in .swarmhub-before-restore-" in (
        done.stderr.decode()
    )
    bee.start()
    assert swarm_nodes.node_of(nodes.manager, "bee") == "worker1"
    assert bee.get_file("note.txt") == "kept"
    again = inside(nodes.worker1, "bee", f"cd {WORK} && sha256sum picture && stat -c %h same")
    assert again == sums
    kept = inside(nodes.worker1, "bee", f"cat {WORK}/.swarmhub-before-restore-*/new.txt")
    assert kept == "after the backup"
    bee.put_file("note.txt", "and still the user's own")
    bee.stop()


@pytest.mark.usefixtures("nothing_left")
def test_a_server_does_not_start_during_a_restore(nodes: ThreeNodes) -> None:
    """It waits, says why, and starts with what was restored."""
    bix, stack = on_worker(nodes, "bix"), nodes.stack
    archive = stack.pipe("homes", "backup", "bix").stdout
    inside(nodes.worker1, "bix", f"rm {WORK}/note.txt")
    bix.stop()
    with _started(stack, "restore", "bix", "--yes") as restoring:
        assert restoring.stdin is not None
        restoring.stdin.write(archive[:1_000_000])
        restoring.stdin.flush()
        wait_for("the errand", lambda: look.services(nodes.manager, "swarmhub.errand=receive"))
        bix.request_start()
        wait_for("the reason", lambda: "is being restored" in _message(stack, "bix"))
        assert look.services(nodes.manager, "swarmhub.notebook=bix") == []
        _, said = restoring.communicate(archive[1_000_000:], timeout=120)
    assert restoring.returncode == 0, said.decode()
    bix.wait_ready()
    assert bix.get_file("note.txt") == "kept"
    bix.stop()


def _message(stack: HubStack, name: str) -> str:
    return stack.swarmhub("describe", "notebook", name)


def _started(stack: HubStack, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(BIN / "swarmhub"), "homes", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **stack.engine.environment},
    )


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_a_command_that_is_killed_leaves_nothing_behind(nodes: ThreeNodes, verb: str) -> None:
    """Its end outside of the container is noticed in it; the home is as it was."""
    name = f"sven-{verb}"
    sven, stack = on_worker(nodes, name), nodes.stack
    inside(nodes.worker1, name, f"head -c 60000000 /dev/urandom > {WORK}/large")
    listing = inside(nodes.worker1, name, f"ls -a {WORK}")
    sven.stop()
    given = ("--yes",) if verb == "restore" else ()
    with _started(stack, verb, name, *given) as command:
        wait_for("the errand", lambda: left(nodes))
        if verb == "backup":
            assert command.stdout is not None
            assert command.stdout.read(100_000)
        command.kill()
    wait_for("its errand to be cleared away", lambda: not left(nodes), 60)
    sven.start()
    assert inside(nodes.worker1, name, f"ls -a {WORK}") == listing
    sven.stop()


@pytest.mark.usefixtures("nothing_left")
def test_a_home_on_a_node_that_is_down_is_explained(nodes: ThreeNodes) -> None:
    """At once, in one sentence."""
    bay, stack = on_worker(nodes, "bay"), nodes.stack
    bay.stop()
    nodes.worker1.kill()
    swarm_nodes.wait_down(nodes.manager, "worker1")
    made = stack.pipe("homes", "backup", "bay")
    assert (made.returncode, made.stdout) == (1, b"")
    assert b"lies on the node worker1, which is down" in made.stderr
