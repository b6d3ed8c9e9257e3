"""One person's day: log in, work, crash, come back, all through the hub's URL."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import look
from support.hub import HubError, HubUser, StartFailedError
from support.stack import HubStack
from support.waiting import wait_for


def _record(stack: HubStack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stack.swarmhub("get", "notebook", name, "-o", "json"))
    return found


def _one_service(stack: HubStack, name: str) -> dict[str, Any]:
    found = look.services(stack.engine, f"swarmhub.notebook={name}")
    assert len(found) == 1
    return found[0]


def _read(user: HubUser, path: str) -> str | None:
    try:
        return user.get_file(path)
    except (HubError, httpx.HTTPError):
        return None


def test_work_survives_a_stop(hub_stack: HubStack) -> None:
    """Run code over the websocket, write a file, stop, start: the file is there."""
    ada = hub_stack.login("ada")
    ada.start()
    assert ada.run_code("print(6 * 7)").strip() == "42"
    ada.put_file("note.txt", "kept")
    first = _one_service(hub_stack, "ada")["ID"]
    ada.stop()
    assert look.services(hub_stack.engine, "swarmhub.notebook=ada") == []
    ada.start()
    assert ada.get_file("note.txt") == "kept"
    assert _one_service(hub_stack, "ada")["ID"] != first
    ada.stop()


def test_start_after_stop_is_never_answered_by_the_dying_server(hub_stack: HubStack) -> None:
    """Ready means that the new server answers: at once, and nothing fails after it."""
    ben = hub_stack.login("ben")
    ben.start()
    for _ in range(2):
        ben.stop()
        ben.start()
        with ben.server() as client:
            answers = [client.get("api/status").status_code for _ in range(20)]
        assert answers == [200] * 20
    ben.stop()


def test_a_server_starts_without_the_hubs_database_layer(hub_stack: HubStack) -> None:
    """None of SQLAlchemy's libraries is in its memory, as others are."""
    fay = hub_stack.login("fay")
    fay.start()
    container = look.notebook_container(hub_stack.engine, "fay")
    maps = hub_stack.engine.docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/maps")
    assert "/tornado/" in maps
    assert "/sqlalchemy/" not in maps
    fay.stop()


def test_killed_server_comes_back_under_the_same_url(hub_stack: HubStack) -> None:
    """Killed with -9: a new one runs, the hub still counts it as running, one restart."""
    cid = hub_stack.login("cid")
    cid.start()
    before = cid.server_model()
    look.kill_container(hub_stack.engine, look.notebook_container(hub_stack.engine, "cid"))
    wait_for("one restart", lambda: _record(hub_stack, "cid")["status"]["restarts"] == 1)
    wait_for("it to run", lambda: _record(hub_stack, "cid")["status"]["phase"] == "Running")
    assert cid.run_code("print('back')").strip() == "back"
    after = cid.server_model()
    assert before is not None
    assert after is not None
    assert (after["url"], after["ready"], after["started"]) == (
        before["url"],
        True,
        before["started"],
    )
    cid.stop()


def test_crash_loop_ends_with_a_reason_on_the_page(hub_stack: HubStack) -> None:
    """Failed, with exit code and last log lines in the status and on the spawn page."""
    user = hub_stack.login("crash-dan")
    with pytest.raises((StartFailedError, HubError), match="exit code 3"):
        user.start()
    status = _record(hub_stack, "crash-dan")["status"]
    assert (status["phase"], status["exitCode"], status["restarts"]) == ("Failed", 3, 2)
    assert status["lastLog"] == ["the disk of dreams is full"]
    page = user.page("/hub/spawn-pending/crash-dan")
    assert "exit code 3" in page
    assert "the disk of dreams is full" in page
    wait_for(
        "the service to go",
        lambda: look.services(hub_stack.engine, "swarmhub.notebook=crash-dan") == [],
    )


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("noimage", "does not know the image 127.0.0.1:5000/swarmhub/nothing:here"),
        ("greedy", "No node is large enough for the 2 TiB of memory"),
        ("refused", "The volume swarmhub_state is not allowed for notebooks"),
    ],
)
def test_hopeless_start_is_refused_with_a_sentence(
    hub_stack: HubStack, name: str, sentence: str
) -> None:
    """The user reads why on the page, well before any time-out."""
    user = hub_stack.login(name)
    with pytest.raises((StartFailedError, HubError), match=sentence):
        user.start(timeout=30)
    assert sentence in user.page(f"/hub/spawn-pending/{name}")


@pytest.fixture
def strangers(hub_stack: HubStack) -> Iterator[set[str]]:
    """Yield the names of a plain service and of one of another store; remove them afterwards."""
    engine, tiny = hub_stack.engine, hub_stack.tiny
    create = ("service", "create", "--detach")
    engine.docker(*create, "--name", "stranger", tiny, "sleep", "600")
    other = ("--label", "swarmhub.store=another", "--label", "swarmhub.notebook=x")
    engine.docker(*create, *other, "--name", "other-store", tiny, "sleep", "600")
    yield {"stranger", "other-store"}
    engine.docker("service", "rm", "stranger", "other-store")


