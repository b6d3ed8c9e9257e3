"""The errand that fills a volume with what is brought: a small server.

    GET /size      {"entries": n, "bytes": n}: what is there, and would be replaced
    PUT /content   the archive, in chunks; answered, once all of it is there, by lines of JSON: a
                   {"progress": bytes} each second, and last the outcome
    GET /outcome   {} or how it went, if the connection of the other has broken off
    POST /done     it may end

Each needs `Authorization: Bearer TOKEN`. One archive is taken. Without a request for some time it
ends by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock

from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.errand.failure import CopyError
from swarmhub_operator.errand.fill import before, fill
from swarmhub_operator.errand.report import EVERY, Report
from swarmhub_operator.errand.staging import left_out
from swarmhub_operator.errand.tree import measure
from swarmhub_operator.errand.web import Desk, Office, sentence


class Receiver(Office):
    """Fills `volume`; with `replace`, what is there is removed."""

    def __init__(
        self,
        address: tuple[str, int],
        volume: Path,
        token: str,
        idle: float,
        report: Report,
        *,
        replace: bool,
        trusted: bool,
    ) -> None:
        super().__init__(address, _ReceiverDesk, token, idle)
        self.volume = volume
        self.report = report
        self._keep = "" if replace else before(datetime.now(UTC))
        self._trusted = trusted
        self._first = Lock()

    def is_first(self) -> bool:
        """Tell, once, that an archive may be taken."""
        return self._first.acquire(blocking=False)

    def fill(self, chunks: Iterator[bytes]) -> Outcome:
        """Fill the volume and return how it went."""
        try:
            return fill(
                self.volume,
                chunks,
                self.report,
                keep=self._keep,
                trusted=self._trusted,
                verify=lambda _: None,
            )
        except (CopyError, OSError) as error:
            return Outcome(sentence(error))


class _ReceiverDesk(Desk):
    server: Receiver

    def answer(self, request: str) -> None:
        match request:
            case "GET /size":
                size = measure(self.server.volume, left_out(self.server.volume))
                self.tell({"entries": size.entries, "bytes": size.content})
            case "PUT /content":
                self._take()
            case _:
                self.unknown()

    def _take(self) -> None:
        if not self.server.is_first():
            raise CopyError("A second archive was brought; one is taken.")
        whole = Event()
        with ThreadPoolExecutor(1, "fill") as pool:
            filling = pool.submit(self.server.fill, self._body(whole))
            while not whole.wait(EVERY / 10) and not filling.done():
                pass
            if whole.is_set():
                with suppress(OSError):  # who brought it may have gone; it is there all the same
                    self.stream(self._lines(filling))
        outcome = filling.result()
        self.server.close_down(outcome)
        self.close_connection = True
        if whole.is_set():
            self.server.leave()

    def _body(self, whole: Event) -> Iterator[bytes]:
        yield from self.body()
        whole.set()

    def _lines(self, filling: Future[Outcome]) -> Iterator[bytes]:
        while True:
            try:
                outcome = filling.result(EVERY)
            except NotYet:
                yield _line({"progress": self.server.report.done})
            else:
                yield _line(outcome.document())
                return


def _line(document: object) -> bytes:
    return json.dumps(document).encode() + b"\n"
