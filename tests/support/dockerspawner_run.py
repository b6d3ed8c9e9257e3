"""Starts or stops one server by a spawner of another package, with that package's Python.

Usage: python dockerspawner_run.py start|stop CLASS USER, with the options as JSON on standard
input; of a stop also the state that the start has printed, as the option "state".
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from jupyterhub import orm
from jupyterhub.objects import Hub
from jupyterhub.user import User
from traitlets import import_item
from traitlets.config import Config


async def main(action: str, kind: str, name: str) -> None:
    """Do what a hub does for the user's default server, but for the wait for its answer."""
    options = json.load(sys.stdin)
    state = options.pop("state", None)
    spawner = _user(kind, name, options).spawners[""]
    if action == "start":
        spawner.api_token = "the-token-of-the-old-hub"
        await spawner.start()
        json.dump(spawner.get_state(), sys.stdout)
    else:
        spawner.load_state(state)
        await spawner.stop()


def _user(kind: str, name: str, options: dict[str, Any]) -> Any:
    database = orm.new_session_factory("sqlite:///:memory:")()
    row = orm.User(name=name)
    database.add(row)
    database.commit()
    spawner_class = import_item(kind)
    settings = {
        "spawner_class": spawner_class,
        "config": Config({spawner_class.__name__: options}),
        "hub": Hub(public_host="", cookie_name="x", base_url="/hub/"),
        "cookie_options": {},
        "base_url": "/",
    }
    return User(row, settings, database)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
