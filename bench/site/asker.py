"""Asks a hub's API something small, again and again, until its standard input ends.

    python asker.py URL TOKEN_FILE EVERY

Then prints how many seconds each answer took, as one JSON list; an answer that is none counts as
infinitely late.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from threading import Event, Thread

import httpx

_ANSWERED_WITHIN = 60.0  # seconds


def ask(url: str, token: str, every: float, over: Event) -> list[float]:
    """Ask until it is over."""
    taken: list[float] = []
    headers = {"Authorization": f"token {token}"}
    with httpx.Client(
        base_url=url, headers=headers, timeout=_ANSWERED_WITHIN, trust_env=False
    ) as client:
        while not over.wait(every):
            began = time.perf_counter()
            try:
                client.get("/hub/api/user").raise_for_status()
            except httpx.HTTPError:
                taken.append(float("inf"))
            else:
                taken.append(time.perf_counter() - began)
    return taken


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
