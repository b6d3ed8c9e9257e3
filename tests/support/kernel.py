"""A kernel of a single-user server, spoken to over its websocket as a notebook page does."""

import json
import ssl
import time
import uuid
from types import TracebackType
from typing import Any, Self

import httpx
import websocket


class CodeError(RuntimeError):
    """Code in a kernel raised an exception; the message is its traceback."""


class Kernel:
    """A running kernel; a context manager that shuts it down.

    Attributes:
        id: the server's identifier of it.
    """

    def __init__(
        self,
        server: httpx.Client,
        token: str,
        timeout: float = 60,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        """Start a kernel and connect to it.

        Args:
            server: client whose base URL is the single-user server's.
            token: opens the websocket.
            timeout: seconds that the server may take for it.
            trusted: whom to believe, for a server behind TLS.
        """
        self._server = server
        answer = server.post("api/kernels", json={"name": "python3"}, timeout=timeout)
        answer.raise_for_status()
        self.id: str = answer.json()["id"]
        self._session = uuid.uuid4().hex
        address = server.base_url.join(f"api/kernels/{self.id}/channels")
        url = address.copy_with(scheme=address.scheme.replace("http", "ws"))
        self._socket = websocket.create_connection(
            f"{url}?session_id={self._session}",
            header={"Authorization": f"token {token}"},
            timeout=timeout,
            http_no_proxy=["*"],
            sslopt={"context": trusted} if trusted else None,
        )

    def run(self, code: str, timeout: float = 60) -> str:
        """Run code and return what it printed, followed by its last expression's value.

        Raises:
            CodeError: the code raised an exception.
            TimeoutError: it did not end within `timeout` seconds.
            websocket.WebSocketException: the connection broke.
        """
        asked = self._ask(code)
        deadline = time.monotonic() + timeout
        said: list[str] = []
        while True:
            message = self._receive(deadline)
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                said.append(content["text"])
            elif kind == "execute_result":
                said.append(content["data"]["text/plain"])
            elif kind == "error":
                raise CodeError("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(said)

    def _ask(self, code: str) -> str:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": self._session,
            "username": "",
            "version": "5.3",
        }
        request = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False, "allow_stdin": False},
            "channel": "shell",
        }
        self._socket.send(json.dumps(request))
        return header["msg_id"]

    def _receive(self, deadline: float) -> Any:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The kernel did not finish the code in time.")
        self._socket.settimeout(left)
        try:
            return json.loads(self._socket.recv())
        except websocket.WebSocketTimeoutException:
            raise TimeoutError("The kernel did not finish the code in time.") from None

    def close(self) -> None:
        """Disconnect and shut the kernel down, if its server still knows it."""
        self._socket.close()
        self._server.delete(f"api/kernels/{self.id}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
