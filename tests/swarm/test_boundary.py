"""What each container holds and may do, and what is nowhere to be found."""

import json
from collections.abc import Iterator

import httpx
import pytest
from support import look
from support.stack import HubStack


def _run(stack: HubStack, service: str, *command: str) -> str:
    container = look.stack_container(stack.engine, service)
    return stack.engine.docker("exec", container, *command)


def test_hub_holds_nothing_of_docker(hub_stack: HubStack) -> None:
    """No SDK, no command line, no socket in the hub's container."""
    said = _run(
        hub_stack,
        "hub",
        "python3",
        "-c",
        "import importlib.util as u, os, shutil; print(u.find_spec('docker'),"
        " shutil.which('docker'), os.path.exists('/var/run/docker.sock'),"
        " u.find_spec('swarmhub_operator'))",
    )
    assert said.split() == ["None", "None", "False", "None"]
    hub = look.stack_container(hub_stack.engine, "hub")
    mounts = json.loads(hub_stack.engine.docker("inspect", "--format", "{{json .Mounts}}", hub))
    assert all("docker.sock" not in str(m) for m in mounts)


def test_operator_holds_no_jupyterhub(hub_stack: HubStack) -> None:
    """Neither jupyterhub nor the spawner is in the operator's image."""
    find = "import importlib.util as u; print(*map(u.find_spec, {}))"
    code = find.format(["jupyterhub", "swarmhub_spawner"])
    assert _run(hub_stack, "operator", "python3", "-c", code).split() == ["None", "None"]


@pytest.fixture
def trap(hub_stack: HubStack) -> Iterator[str]:
    """Have the hub leave Python code where it and the operator can write; yield what it makes."""
    folder = "/srv/swarmhub/state"
    sprung = f"{folder}/sprung"
    set_up = f'mkdir {folder}/urllib && echo \'open("{sprung}", "w")\' >{folder}/urllib/__init__.py'
    _run(hub_stack, "hub", "sh", "-c", set_up)
    yield sprung
    _run(hub_stack, "hub", "rm", "-rf", f"{folder}/urllib", sprung)


def test_operator_runs_no_code_that_the_hub_left(hub_stack: HubStack, trap: str) -> None:
    """Neither from its working folder, which is the state's, nor from a home in there."""
    operator = look.stack_container(hub_stack.engine, "operator")
    check = hub_stack.engine.docker(
        "inspect", "--format", "{{json .Config.Healthcheck.Test}}", operator
    )
    kind, *command = json.loads(check)
    assert kind == "CMD"
    _run(hub_stack, "operator", *command)
    assert _run(hub_stack, "operator", "sh", "-c", f"ls {trap} 2>&1 || true").endswith(
        "No such file or directory\n"
    )
    assert _run(hub_stack, "operator", "printenv", "HOME").strip() == "/nonexistent"
    told = _run(hub_stack, "operator", "python3", "-c", "import site; print(site.ENABLE_USER_SITE)")
    assert told.strip() == "False"


@pytest.mark.parametrize("service", ["hub", "proxy", "operator", "registry"])
def test_services_do_not_run_as_root(hub_stack: HubStack, service: str) -> None:
    """Every container of the stack runs as an ordinary user."""
    assert _run(hub_stack, service, "id", "-u").strip() != "0"


def test_state_file_is_private(hub_stack: HubStack) -> None:
    """The store holds tokens: mode 0600."""
    modes = _run(hub_stack, "hub", "sh", "-c", "stat -c %a /srv/swarmhub/state/state.db*")
    assert set(modes.split()) == {"600"}


def test_registry_answers_as_a_registry_does(hub_stack: HubStack) -> None:
    """Catalogue and tags list, on port 5000 of the node; services run from there by digest."""
    fetch = "import urllib.request as u,sys; print(u.urlopen(sys.argv[1]).read().decode())"
    base = "http://127.0.0.1:5000/v2"

    def get(path: str) -> dict[str, list[str]]:
        said = hub_stack.engine.run_inside("/usr/bin/python3", "-c", fetch, f"{base}/{path}")
        found: dict[str, list[str]] = json.loads(said)
        return found

    names = get("_catalog")["repositories"]
    assert {f"swarmhub/{n}" for n in ("hub", "proxy", "operator", "singleuser")} <= set(names)
    assert get("swarmhub/singleuser/tags/list")["tags"]
    for service in ("hub", "proxy", "operator"):
        inspect = ("service", "inspect", f"swarmhub_{service}", "--format")
        image = hub_stack.engine.docker(
            *inspect, "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
        ).strip()
        assert image.startswith("127.0.0.1:5000/swarmhub/")
        assert "@sha256:" in image


def test_registry_has_no_other_door_in_a_swarm_of_one_node(hub_stack: HubStack) -> None:
    """It listens on the node's loopback and nowhere else."""
    for port in (5000, 5001):
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://{hub_stack.engine.address}:{port}/v2/", timeout=5)


def test_notebook_runs_by_digest_as_an_ordinary_user(hub_stack: HubStack) -> None:
    """The tag was resolved once, and the server is no root."""
    user = hub_stack.login("ned")
    user.start()
    service = look.services(hub_stack.engine, "swarmhub.notebook=ned")[0]["Spec"]
    container = service["TaskTemplate"]["ContainerSpec"]
    assert "@sha256:" in container["Image"]
    assert service["EndpointSpec"]["Mode"] == "dnsrr"
    assert service["TaskTemplate"]["RestartPolicy"]["Condition"] == "none"
    assert user.run_code("import os; print(os.getuid())").strip() == "1000"
    user.stop()
