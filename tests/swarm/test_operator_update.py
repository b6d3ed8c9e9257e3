"""A rolling update of the operator, while people work and their servers crash."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
from support import look
from support.hub import HubUser
from support.stack import HubStack
from support.waiting import wait_for

LEASE = 15.0  # seconds
OPERATOR = "com.docker.swarm.service.name=swarmhub_operator"


@contextmanager
def _counting_operators(stack: HubStack) -> Iterator[list[int]]:
    """Yield how many operators ran at each look, as long as the block lasts."""
    seen: list[int] = []
    over = threading.Event()

    def look_on() -> None:
        while not over.is_set():
            seen.append(len(look.containers(stack.engine, OPERATOR)))
            over.wait(0.2)

    thread = threading.Thread(target=look_on)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _crash(stack: HubStack, name: str) -> float:
    """Kill a notebook's container; return the seconds until the next one runs."""
    label = f"swarmhub.notebook={name}"
    container = look.notebook_container(stack.engine, name)
    look.kill_container(stack.engine, container)
    began = time.monotonic()
    wait_for(
        f"{name} to run again",
        lambda: set(look.containers(stack.engine, label)) - {container},
        timeout=60,
    )
    return time.monotonic() - began


def _answers(user: HubUser) -> bool:
    try:
        with user.server() as client:
            return client.get("api/status").status_code == 200
    except httpx.HTTPError:
        return False


def test_an_update_of_the_operator_leaves_no_gap(hub_stack: HubStack) -> None:
    """The new one stands by before the old one ends; crashes meanwhile are seen within a lease."""
    users = [hub_stack.login(f"update{number}") for number in range(4)]
    for user in users:
        user.start()
    command = ["docker", "service", "update", "--quiet", "--force", "swarmhub_operator"]
    took = []
    with _counting_operators(hub_stack) as running:
        environment = {**os.environ, **hub_stack.engine.environment}
        update = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        for user in users:
            took.append(_crash(hub_stack, user.name))
            time.sleep(2.0)
        assert update.wait(timeout=120) == 0
    assert min(running) >= 1
    assert max(took) < LEASE
    for user in users:
        wait_for(f"the server of {user.name}", partial(_answers, user), timeout=90)
        assert user.run_code("print('well')").strip() == "well"
        user.stop()
