"""The command as people run it, from the host into the operator's container."""

import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest
from support import look
from support.hub import HubUser
from support.stack import BIN, HubStack
from support.waiting import wait_for

OPERATOR = "swarmhub_operator"
WELL = (
    *("engine", "manager", "clock", "names", "registry", "images"),
    *("store", "schema", "state", "lease", "policy"),
)
_ALL = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"


def watches(stack: HubStack) -> bool:
    """Whether a watch runs in the operator's container."""
    container = look.stack_container(stack.engine, "operator")
    return "swarmhub get notebooks" in stack.engine.docker("exec", container, "sh", "-c", _ALL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_interrupted_ends_in_the_container(
    hub_stack: HubStack, number: signal.Signals
) -> None:
    """`docker exec` forwards no signal, and nobody there would miss its reader."""
    command = ["env", "--default-signal=INT", str(BIN / "swarmhub"), "get", "notebooks", "--watch"]
    environment = {**os.environ, **hub_stack.engine.environment}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment) as it:
        wait_for("the watch to run", lambda: watches(hub_stack))
        it.send_signal(number)
    wait_for("the watch to end", lambda: not watches(hub_stack), timeout=20)


def test_what_the_operator_would_do_is_told(hub_stack: HubStack) -> None:
    """Nothing while all is well; else a diff, also while no operator is there."""
    docker = hub_stack.engine.docker
    user = hub_stack.login("plato")
    user.start()
    assert _is_settled(hub_stack, "plato")
    docker("service", "scale", f"{OPERATOR}=0")
    try:
        docker("service", "update", "--env-add", "COLOUR=red", "jupyter-plato", timeout=120)
        told = hub_stack.pipe("plan", "plato")
        assert told.returncode == 1
        assert b"UpdateService jupyter-plato: changed behind our back" in told.stdout
        assert b"- TaskTemplate.ContainerSpec.Env.COLOUR: red" in told.stdout
        assert b"The plan is what one would do." in told.stderr
    finally:
        docker("service", "scale", f"{OPERATOR}=1")
    wait_for("it to be put right", lambda: _is_settled(hub_stack, "plato"), timeout=60)
    hub_stack.swarmhub("stop", "-l", "user=plato", "--yes", timeout=120)


def test_a_restart_keeps_home_and_address(hub_stack: HubStack) -> None:
    """The hub knows the server all the time; what lay in the home is there."""
    user = hub_stack.login("rex")
    user.start()
    user.run_code("open('/home/jovyan/work/kept', 'w').write('here')")
    before = look.containers(hub_stack.engine, "swarmhub.notebook=rex")
    told = hub_stack.swarmhub("restart", "rex", "--yes", timeout=180)
    assert told.splitlines() == ["notebook/rex restarted"]
    after = look.containers(hub_stack.engine, "swarmhub.notebook=rex")
    assert len(after) == 1
    assert after != before
    wait_for("the new one behind the proxy", lambda: _answers(user))  # by its name, in a moment
    assert user.run_code("print(open('/home/jovyan/work/kept').read())").strip() == "here"
    model = user.server_model()
    assert model is not None
    assert model["ready"]
    user.stop()


def test_a_doctor_finds_the_stack_well(hub_stack: HubStack) -> None:
    """It asks the engine, the store, the stack's registry and, by an errand, each node."""
    told = hub_stack.pipe("doctor", "--probe-nodes", "-o", "json", timeout=200)
    found = json.loads(told.stdout)["findings"]
    verdicts = {(one["check"], one["subject"]): one["verdict"] for one in found}
    assert {verdicts[check, ""] for check in WELL} == {"ok"}, found
    assert not [one for one in found if one["verdict"] == "unknown"]


def test_what_is_used_and_what_is_sent_with_a_report(hub_stack: HubStack, tmp_path: Path) -> None:
    """Its own engine measures a server; the report lies on the host, and holds no password."""
    user = hub_stack.login("toni")
    user.start()
    token = user.run_code("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])").strip()
    (used,) = json.loads(hub_stack.swarmhub("top", "notebooks", "toni", "-o", "json"))["items"]
    assert used["usage"]["memory"] > 2**20
    file = tmp_path / "report.tar.gz"
    told = hub_stack.pipe("bug-report", str(file), timeout=200)
    assert told.returncode == 0, told.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as archive:
        parts = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        texts = {name: part.read().decode() for name, part in parts.items() if part}
    manifest = json.loads(next(text for name, text in texts.items() if "manifest" in name))
    assert [part for part in manifest["parts"] if not part["taken"]] == []
    assert "toni" in "".join(texts.values())
    for secret in (token, hub_stack.user_password, hub_stack.admin_password):
        assert not [name for name, text in texts.items() if secret in text]
    user.stop()


def _answers(user: HubUser) -> bool:
    with user.server() as client:
        return client.get("api/status").is_success


def _is_settled(stack: HubStack, name: str) -> bool:
    return stack.pipe("plan", name).returncode == 0
