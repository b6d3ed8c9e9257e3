"""What the product tells people: by `swarmhub status` and on the page of a server."""

import json
from typing import Any

import httpx
from support.hub import HubUser
from support.shell import CommandError
from support.stack import HubStack


def status(stack: HubStack) -> str:
    """Return what `swarmhub status` prints, also when something needs a person."""
    return _status(stack)


def store_uid(stack: HubStack) -> str:
    """Return the uid of the product's store, which is on all that it has made."""
    found: dict[str, Any] = json.loads(_status(stack, "-o", "json"))
    return str(found["store"]["uid"])


def _status(stack: HubStack, *options: str) -> str:
    try:
        return stack.swarmhub("status", *options)
    except CommandError as wrong:
        if wrong.returncode != 1 or not wrong.stdout:
            raise
        return wrong.stdout


def notebook(stack: HubStack, name: str) -> dict[str, Any]:
    """Return the status of a notebook's record."""
    found: dict[str, Any] = json.loads(stack.swarmhub("get", "notebook", name, "-o", "json"))
    status: dict[str, Any] = found["status"]
    return status


def serves(user: HubUser) -> bool:
    """Whether who opens a user's server comes to it, not to the proxy's or the hub's word on it."""
    try:
        with user.server() as client:
            answer = client.get("lab")
    except httpx.RequestError:
        return False
    # The hub sends on whoever comes to a server that it has not found yet, with a page of its own.
    return answer.is_success and answer.url.path.startswith(f"/user/{user.name}/")


def page(user: HubUser) -> tuple[int, str]:
    """Open a user's server as a browser does, and return the status and what the user reads.

    The page of a server that does not answer asks the hub itself; so does this function.
    """
    with user.server() as client:
        answer = client.get("lab")
    if answer.status_code != 503 or "swarmhub/server" not in answer.text:
        return answer.status_code, answer.text
    told = json.loads(user.page(f"/hub/swarmhub/server?path=/user/{user.name}/lab"))
    return answer.status_code, str(told["message"])
