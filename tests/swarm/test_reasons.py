"""Why a server does not start, or not yet: what its user reads while waiting."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import swarm_nodes
from support.hub import HubError, HubUser, StartFailedError
from support.stack import HubStack
from support.waiting import wait_for

_OPERATOR = "swarmhub_operator"


class Watching:
    """Follows what the spawn page of a user shows, until the start has ended."""

    def __init__(self, user: HubUser) -> None:
        """Begin; the start must have been asked for."""
        self.user = user
        self.said: list[str] = []
        self.failure: Exception | None = None  # why no more could be read
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            for event in self.user.progress():
                self.said.append(str(event["message"]))
        except Exception as failure:  # noqa: BLE001 - `wait_end` raises it
            self.failure = failure

    def wait_said(self, pattern: str, timeout: float = 60) -> None:
        """Wait until a line matches."""
        wait_for(
            f"{self.user.name} to read {pattern!r}",
            lambda: any(re.search(pattern, line) for line in self.said),
            timeout,
        )

    def wait_end(self, timeout: float = 60) -> None:
        """Wait until the page has ended its tale."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), f"still told: {self.said}"
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def martian(hub_stack: HubStack) -> Iterator[Callable[[], None]]:
    """Yield what gives the node the label planet=mars; it is taken off again."""
    docker = hub_stack.engine.docker

    def give() -> None:
        swarm_nodes.update(hub_stack.engine, "engine", "--label-add", "planet=mars")

    yield give
    if "planet" in docker("node", "inspect", "--format", "{{json .Spec.Labels}}", "engine"):
        swarm_nodes.update(hub_stack.engine, "engine", "--label-rm", "planet")


@pytest.fixture
def operator_gone(hub_stack: HubStack) -> Iterator[None]:
    """Have no operator; at the end of the test there is one again in any case."""
    hub_stack.engine.docker("service", "scale", f"{_OPERATOR}=0")
    yield
    hub_stack.engine.docker("service", "scale", f"{_OPERATOR}=1")


def test_more_memory_than_allowed(hub_stack: HubStack) -> None:
    """The engine tells no reason for the kill; the user reads the likely one."""
    with pytest.raises((StartFailedError, HubError), match="likely out of memory"):
        hub_stack.login("hungry-hal").start()


def test_no_node_is_as_asked(hub_stack: HubStack, martian: Callable[[], None]) -> None:
    """Each node is named with what it lacks; the server starts once a node has it."""
    user = hub_stack.login("nowhere-nan")
    user.request_start()
    page = Watching(user)
    page.wait_said(r"No node can take your server now .*engine.*planet")
    martian()
    user.wait_ready()
    page.wait_end()
    user.stop()


def test_the_place_in_the_line_is_told(hub_stack: HubStack) -> None:
    """Two cores, three starts at a time: the others read how many are before them."""
    # However quick the first ones are, two wait while those after them start.
    together_at_most = round(1.5 * _cores(hub_stack))
    users = [hub_stack.login(f"slow{number}") for number in range(2 * together_at_most + 2)]
    # The hub answers a request only after ten seconds, or when the server runs.
    with ThreadPoolExecutor(len(users)) as together:
        list(together.map(HubUser.request_start, users))
        pages = [Watching(user) for user in users]
    wait_for(
        "somebody to read that they are second in line",
        lambda: any("2nd in line to start." in line for page in pages for line in page.said),
        60,
    )
    for user, page in zip(users, pages, strict=True):
        user.wait_ready()
        page.wait_end()
        user.stop()


def test_an_operator_that_is_not_there_is_missed(hub_stack: HubStack, operator_gone: None) -> None:
    """The user is told since when, and the server starts once it is back."""
    user = hub_stack.login("una")
    user.request_start()
    page = Watching(user)
    page.wait_said(r"the operator has not been seen since \d{4}-\d\d-\d\d [\d:]{8} UTC")
    hub_stack.engine.docker("service", "scale", f"{_OPERATOR}=1")
    user.wait_ready()
    page.wait_end()
    user.stop()


def _cores(stack: HubStack) -> int:
    return int(stack.engine.docker("info", "--format", "{{.NCPU}}"))
