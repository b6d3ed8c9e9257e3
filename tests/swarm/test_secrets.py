"""A notebook's secrets are in the store's one table and in its Swarm secret, and nowhere else."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import look
from support.hub import HubError, HubUser, StartFailedError
from support.stack import HubStack
from support.waiting import wait_for

FILE = "/run/secrets/swarmhub-env"
STOCK = "127.0.0.1:5000/test/stock:latest"  # named in hub_config.py too
OWN_SECRET = "correct horse battery staple"

# The entry point and the command of Jupyter's community images, in small: `start.sh` runs hooks and
# what it is given, `start-notebook.py` chooses the server by the token that it finds.
_STOCK = r"""
FROM {base}
USER root
RUN printf '%s\n' '#!/bin/bash' 'set -e' 'if [ $# -eq 0 ]; then cmd=(bash); else cmd=("$@"); fi' \
      'echo "Executing the command: ${{cmd[*]}}"' 'exec "${{cmd[@]}}"' >/usr/local/bin/start.sh \
 && printf '%s\n' '#!/usr/bin/env python3' 'import os, sys' \
      'if "JUPYTERHUB_API_TOKEN" not in os.environ: sys.exit("no JupyterHub, no server")' \
      'os.execvp("jupyterhub-singleuser", ["jupyterhub-singleuser", *sys.argv[1:]])' \
      >/usr/local/bin/start-notebook.py \
 && chmod 755 /usr/local/bin/start.sh /usr/local/bin/start-notebook.py
