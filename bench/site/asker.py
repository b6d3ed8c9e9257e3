"""Asks a hub's API something small, again and again, until its standard input ends.

    python asker.py URL TOKEN_FILE EVERY

Then prints how many seconds each answer took, as one JSON list; an answer that is none counts as
infinitely late. It takes next to nothing of the cores that it shares with what is measured.
"""

from __future__ import annotations

import json
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from math import inf
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

_ANSWERED_WITHIN = 60.0  # seconds


def ask(url: str, token: str, every: float, over: Event) -> list[float]:
    """Ask until it is over."""
    taken: list[float] = []
    hub = HTTPConnection(urlsplit(url).netloc, timeout=_ANSWERED_WITHIN)
    while not over.wait(every):
        began = time.perf_counter()
        answered = _ask(hub, token)
        taken.append(time.perf_counter() - began if answered else inf)
    return taken


def _ask(hub: HTTPConnection, token: str) -> bool:
    """Whether the hub answers well, on a connection that is kept."""
    try:
        hub.request("GET", "/hub/api/user", headers={"Authorization": f"token {token}"})
        with hub.getresponse() as answer:
            answer.read()
            return answer.status == HTTPStatus.OK
    except (OSError, HTTPException):
        hub.close()
        return False


def main(url: str, token_file: str, every: str) -> None:
    """Ask, and print."""
    over = Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    Thread(target=wait, daemon=True).start()
    sys.stdout.write(json.dumps(ask(url, Path(token_file).read_text(), float(every), over)))


if __name__ == "__main__":
    main(*sys.argv[1:])
