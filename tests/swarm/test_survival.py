"""Parts are killed and restarted while people work; nobody loses anything."""

import threading

import httpx
import pytest
from support import look
from support.hub import HubError, HubUser
from support.stack import HubStack
from support.waiting import wait_for


def _kill_operator(stack: HubStack) -> None:
    look.kill_container(stack.engine, look.stack_container(stack.engine, "operator"))


def _has_service(stack: HubStack, name: str) -> bool:
    return bool(look.services(stack.engine, f"swarmhub.notebook={name}"))


def _has_container(stack: HubStack, name: str) -> bool:
    return bool(look.containers(stack.engine, f"swarmhub.notebook={name}"))


@pytest.mark.parametrize("moment", ["before-it-noticed", "service-made", "container-runs"])
def test_operator_killed_during_a_start(hub_stack: HubStack, moment: str) -> None:
    """Whenever the operator dies, the start ends well, and nothing is doubled."""
    name = f"ivy-{moment}"
    user = hub_stack.login(name)
    if moment == "before-it-noticed":
        _kill_operator(hub_stack)
    user.request_start()
    if moment == "service-made":
        wait_for("the service", lambda: _has_service(hub_stack, name), pause=0.02)
        _kill_operator(hub_stack)
    if moment == "container-runs":
        wait_for("the container", lambda: _has_container(hub_stack, name), pause=0.02)
        _kill_operator(hub_stack)
    user.wait_ready()
    assert len(look.services(hub_stack.engine, f"swarmhub.notebook={name}")) == 1
    assert len(look.containers(hub_stack.engine, f"swarmhub.notebook={name}")) == 1
    assert len(look.secrets(hub_stack.engine, f"swarmhub.notebook={name}")) == 1
    assert user.run_code("print('well')").strip() == "well"
    user.stop()


def test_hub_restart_cuts_nobody_off(hub_stack: HubStack) -> None:
    """A kernel computes on while the hub is killed; afterwards the hub knows the server."""
    user = hub_stack.login("jan")
    user.start()
    with user.kernel() as kernel:
        assert kernel.run("x = 41").strip() == ""
        look.kill_container(hub_stack.engine, look.stack_container(hub_stack.engine, "hub"))
        assert kernel.run("print(x + 1)").strip() == "42"
        _wait_for_hub(user)
        assert kernel.run("print(x + 2)").strip() == "43"
    model = user.server_model()
    assert model is not None
    assert model["ready"]
    assert user.run_code("print('still mine')").strip() == "still mine"
    user.stop()
    assert not _has_service(hub_stack, "jan")


def test_hub_killed_during_a_start_adopts_it(hub_stack: HubStack) -> None:
    """The start goes on without the hub, which finds it when it is back."""
    user = hub_stack.login("kit")
    user.request_start()
    wait_for("the service", lambda: _has_service(hub_stack, "kit"), pause=0.02)
    first = look.services(hub_stack.engine, "swarmhub.notebook=kit")[0]["ID"]
    look.kill_container(hub_stack.engine, look.stack_container(hub_stack.engine, "hub"))
    _wait_for_hub(user)
    user.wait_ready()
    assert look.services(hub_stack.engine, "swarmhub.notebook=kit")[0]["ID"] == first
    assert user.run_code("print('adopted')").strip() == "adopted"
    user.stop()


def test_proxy_restart_restores_all_routes(hub_stack: HubStack) -> None:
    """A new proxy learns the routes from the hub; nobody is asked to start again."""
    user = hub_stack.login("leo")
    user.start()
    look.kill_container(hub_stack.engine, look.stack_container(hub_stack.engine, "proxy"))

    def works() -> bool:
        try:
            with user.server() as client:
                return client.get("api/status").status_code == 200
        except httpx.HTTPError:
            return False

    wait_for("the route", works, timeout=90)
    assert user.run_code("print('same')").strip() == "same"
    user.stop()


def test_several_people_at_once(hub_stack: HubStack) -> None:
    """Eight starts at once all succeed."""
    users = [hub_stack.login(f"many{number}") for number in range(8)]
    failures: list[BaseException] = []

    def start(user: HubUser) -> None:
        try:
            user.start(timeout=150)
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=start, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for user in users:
        user.stop()


def _wait_for_hub(user: HubUser) -> None:
    def answers() -> bool:
        try:
            user.user_model(user.name)
        except (httpx.HTTPError, HubError):
            return False
        return True

    wait_for("the hub to be back", answers, timeout=90)
