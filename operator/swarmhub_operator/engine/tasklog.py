"""Logs of a single task; the SDK has those of a service alone, which mix its tasks.

The engine sends frames: eight bytes (which stream, three of zero, the length) and as many of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, Final

_HEAD: Final = 8  # bytes
_CONNECT_S: Final = 10


def read(api: Any, task_id: str, timeout: float, **params: str) -> bytes:
    """Return what a task wrote, as far as `params` ask for it.

    Args:
        api: the SDK's low-level client.
        task_id: full id.
        timeout: seconds.
        params: of GET /tasks/{id}/logs.

    Raises:
        Exception: whatever the client raises.
    """
    response = api.get(_url(api, task_id), params=params, timeout=timeout)
    response.raise_for_status()
    return b"".join(frames([bytes(response.content)]))


def stream(api: Any, task_id: str, silence: float | None, **params: str) -> Iterator[bytes]:
    """Give what a task wrote piece by piece, as it comes.

    Args:
        api: the SDK's low-level client.
        task_id: full id.
        silence: seconds between two pieces after which it is given up; None: never.
        params: of GET /tasks/{id}/logs.

    Raises:
        Exception: whatever the client raises.
    """
    timeout = (_CONNECT_S, silence)
    response = api.get(_url(api, task_id), params=params, timeout=timeout, stream=True)
    with closing(response):
        response.raise_for_status()
        yield from frames(response.iter_content(None))  # as it arrives


def frames(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Split chunks of the engine's stream, cut anywhere, into the texts of frames.

    What a container with a terminal writes has no frames, and goes through as it is. A last frame
    that is cut off is given as far as it goes.
    """
    pending, raw = b"", False
    for chunk in chunks:
        pending += chunk
        if raw or not _is_head(pending):
            raw = True
            yield pending
            pending = b""
        while len(pending) >= _HEAD:
            end = _HEAD + int.from_bytes(pending[4:_HEAD], "big")
            if len(pending) < end:
                break
            yield pending[_HEAD:end]
            pending = pending[end:]
    if pending[_HEAD:]:
        yield pending[_HEAD:]


def _is_head(begun: bytes) -> bool:
    """Tell whether this may be the begin of a frame: which stream, and three bytes of zero."""
    return begun[:1] in (b"", b"\0", b"\1", b"\2") and not begun[1:4].strip(b"\0")


def _url(api: Any, task_id: str) -> str:
    return f"{api.base_url}/v{api.api_version}/tasks/{task_id}/logs"
