"""Tells when servers answer HTTP, from inside of a network: one JSON object a line, in and out.

    in   {"id": "a", "host": "10.0.1.7", "port": 8888, "path": "/api", "every": 0.05, "within": 60}
    out  {"id": "a", "at": 1767603600.25}, or {"id": "a", "error": "…"}

Any HTTP answer counts. Needs nothing but Python, so that it can be started in any network.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any


async def answers(host: str, port: int, path: str, patience: float) -> bool:
    """Ask once; whether an HTTP answer came."""
    writer = None
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            await writer.drain()
            return (await reader.readline()).startswith(b"HTTP/")
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.close()


async def watch(target: dict[str, Any]) -> dict[str, Any]:
    """Ask until there is an answer, or the time is over."""
    deadline = time.monotonic() + float(target["within"])
    while time.monotonic() < deadline:
        if await answers(target["host"], target["port"], target["path"], target["within"]):
            return {"id": target["id"], "at": time.time()}
        await asyncio.sleep(target["every"])
    return {"id": target["id"], "error": f"no answer within {target['within']:g} s"}


async def _tell(target: dict[str, Any]) -> None:
    told = await watch(target)
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve lines until there are no more."""
    loop = asyncio.get_running_loop()
    under_way = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.create_task(_tell(json.loads(line)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)


if __name__ == "__main__":
    asyncio.run(main())
