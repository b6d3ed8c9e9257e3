"""The errand that gives a volume's content away: a small server that only reads.

    GET /size      {"entries": n, "bytes": n, "archive": n}: what is there, and about how many
                   bytes its archive has
    GET /content   the archive: tar (without sockets, which it cannot carry), then its seal
    GET /digest    202 {"progress": bytes} while it is made, then 200 and the outcome
    GET /outcome   {} or how it went
    POST /done     it may end

Each needs `Authorization: Bearer TOKEN`. Without a request for some time it ends by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from threading import Lock, Thread

from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.errand.archive import Packing
from swarmhub_operator.errand.failure import CopyError
from swarmhub_operator.errand.report import Report
from swarmhub_operator.errand.seal import seal
from swarmhub_operator.errand.staging import left_out
from swarmhub_operator.errand.tree import measure, read
from swarmhub_operator.errand.web import Desk, Office, sentence


class Sender(Office):
    """Gives away what is in `volume`."""

    def __init__(
        self, address: tuple[str, int], volume: Path, token: str, idle: float, report: Report
    ) -> None:
        super().__init__(address, _SenderDesk, token, idle)
        self.volume = volume
        self.report = report
        self.read = 0  # bytes, for the digest
        self._digest: Outcome | None = None
        self._begun = False
        self._lock = Lock()

    def digest(self) -> Outcome | None:
        """Return the digest; None while it is made, which the first call begins."""
        with self._lock:
            if not self._begun:
                self._begun = True
                Thread(target=self._make_digest, name="digest", daemon=True).start()
            return self._digest

    def _make_digest(self) -> None:
        self._digest = digest(self.volume, self._advance)

    def _advance(self, count: int) -> None:
        self.read += count

    def content(self) -> Iterator[bytes]:
        """Yield the archive, sealed.

        Raises:
            CopyError: something cannot be read.
        """
        packing = Packing(self.volume, left_out(self.volume))
        for chunk in seal(packing.chunks()):
            yield chunk
            self.report.advance(len(chunk))
        self.close_down(Outcome(changed=packing.changed))

    def run(self) -> Outcome:
        """Serve to the end, and return how it went, with the digest if anybody wanted one."""
        outcome = super().run()
        known = self._digest
        if known is None or outcome.error:
            return outcome
        return replace(known, changed=outcome.changed)


class _SenderDesk(Desk):
    server: Sender

    def answer(self, request: str) -> None:
        match request:
            case "GET /size":
                size = measure(self.server.volume, left_out(self.server.volume))
                told = {"entries": size.entries, "bytes": size.content, "archive": size.archive}
                self.tell(told)
            case "GET /content":
                self.stream(self.server.content())
            case "GET /digest":
                self._digest()
            case _:
                self.unknown()

    def _digest(self) -> None:
        made = self.server.digest()
        if made is None:
            self.tell({"progress": self.server.read}, HTTPStatus.ACCEPTED)
        else:
            self.tell(made.document())


def digest(volume: Path, advance: Callable[[int], None]) -> Outcome:
    """Return what is in a volume."""
    try:
        tree = read(volume, left_out(volume), advance)
    except (CopyError, OSError) as error:
        return Outcome(sentence(error))
    return Outcome("", tree.entries, tree.size, tree.digest)