def test_removed_service_is_back_by_itself(hub_stack: HubStack, strangers: set[str]) -> None:
    """Removed behind our back: it comes back, and strangers' services are not touched."""
    engine = hub_stack.engine
    eli = hub_stack.login("eli")
    eli.start()
    eli.put_file("note.txt", "kept")
    first = _one_service(hub_stack, "eli")["ID"]
    engine.docker("service", "rm", first)
    wait_for(
        "another service",
        lambda: any(s["ID"] != first for s in look.services(engine, "swarmhub.notebook=eli")),
    )
    wait_for("it to run", lambda: _record(hub_stack, "eli")["status"]["phase"] == "Running")
    # The address stays, so the container that was taken away may still be asked while it dies.
    wait_for("the file", lambda: _read(eli, "note.txt") == "kept")
    eli.stop()
    names = engine.docker("service", "ls", "--format", "{{.Name}}").split()
    assert strangers <= set(names)


def test_names_that_slug_alike_are_two_notebooks(hub_stack: HubStack) -> None:
    """Dots and dashes: two users, two services, two homes."""
    names = ("flo.lee", "flo-lee")
    users = [hub_stack.login(name) for name in names]
    for user in users:
        user.start()
        user.put_file("who.txt", user.name)
    assert [user.get_file("who.txt") for user in users] == list(names)
    for user in users:
        user.stop()


@pytest.mark.parametrize("name", ["Ünï.Cøde@Example.org", "x" * 200])
def test_unusual_names_work(hub_stack: HubStack, name: str) -> None:
    """Any username that the hub takes gets a notebook."""
    user = hub_stack.login(name)
    user.start()
    assert user.run_code("print(1)").strip() == "1"
    user.stop()


def test_hostile_name_is_refused_by_the_hub(hub_stack: HubStack) -> None:
    """JupyterHub itself takes no user named ../../etc; the contract tests go on below it."""
    admin = hub_stack.login("admin")
    with pytest.raises(HubError) as caught:
        admin.create_user("../../etc")
    assert caught.value.status == 400
    with pytest.raises((PermissionError, HubError)):
        hub_stack.login("../../etc")


def test_name_of_dots_gets_a_plain_service(hub_stack: HubStack) -> None:
    """The worst name that the hub lets in becomes a legal name of service and volume."""
    user = hub_stack.login("..etc..{{.Node.ID}}")
    user.start()
    found = look.services(hub_stack.engine, "swarmhub.notebook")
    spec = next(s["Spec"] for s in found if s["Spec"]["Labels"]["swarmhub.user"] == user.name)
    assert re.fullmatch(r"jupyter-[a-z0-9-]+", spec["Name"])
    mounts = spec["TaskTemplate"]["ContainerSpec"]["Mounts"]
    assert [m["Type"] for m in mounts] == ["volume"]
    assert re.fullmatch(r"jupyterhub-user-[a-z0-9-]+", mounts[0]["Source"])
    assert user.run_code("import os; print(os.environ['JUPYTERHUB_USER'])").strip() == user.name
    user.stop()


def test_named_server_is_a_notebook_of_its_own(hub_stack: HubStack) -> None:
    """Default and named server run side by side and share the home."""
    gil = hub_stack.login("gil")
    gil.start()
    gil.start("lab")
    gil.put_file("from-default.txt", "hello")
    assert gil.get_file("from-default.txt", server="lab") == "hello"
    gil.stop("lab", remove=True)
    wait_for(
        "the named server's record to go",
        lambda: "gil--lab" not in hub_stack.swarmhub("get", "notebooks"),
    )
    assert gil.get_file("from-default.txt") == "hello"
    gil.stop()


@pytest.mark.parametrize(("name", "kept"), [("hal", True), ("gone-hal", False)])
def test_deleted_user_leaves_no_service(hub_stack: HubStack, name: str, kept: bool) -> None:
    """Service and secret go; the home stays or goes as its reclaim policy says."""
    engine = hub_stack.engine
    admin = hub_stack.login("admin")
    user = hub_stack.login(name)
    user.start()
    home = f"jupyterhub-user-{name}"
    assert home in engine.docker("volume", "ls", "--quiet").split()
    admin.delete_user(name)
    label = f"swarmhub.notebook={name}"
    wait_for("the service to go", lambda: look.services(engine, label) == [])
    wait_for("the secret to go", lambda: look.secrets(engine, label) == [])

    def volumes() -> list[str]:
        return engine.docker("volume", "ls", "--quiet").split()

    if kept:
        record = json.loads(hub_stack.swarmhub("get", "home", home, "-o", "json"))
        assert record["status"]["phase"] == "Released"
        assert home in volumes()
    else:
        wait_for("the home to go", lambda: home not in volumes(), timeout=60)
