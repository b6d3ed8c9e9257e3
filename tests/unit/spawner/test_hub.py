"""The spawner in a real JupyterHub: over its HTTP API, on its pages, across its restarts."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from swarmhub_crds.notebook import Desired, Notebook, Phase
from swarmhub_crds.store import Store
from unit.spawner.fakes import FakeNotebooks, FakeOperator, condition
from unit.spawner.hubprocess import HubProcess, running_hub


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the one hub of these tests."""
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def hub_store(folder: Path) -> Iterator[Store]:
    """Give the hub's store, to look into."""
    store = Store.open(f"sqlite:///{folder / 'state.db'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def hub_operator(hub_store: Store, notebooks: FakeNotebooks) -> Iterator[FakeOperator]:
    """Give the operator behind the hub."""
    operator = FakeOperator(hub_store.url, notebooks.url, slow=4.0)
    yield operator
    operator.close()


@pytest.fixture(scope="module")
def hub(folder: Path, hub_store: Store, hub_operator: FakeOperator) -> Iterator[HubProcess]:
    """Give a running hub."""
    with running_hub(folder, hub_store.url) as running:
        yield running


def until(check: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until `check()` is true."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"waited {seconds} s for: {what}"
        time.sleep(0.1)


def record_of(store: Store, name: str) -> Notebook:
    """Return a record that must be there and readable."""
    record = store.get_notebook(name)
    assert isinstance(record, Notebook)
    return record


def token_of(store: Store, name: str) -> str:
    """Return the API token that the notebook was given."""
    uid = record_of(store, name).metadata.uid
    return store.secret_environment(uid)["JUPYTERHUB_API_TOKEN"]


def token_works(hub: HubProcess, token: str) -> bool:
    """Whether a notebook with this token still gets on with the hub."""
    answer = httpx.get(f"{hub.url}/hub/api/user", headers={"Authorization": f"token {token}"})
    return answer.status_code == httpx.codes.OK


def test_a_server_starts_and_stops(
    hub: HubProcess, hub_store: Store, notebooks: FakeNotebooks
) -> None:
    """Over the API: started, routed to the notebook, its token works; stopped, it does not."""
    began = time.monotonic()
    assert hub.spawn("ok-1").status_code == 201
    assert time.monotonic() - began < 5
    model = hub.server("ok-1")
    assert model is not None
    assert model["ready"]
    assert "add /user/ok-1/" in hub.route_log()
    token = token_of(hub_store, "ok-1")
    assert token_works(hub, token)
    assert hub.api.delete("/users/ok-1/server").status_code == 204
    assert record_of(hub_store, "ok-1").spec.desired is Desired.STOPPED
    assert not token_works(hub, token)
    assert hub.server("ok-1") is None


def test_progress_reaches_the_browser(hub: HubProcess) -> None:
    """The stream carries the operator's sentences and ends ready."""
    hub.begin_spawn("slow-1")
    events = list(hub.progress("slow-1"))
    messages = [event["message"] for event in events]
    assert "The request was accepted." in messages
    assert "Jupyter does not answer yet." in messages
    assert events[-1]["ready"]
    hub.api.delete("/users/slow-1/server")


@pytest.mark.parametrize(
    ("user", "status", "sentence"),
    [
        ("refuse-1", 403, "The image &lt;refuse&gt; is not allowed."),
        ("fail-1", 500, "<pre>Traceback &lt;module&gt;\nValueError: boom</pre>"),
    ],
)
def test_a_failed_start_is_explained_on_the_page(
    hub: HubProcess, hub_store: Store, user: str, status: int, sentence: str
) -> None:
    """The user who clicks Start reads the operator's sentence, at once and on coming back."""
    with hub.browser(user) as browser:
        answer = browser.get(f"/hub/spawn/{user}", headers={"Sec-Fetch-Mode": "navigate"})
        assert answer.status_code == status
        assert sentence in answer.text
        later = browser.get(f"/hub/spawn-pending/{user}")
        assert sentence in later.text
    assert record_of(hub_store, user).spec.desired is Desired.STOPPED
    answer = hub.spawn(user)
    assert answer.status_code == status
    assert answer.json()["message"].startswith("The ")


def test_a_server_that_is_given_up_later_is_explained_too(
    hub: HubProcess, hub_store: Store, hub_operator: FakeOperator
) -> None:
    """Crashed for good: the hub forgets it, the record is stopped, the page says why."""
    hub.spawn("ok-2")
    hub_operator.fail("ok-2")
    until(lambda: hub.server("ok-2") is None, "the hub to notice")
    assert "delete /user/ok-2/" in hub.route_log()
    assert record_of(hub_store, "ok-2").spec.desired is Desired.STOPPED
    with hub.browser("ok-2") as browser:
        assert "ValueError: boom" in browser.get("/hub/spawn-pending/ok-2").text
    assert hub.spawn("ok-2").status_code == 201
    hub.api.delete("/users/ok-2/server")


def test_back_off_keeps_the_route(
    hub: HubProcess, hub_store: Store, hub_operator: FakeOperator
) -> None:
    """While the operator restarts a notebook the hub counts it as running."""
    hub.spawn("ok-3")
    token = token_of(hub_store, "ok-3")
    hub_operator.write("ok-3", condition("Ready", ok=False), phase=Phase.BACK_OFF)
    time.sleep(3)
    assert hub.server("ok-3") is not None
    assert token_works(hub, token)
    assert "delete /user/ok-3/" not in hub.route_log()
    hub.api.delete("/users/ok-3/server")


def test_named_servers_and_deletion(hub: HubProcess, hub_store: Store) -> None:
    """Each named server has its record; a deleted server and a deleted user leave none."""
    assert hub.spawn("ok-4").status_code == 201
    assert hub.spawn("ok-4", "gpu").status_code == 201
    assert record_of(hub_store, "ok-4--gpu").spec.server == "gpu"
    assert record_of(hub_store, "ok-4--gpu").spec.probe_path == "/user/ok-4/gpu/api"
    answer = hub.api.request("DELETE", "/users/ok-4/servers/gpu", json={"remove": True})
    assert answer.status_code in (202, 204)
    until(lambda: hub_store.get_notebook("ok-4--gpu") is None, "the record to go")
    assert hub.server("ok-4") is not None
    assert hub.api.delete("/users/ok-4").status_code == 204
    assert hub_store.get_notebook("ok-4") is None


def test_a_restart_of_the_hub_cuts_nobody_off(hub: HubProcess, hub_store: Store) -> None:
    """Whether ended or killed: server, route and token stay; a later stop revokes the token."""
    hub.spawn("ok-5")
    hub.spawn("ok-5", "b")
    token = token_of(hub_store, "ok-5")
    before = len(hub.route_log())
    for sig in (signal.SIGTERM, signal.SIGKILL):
        hub.stop(sig)
        hub.start()
        until(lambda: (hub.server("ok-5") or {}).get("ready"), "the server to be known again")
        until(lambda: (hub.server("ok-5", "b") or {}).get("ready"), "the named server")
        assert token_works(hub, token)
    changes = hub.route_log()[before:]
    assert not [line for line in changes if line.startswith("delete /user/ok-5/")]
    assert record_of(hub_store, "ok-5").metadata.generation == 1
    assert hub.api.delete("/users/ok-5/server").status_code == 204
    assert not token_works(hub, token)


def test_a_hub_killed_in_mid_start_adopts_it(
    hub: HubProcess, hub_store: Store, notebooks: FakeNotebooks
) -> None:
    """The start goes on without the hub, which takes it over when it is back."""
    hub.begin_spawn("slow-2")
    token = token_of(hub_store, "slow-2")
    hub.stop(signal.SIGKILL)
    hub.start()
    until(lambda: (hub.server("slow-2") or {}).get("ready"), "the start to be adopted")
    until(lambda: "add /user/slow-2/" in hub.route_log(), "the route")
    assert record_of(hub_store, "slow-2").metadata.generation == 1
    assert token_works(hub, token)
    assert hub.api.delete("/users/slow-2/server").status_code == 204
    assert record_of(hub_store, "slow-2").spec.desired is Desired.STOPPED
    assert not token_works(hub, token)


def test_who_answers_is_routed_while_another_is_looked_for(
    hub: HubProcess, hub_operator: FakeOperator
) -> None:
    """Hub and proxy restart while two start: the route to one does not wait for the other."""
    hub.configure("c.JupyterHub.init_spawners_timeout = 1")
    hub.begin_spawn("hang-8")
    hub.begin_spawn("hang-9")
    hub.stop(signal.SIGKILL)
    hub.start()
    hub_operator.ready("hang-8", 1)
    until(lambda: (hub.server("hang-8") or {}).get("ready"), "the server to be found")
    until(lambda: "/user/hang-8/" in hub.routes(), "its route", 10.0)
    assert (hub.server("hang-9") or {}).get("pending") == "check"
    hub_operator.ready("hang-9", 1)
    until(lambda: (hub.server("hang-9") or {}).get("ready"), "the other one to be found, too")
    for user in ("hang-8", "hang-9"):
        assert hub.api.delete(f"/users/{user}/server").status_code == 204


def test_what_failed_while_the_hub_was_down_is_noticed(
    hub: HubProcess, hub_store: Store, hub_operator: FakeOperator
) -> None:
    """A start that failed without the hub is no server when it is back."""
    hub.spawn("ok-6")
    hub.stop(signal.SIGKILL)
    hub_operator.fail("ok-6")
    hub.start()
    until(lambda: hub.server("ok-6") is None, "the hub to notice")
    assert record_of(hub_store, "ok-6").spec.desired is Desired.STOPPED


def test_a_pending_start_can_be_cancelled(hub: HubProcess, hub_store: Store) -> None:
    """DELETE in mid-start: the record ends stopped."""
    hub.begin_spawn("hang-1")
    assert hub.api.delete("/users/hang-1/server").status_code in (202, 204)
    until(lambda: hub.server("hang-1") is None, "the hub to have stopped it")
    assert record_of(hub_store, "hang-1").spec.desired is Desired.STOPPED


def test_the_log_has_no_traceback_of_ours(hub: HubProcess) -> None:
    """Nothing above made the hub log an error that comes from the spawner unasked."""
    assert "Task exception was never retrieved" not in hub.log()
    assert "assuming the spawner is not running" not in hub.log()


# -- in place of a server that does not answer


def test_a_user_reads_what_has_become_of_a_server(
    hub: HubProcess, hub_operator: FakeOperator
) -> None:
    """Only of their own; the page that the proxy shows asks for it."""
    down = "Its node <w1> is down since 10:31 UTC; it waits for the node."
    hub.spawn("ok-8")
    hub.spawn("ok-8", "lab")
    hub_operator.write(
        "ok-8", condition("Ready", ok=False, message=down), phase=Phase.PENDING, message=down
    )
    asked = {"path": "/user/ok-8/tree/a"}
    with hub.browser("ok-8") as own:
        told = own.get("/hub/swarmhub/server", params=asked)
        assert told.headers["content-type"].startswith("application/json")
        assert told.headers["cache-control"] == "no-store"
        assert told.json() == {"ready": False, "message": down}
        lab = own.get("/hub/swarmhub/server", params={"path": "/user/ok-8/lab/tree"}).json()
        assert lab["ready"]
        assert own.get("/hub/swarmhub/server", params={"path": "/user/ok-2/"}).status_code == 404
        assert own.get("/hub/swarmhub/server").status_code == 404
    with hub.browser("ok-9") as other:
        assert other.get("/hub/swarmhub/server", params=asked).status_code == 404
    assert httpx.get(f"{hub.url}/hub/swarmhub/server", params=asked).status_code == 403


def test_the_proxys_page_asks_what_has_happened(hub: HubProcess) -> None:
    """The proxy fetches it without anybody's cookies, so that it can tell nothing itself."""
    page = httpx.get(f"{hub.url}/hub/error/503", params={"url": "/user/<script>/"})
    assert page.status_code == httpx.codes.OK
    assert 'id="swarmhub-state"' in page.text
    assert 'new URL("/hub/" + "swarmhub/server", window.location.origin)' in page.text
    assert "user/<script>" not in page.text
    assert "swarmhub-state" not in httpx.get(f"{hub.url}/hub/error/404").text
