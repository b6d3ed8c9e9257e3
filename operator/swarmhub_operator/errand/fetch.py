"""The errand that fills a volume with what another node gives away."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.errand.failure import CopyError
from swarmhub_operator.errand.fill import before, fill
from swarmhub_operator.errand.report import Report
from swarmhub_operator.loop.content import ContentError, Peer

REACHED_WITHIN = 60.0  # seconds; the overlay takes a moment to know a new address
_POLL = 0.5  # seconds


class _Digest:
    """The sender's digest, asked for at once: both sides then read at the same time."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._outcome: Outcome | None = None
        self._thread = Thread(target=self._ask, name="digest", daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        try:
            while (outcome := self._peer.digest()) is None:
                time.sleep(_POLL)
        except ContentError as error:
            outcome = Outcome(str(error))
        self._outcome = outcome

    def verify(self, received: Outcome) -> None:
        """Hold what was received against what was sent.

        Raises:
            CopyError: they differ, or cannot be compared.
        """
        self._thread.join()
        sent = self._outcome or Outcome("The sender gives no digest.")
        if sent.error:
            raise CopyError(f"The copy cannot be verified: {sent.error}")
        if not received.sealed:
            raise CopyError("The archive came without its checksum; try again.")
        if received.digest != sent.digest:
            raise CopyError(
                f"The copy differs from what was sent ({received.entries} entries with "
                f"{received.size} bytes, sent were {sent.entries} with {sent.size}); "
                "it was discarded, try again."
            )


def fetch(volume: Path, peer: Peer, report: Report, *, replace: bool) -> Outcome:
    """Fill a volume from a sender; what it sends is trusted, and must arrive as it was.

    Raises:
        ContentError: the sender cannot be reached, or breaks off; the volume is as it was.
        CopyError, OSError: as `fill`.
    """
    for attempt in Retrying(
        retry=retry_if_exception_type(ContentError),
        stop=stop_after_delay(REACHED_WITHIN),
        wait=wait_fixed(_POLL),
        reraise=True,
    ):
        with attempt:
            peer.outcome()  # it answers
    digest = _Digest(peer)
    keep = "" if replace else before(datetime.now(UTC))
    outcome = fill(volume, peer.content(), report, keep=keep, trusted=True, verify=digest.verify)
    peer.done()
    return outcome
