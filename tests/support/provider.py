"""An OAuth 2.0 provider as small as can be: it believes that the browser is who the test says."""

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit


class Provider:
    """A context manager that serves while it is open.

    Attributes:
        url: where hub and browser reach it.
        client: the client's id and secret, which the hub must know.
        user: what the provider tells of whoever comes.
    """

    def __init__(self, address: str) -> None:
        self.client = ("the-hub", secrets.token_hex(16))
        self.user: dict[str, Any] = {}
        self._codes: set[str] = set()
        self._tokens: set[str] = set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._get(self)

            def do_POST(self) -> None:
                provider._post(self)

            def log_request(self, code: object = "-", size: object = "-") -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://{address}:{self._server.server_address[1]}"

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/authorize" and asked.get("client_id") == self.client[0]:
            code = secrets.token_hex(8)
            self._codes.add(code)
            request.send_response(302)
            back = urlencode({"code": code, "state": asked["state"]})
            request.send_header("Location", f"{asked['redirect_uri']}?{back}")
            request.end_headers()
        elif request.headers.get("Authorization", "").split()[-1:] and (
            request.headers["Authorization"].split()[-1] in self._tokens
        ):
            _answer(request, 200, self.user)
        else:
            _answer(request, 403, {"error": "access_denied"})

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        form = {key: values[0] for key, values in parse_qs(body).items()}
        known = (form.get("client_id"), form.get("client_secret")) == self.client
        if not known or form.get("code") not in self._codes:
            _answer(request, 401, {"error": "invalid_client"})
            return
        self._codes.remove(form["code"])
        token = secrets.token_hex(8)
        self._tokens.add(token)
        _answer(request, 200, {"access_token": token, "token_type": "Bearer"})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _answer(request: BaseHTTPRequestHandler, status: int, content: object) -> None:
    body = json.dumps(content).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
