"""The command as people run it, from the host into the operator's container."""

import os
import signal
import subprocess

import pytest
from support import look
from support.stack import BIN, HubStack
from support.waiting import wait_for

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
