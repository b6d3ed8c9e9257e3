"""`make up INTERNAL_SSL=on`: hub, proxy and notebooks speak mutual TLS, and nobody else gets in."""

import json
import re
from collections.abc import Iterator

import pytest
from selenium.webdriver.remote.webdriver import WebDriver
from support import look
from support.fixtures import OUTPUT
from support.hub import HubError, HubUser
from support.knock import KNOCK
from support.page import see_start_and_stop
from support.stack import HubStack
from support.waiting import wait_for

PEM = "/run/secrets/swarmhub-env"


@pytest.fixture(scope="module")
def mutual(hub_stack: HubStack) -> Iterator[HubStack]:
    """Yield the product with internal_ssl on; afterwards it is off again."""
    done = hub_stack.up(INTERNAL_SSL="on", SWARMHUB_CULL_TIMEOUT="3600")
    try:
        assert done.returncode == 0, done.stdout
        assert "speak mutual TLS" in done.stdout
        yield hub_stack
    finally:
        done = hub_stack.up(INTERNAL_SSL="off", HUB_SETTINGS="default")
    assert done.returncode == 0, done.stdout
    assert look.secrets(hub_stack.engine, "swarmhub.internal-ssl") == []


@pytest.fixture(scope="module")
def uma(mutual: HubStack) -> Iterator[HubUser]:
    """Yield a user whose server runs."""
    user = mutual.login("uma")
    user.start()
    yield user
    user.stop()


def _address(stack: HubStack, name: str) -> tuple[str, int]:
    record = json.loads(stack.swarmhub("get", "notebook", name, "-o", "json"))
    found = re.fullmatch(r"https://(\S+):(\d+)", record["status"]["address"])
    assert found is not None, record["status"]["address"]
    return found[1], int(found[2])


def test_people_work_as_ever(mutual: HubStack, uma: HubUser) -> None:
    """Through the proxy: files, a kernel's websocket; under a name that is this start's own."""
    uma.put_file("note.txt", "kept")
    assert uma.get_file("note.txt") == "kept"
    assert uma.run_code("print(6 * 7)").strip() == "42"
    host, _ = _address(mutual, "uma")
    assert re.fullmatch(r"jupyter-uma---s[0-9a-f]{12}", host)
    environment = uma.run_code(
        "import os; print(*(os.environ[f'JUPYTERHUB_{n}'] for n in ('API_URL', 'SSL_KEYFILE')))"
    )
    assert environment.split() == ["https://hub:8081/hub/api", PEM]


def test_a_notebook_takes_nobody_but_hub_and_proxy(mutual: HubStack, uma: HubUser) -> None:
    """Asked from another user's notebook, which has a certificate of the hub's for itself."""
    vic = mutual.login("vic")
    vic.start()
    host, port = _address(mutual, "uma")
    said = vic.run_code(
        f"{KNOCK}\nprint(*(knock({host!r}, {port}, how) for how in ('plain', 'no', {PEM!r})))"
    )
    assert said.split() == ["refused"] * 3
    vic.stop()
    pair = "/srv/swarmhub/hub/internal-ssl/hub-internal/hub-internal"
    by_hub = (
        f"{KNOCK}\n"
        f"open('/tmp/pair.pem','w').write(open('{pair}.key').read()+open('{pair}.crt').read())\n"
        f"print(knock({host!r}, {port}, '/tmp/pair.pem'))"
    )
    hub = look.stack_container(mutual.engine, "hub")
    assert mutual.engine.docker("exec", hub, "python3", "-c", by_hub).strip() == "served"
    assert uma.run_code("print('undisturbed')").strip() == "undisturbed"


@pytest.mark.parametrize(("host", "port"), [("hub", 8081), ("proxy", 8001), ("hub", 8082)])
def test_hub_proxy_and_page_take_nobody_without_a_certificate(
    mutual: HubStack, uma: HubUser, host: str, port: int
) -> None:
    """None in plain text nor by TLS alone; a notebook proves who it is and is served."""
    said = uma.run_code(
        f"{KNOCK}\nprint(*(knock({host!r}, {port}, how) for how in ('plain', 'no', {PEM!r})))"
    )
    assert said.split() == ["refused", "refused", "served"]


