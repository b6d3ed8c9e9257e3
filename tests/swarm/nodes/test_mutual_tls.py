"""internal_ssl behind a certificate of the site's own, with a server on another node."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import look, running, swarm_nodes
from support.authority import Authority, write
from support.hub import HubUser
from support.knock import KNOCK
from support.three_nodes import ThreeNodes


@pytest.fixture
def xena(nodes: ThreeNodes, tmp_path: Path) -> Iterator[HubUser]:
    """Yield a user of the product with both kinds of TLS on; afterwards both are off again."""
    stack, authority = nodes.stack, Authority()
    address = str(stack.engine.address)
    done = stack.up(INTERNAL_SSL="on", **write(authority.issue(address), tmp_path))
    try:
        assert done.returncode == 0, done.stdout
        trusted = authority.context()
        user = HubUser.login(f"https://{address}:8000", "xena", stack.user_password, trusted)
        yield user
        user.stop()
        user.close()
    finally:
        done = stack.up(INTERNAL_SSL="off", HUB_SETTINGS="default")
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(600)
def test_a_server_on_a_worker(nodes: ThreeNodes, xena: HubUser) -> None:
    """Its certificate has come with it; people work, and strangers are sent away."""
    with swarm_nodes.only(nodes.manager, nodes.worker1.name):
        xena.start()
    assert running.places(nodes.all, "xena") == [nodes.worker1.name]
    xena.put_file("note.txt", "kept")
    assert xena.get_file("note.txt") == "kept"
    assert xena.run_code("print(6 * 7)").strip() == "42"
    record = json.loads(nodes.stack.swarmhub("get", "notebook", "xena", "-o", "json"))
    at = re.fullmatch(r"https://(\S+):(\d+)", record["status"]["address"])
    assert at is not None
    hub = look.stack_container(nodes.manager, "hub")
    strangers = f"{KNOCK}\nprint(*(knock({at[1]!r}, {at[2]}, how) for how in ('plain', 'no')))"
    said = nodes.manager.docker("exec", hub, "python3", "-c", strangers)
    assert said.split() == ["refused", "refused"]