USER 1000:100
ENTRYPOINT ["tini", "-g", "--", "start.sh"]
CMD ["start-notebook.py"]
"""

# Prints the secrets that the store holds for a notebook, and each other table that shows one.
_STORE = """
import json, sqlite3, sys
store = sqlite3.connect("file:/srv/swarmhub/state/state.db?mode=ro", uri=True)
uid = store.execute("SELECT uid FROM notebooks WHERE name = ?", sys.argv[1:2]).fetchone()[0]
row = store.execute("SELECT environment FROM secret_environments WHERE uid = ?", [uid]).fetchone()
held = json.loads(row[0]) if row else {}
needles = sys.argv[2:] or list(held.values())
tables = [name for name, in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
shown = [
    table for table in tables if table != "secret_environments"
    and any(n in str(r) for r in store.execute(f'SELECT * FROM "{table}"') for n in needles)
]
print(json.dumps([held, shown]))
"""

# Prints the files below a folder that hold a text, were it in free pages of a database.
_FILES = """
import pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*"):
    if path.is_file() and sys.argv[2].encode() in path.read_bytes():
        print(path)
"""


def _in_store(stack: HubStack, name: str, *needles: str) -> tuple[dict[str, str], list[str]]:
    """Return a notebook's secrets and the other tables that show one of them, or a needle."""
    hub = look.stack_container(stack.engine, "hub")
    said = stack.engine.docker("exec", hub, "python3", "-c", _STORE, name, *needles)
    held, shown = json.loads(said)
    return held, shown


def _token(stack: HubStack, name: str) -> str:
    return _in_store(stack, name)[0].get("JUPYTERHUB_API_TOKEN", "")


def _places(stack: HubStack, user: HubUser, name: str) -> dict[str, str]:
    """Return everything that somebody who may not read secrets gets to see of a notebook."""
    engine = stack.engine
    service = f"jupyter-{name}"
    tasks = engine.docker("service", "ps", "--quiet", service).split()
    containers = engine.docker(
        "ps", "--all", "--quiet", "--filter", f"label=swarmhub.notebook={name}"
    ).split()
    listed = {
        kind: engine.docker(kind, "ls", "--quiet").split() for kind in ("secret", "config", "node")
    }
    stack_services = ("hub", "operator", "proxy")
    since = ("--since", "20m", "--until", "0s")
    return {
        "service": engine.docker("service", "inspect", service),
        "tasks": engine.docker("inspect", "--type", "task", *tasks),
        "containers": engine.docker("inspect", *containers),
        **{
            f"{kind}s": engine.docker(kind, "inspect", *ids) if ids else ""
            for kind, ids in listed.items()
        },
        "events": engine.docker("events", *since),
        **{
            f"log of {one}": look.log(engine, look.stack_container(engine, one))
            for one in stack_services
        },
        **{f"log of {ident}": look.log(engine, ident) for ident in containers},
        **{
            f"get {shape}": stack.swarmhub("get", "notebook", name, "-o", shape)
            for shape in ("json", "yaml", "wide")
        },
        "describe": stack.swarmhub("describe", "notebook", name),
        "status": stack.pipe("status").stdout.decode(),
        "hub's answer": json.dumps(user.user_model(user.name)),
        "home page": user.page("/hub/home"),
        "page of tokens": user.page("/hub/token"),
        "spawn page": user.page(f"/hub/spawn-pending/{name}"),
    }


def _showing(places: dict[str, str], *needles: str) -> list[str]:
    return [place for place, text in places.items() if any(n in text for n in needles)]


def test_token_is_nowhere_but_in_the_secret(hub_stack: HubStack) -> None:
    """Nor is what `secret_environment` names; when the server stops the store forgets both."""
    engine = hub_stack.engine
    user = hub_stack.login("mia")
    user.start()
    printed = user.run_code(
        "import os; print(os.environ['JUPYTERHUB_API_TOKEN']); print(os.environ['DB_PASSWORD'])"
    )
    token, password = printed.splitlines()
    assert len(token) >= 32
    assert password == OWN_SECRET
    container = look.notebook_container(engine, "mia")
    secret = engine.docker("exec", container, "cat", FILE)
    assert token in secret
    assert password in secret
    assert FILE in engine.docker("exec", container, "sh", "-c", "mount")
    assert _showing(_places(hub_stack, user, "mia"), token, password) == []
    held, shown = _in_store(hub_stack, "mia")
    assert {held["JUPYTERHUB_API_TOKEN"], held["DB_PASSWORD"]} == {token, password}
    assert shown == []
    user.stop()
    assert _in_store(hub_stack, "mia", token, password) == ({}, [])
    assert look.secrets(engine, "swarmhub.notebook=mia") == []
    hub = look.stack_container(engine, "hub")
    files = ("exec", hub, "python3", "-c", _FILES, "/srv/swarmhub/hub")
    assert engine.docker(*files, token) == ""


def test_a_failed_start_tells_its_reason_and_no_secret(hub_stack: HubStack) -> None:
    """While it is tried again and after it was given up: on the page, in the API, in the logs."""
    name = "crash-nia"
    user = hub_stack.login(name)
    with ThreadPoolExecutor(1) as meanwhile:
        start = meanwhile.submit(user.start)
        token = wait_for("the record of the start", lambda: _token(hub_stack, name))
        told = start.exception(timeout=120)
    assert isinstance(told, HubError | StartFailedError)
    assert "disk of dreams" in str(told)
    pages = {
        "API": str(told),
        "spawn page": user.page(f"/hub/spawn-pending/{name}"),
        "spawn": user.page(f"/hub/spawn/{name}"),
        "record": hub_stack.swarmhub("get", "notebook", name, "-o", "json"),
        "description": hub_stack.swarmhub("describe", "notebook", name),
        **{
            service: look.log(hub_stack.engine, look.stack_container(hub_stack.engine, service))
            for service in ("hub", "operator", "proxy")
        },
    }
    assert "disk of dreams" in pages["record"]
    assert _showing(pages, token) == []
    wait_for("the store to forget it", lambda: _in_store(hub_stack, name, token) == ({}, []))


@pytest.fixture
def stock_image(hub_stack: HubStack) -> Iterator[str]:
    """Yield an image that is started as Jupyter's community images are."""
    engine = hub_stack.engine
    base = engine.docker(
        "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "127.0.0.1:5000/swarmhub/singleuser"
    ).split()[0]
    engine.docker("build", "--tag", STOCK, "-", input=_STOCK.format(base=base), timeout=300)
    engine.docker("push", STOCK, timeout=120)
    yield STOCK
    engine.docker("image", "rm", "--force", STOCK)


def test_the_community_images_start_as_they_are(hub_stack: HubStack, stock_image: str) -> None:
    """Under their own entry point, with their own command, which looks for the token."""
    user = hub_stack.login("stock-olga")
    user.start()
    container = look.notebook_container(hub_stack.engine, "stock-olga")
    spec = look.services(hub_stack.engine, "swarmhub.notebook=stock-olga")[0]["Spec"]
    assert stock_image in spec["TaskTemplate"]["ContainerSpec"]["Image"]
    assert "Command" not in spec["TaskTemplate"]["ContainerSpec"]
    # The engine's init process, then all of the image's own entry point.
    first = hub_stack.engine.docker("exec", container, "cat", "/proc/1/cmdline").split("\0")
    assert first[1:5] == ["--", "tini", "-g", "--"]
    assert "start.sh" in first
    said = look.log(hub_stack.engine, container)
    assert "Executing the command: sh -c" in said
    assert "tini" not in said
    token = user.run_code("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])").strip()
    assert token not in said
    user.stop()


def test_any_image_with_a_shell_will_do(hub_stack: HubStack) -> None:
    """Busybox, which knows nothing of Jupyter, gets the secrets and serves."""
    user = hub_stack.login("plain-pim")
    user.start()
    container = look.notebook_container(hub_stack.engine, "plain-pim")
    everyone = ("exec", container, "sh", "-c", "cat /proc/[0-9]*/environ")
    environment = hub_stack.engine.docker(*everyone).split("\0")
    assert f"JUPYTERHUB_API_TOKEN={_token(hub_stack, 'plain-pim')}" in environment
    assert f"DB_PASSWORD={OWN_SECRET}" in environment
    user.stop()
