"""Asks an errand that gives or takes the content of a volume (see `errand.sender`, `receiver`)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from swarmhub_operator.decide.copying import Outcome, read_outcome

CHUNK = 1 << 18  # bytes
# An address whose container has gone answers nothing, not even a refusal. Seconds.
CONNECTED_WITHIN = 10.0
SIZE_WITHIN = 3600.0  # seconds in which all files of a home are counted
ANSWER_WITHIN = 300.0  # seconds without a sign of life


class ContentError(Exception):
    """An errand did not do what it was asked for; `str()` is one sentence."""


class Peer:
    """An errand, as its asker sees it."""

    def __init__(self, url: str, token: str, within: float = ANSWER_WITHIN) -> None:
        """Connect to nothing yet.

        Args:
            url: http://ADDRESS:PORT.
            token: that it knows, too.
            within: seconds after which silence is a failure.
        """
        self._address = urlsplit(url).netloc
        self._headers = {"Authorization": f"Bearer {token}"}
        self._within = within
        self._outcome: Outcome | None = None  # once it has been told; the errand may then be gone

    def size(self) -> dict[str, int]:
        """Return what the volume holds: `entries`, `bytes`, and of a sender `archive` (bytes).

        Raises:
            ContentError: it does not answer, or cannot tell.
        """
        told = self._ask("GET", "/size", max(self._within, SIZE_WITHIN))[1]
        return {name: number for name, number in told.items() if isinstance(number, int)}

    def digest(self) -> Outcome | None:
        """Return the digest of the volume; None while it is made, which the first call begins.

        Raises:
            ContentError: it does not answer, or cannot tell.
        """
        status, told = self._ask("GET", "/digest")
        return None if status == HTTPStatus.ACCEPTED else _outcome(told)

    def outcome(self) -> Outcome | None:
        """Return how it went; None if it goes on.

        Raises:
            ContentError: it does not answer.
        """
        if self._outcome is not None:
            return self._outcome
        status, told = self._asked("GET", "/outcome")
        if status != HTTPStatus.OK:
            raise ContentError(_refusal(status, told))
        return _outcome(told) if told else None

    def done(self) -> None:
        """Tell it that it may end; one that has told its outcome, or is gone, knows."""
        if self._outcome is not None:
            return
        try:
            self._ask("POST", "/done")
        except ContentError:
            return

    def content(self) -> Iterator[bytes]:
        """Yield the archive of the volume.

        Raises:
            ContentError: it breaks off.
        """
        with self._connected() as connection, self._explained():
            connection.request("GET", "/content", headers=self._headers)
            response = connection.getresponse()
            if response.status != HTTPStatus.OK:
                raise ContentError(_refusal(response.status, json.loads(response.read())))
            while chunk := response.read(CHUNK):
                yield chunk

    def put(self, chunks: Iterable[bytes], advance: Callable[[], None]) -> Outcome:
        """Bring an archive, and return what came of it.

        Args:
            chunks: the archive; what it raises (no OSError) passes through.
            advance: is called each second while the archive is verified.

        Raises:
            ContentError: it is refused, or the connection breaks off and it is unknown what came
                of it.
        """
        headers = {**self._headers, "Transfer-Encoding": "chunked"}
        with self._connected() as connection, self._explained():
            connection.request("PUT", "/content", chunks, headers, encode_chunked=True)
            response = connection.getresponse()
            if response.status != HTTPStatus.OK:
                raise ContentError(_refusal(response.status, json.loads(response.read())))
            told: dict[str, Any] = {}
            while line := response.readline():
                told = json.loads(line)
                advance()
        outcome = self._outcome = _outcome(told)
        if outcome.error:
            raise ContentError(outcome.error)
        return outcome

    @contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        patience = min(CONNECTED_WITHIN, self._within)
        connection = http.client.HTTPConnection(self._address, timeout=patience)
        try:
            connection.connect()
        except OSError as error:
            raise ContentError(_unreachable(self._address, error)) from error
        try:
            connection.sock.settimeout(self._within)
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn a connection that broke off into what the other says about it."""
        try:
            yield
        except (http.client.HTTPException, OSError, ValueError) as error:
            known = self.outcome()
            if known is not None and known.error:
                raise ContentError(known.error) from error
            raise ContentError("The connection to the home's node broke off; try again.") from error

    def _ask(
        self, method: str, path: str, within: float | None = None
    ) -> tuple[int, dict[str, Any]]:
        status, told = self._asked(method, path, within)
        if status >= HTTPStatus.BAD_REQUEST or "error" in told:
            raise ContentError(_refusal(status, told))
        return status, told

    def _asked(
        self, method: str, path: str, within: float | None = None
    ) -> tuple[int, dict[str, Any]]:
        with self._connected() as connection:
            connection.sock.settimeout(within or self._within)
            try:
                connection.request(method, path, headers=self._headers)
                response = connection.getresponse()
                told = json.loads(response.read())
            except (http.client.HTTPException, OSError, ValueError) as error:
                raise ContentError(_unreachable(self._address, error)) from error
        return response.status, told


def _outcome(told: dict[str, Any]) -> Outcome:
    try:
        return read_outcome(told)
    except ValueError as error:
        raise ContentError(f"The errand gives no answer that is understood ({told!r}).") from error


def _refusal(status: int, told: dict[str, Any]) -> str:
    return str(told.get("error", f"The errand answers {status}."))


def _unreachable(address: str, error: Exception) -> str:
    return f"The errand at {address} does not answer ({error or type(error).__name__})."