def test_the_page_is_there(mutual: HubStack, browser: WebDriver) -> None:
    """The proxy reaches it, it reaches the hub, and the hub does not miss it."""
    user = mutual.login("page-ssl")
    picture = OUTPUT / "page-internal-ssl.png"
    see_start_and_stop(browser, mutual.url, mutual.admin_password, user, picture)
    log = look.log(mutual.engine, look.stack_container(mutual.engine, "hub"))
    assert "Error connecting to" not in log


def test_the_culler_proves_who_it_is(mutual: HubStack) -> None:
    """It is a process of its own that asks the hub's API."""
    hub = look.stack_container(mutual.engine, "hub")
    asked = re.compile(r"200 GET /hub/api/users\S* \(idle-culler@")
    wait_for("its first look", lambda: asked.search(look.log(mutual.engine, hub)))


def test_keys_are_where_they_belong(mutual: HubStack, uma: HubUser) -> None:
    """A notebook's key is in its secret alone, the authorities' keys never leave the hub."""
    engine = mutual.engine
    pem = uma.run_code(f"print(open({PEM!r}).read())")
    key = pem.split("PRIVATE KEY-----")[1].splitlines()[1]
    assert len(key) == 64
    hub = look.stack_container(engine, "hub")
    held = engine.docker("exec", hub, "grep", "-rl", "PRIVATE KEY", "/srv/swarmhub/hub")
    assert {"hub-ca.key", "notebooks-ca.key"} <= {path.split("/")[-1] for path in held.split()}
    assert "user-uma" not in held
    proxy = look.stack_container(engine, "proxy")
    brought = engine.docker("exec", proxy, "sh", "-c", "cat /run/secrets/*-ssl")
    assert brought.count("BEGIN RSA PRIVATE KEY") == 2
    authority = engine.docker(
        "exec", hub, "cat", "/srv/swarmhub/hub/internal-ssl/notebooks-ca/notebooks-ca.key"
    ).splitlines()[1]
    places = {
        "service": json.dumps(look.services(engine, "swarmhub.notebook=uma")),
        "container": engine.docker("inspect", look.notebook_container(engine, "uma")),
        "hub's log": look.log(engine, hub),
        "operator's log": look.log(engine, look.stack_container(engine, "operator")),
        "record": mutual.swarmhub("get", "notebook", "uma", "-o", "json"),
        "proxy": brought,
        "notebook": pem.replace(key, ""),
    }
    assert [place for place, text in places.items() if key in text or authority in text] == []


def test_a_crash_and_a_restart_of_the_hub_change_nothing(mutual: HubStack, uma: HubUser) -> None:
    """The certificate serves the restarted container, the authority the restarted hub.

    In between the proxy gets the hub's page about a server that does not answer.
    """
    engine = mutual.engine
    first = look.notebook_container(engine, "uma")
    look.kill_container(engine, first)
    assert "Your server does not answer at the moment." in uma.page("/user/uma/lab")
    wait_for("a new container", lambda: look.containers(engine, "swarmhub.notebook=uma") != [first])
    wait_for("it to answer", lambda: _answers(uma), timeout=60)
    look.kill_container(engine, look.stack_container(engine, "hub"))
    wait_for("the hub to know the server again", lambda: _is_ready(uma), timeout=60)
    assert uma.run_code("print('still mine')").strip() == "still mine"


def test_a_renewed_authority_takes_over(mutual: HubStack, uma: HubUser) -> None:
    """Hub and proxy get the new one at once, each server with its next start."""
    before = look.secrets(mutual.engine, "swarmhub.internal-ssl")
    uma.stop()
    done = mutual.up(INTERNAL_SSL="renew")
    assert done.returncode == 0, done.stdout
    after = look.secrets(mutual.engine, "swarmhub.internal-ssl")
    assert len(after) == len(before) == 2
    assert not set(before) & set(after)
    uma.start()
    assert uma.run_code("print('anew')").strip() == "anew"


def _answers(user: HubUser) -> bool:
    try:
        return user.run_code("print(1)").strip() == "1"
    except Exception:  # noqa: BLE001 - whatever it says while it is not up
        return False


def _is_ready(user: HubUser) -> bool:
    try:
        model = user.server_model()
    except (HubError, OSError, json.JSONDecodeError):
        return False
    return bool(model and model["ready"])
