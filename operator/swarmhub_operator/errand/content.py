"""Errands that work on the content of a volume.

    send [--idle SECONDS]                                   give it away, see `sender`
    receive [--idle SECONDS] [--replace] [--trusted]        fill it with what is brought: `receiver`
    receive [--idle SECONDS] [--replace] URL                fill it from a sender, verified
    digest                                                  tell what is in it

Each prints one JSON document a line: {"progress": bytes} at most once a second, and last
{"entries": n, "bytes": n, "digest": "..."}, to which may be added "sealed": true (the archive's
checksum was right), "kept": NAME (the folder with what was there before) and "changed": n (files
that changed while they were read), or {"error": "one sentence"}. Exit code 0 or 1.
Progress counts bytes of the archive, for `digest` of the files.
"""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from swarmhub_operator.decide.copying import IDLE, PORT, Outcome
from swarmhub_operator.decide.errands import VOLUME, Errand
from swarmhub_operator.errand.failure import CopyError
from swarmhub_operator.errand.fetch import fetch
from swarmhub_operator.errand.receiver import Receiver
from swarmhub_operator.errand.report import Report
from swarmhub_operator.errand.sender import Sender, digest
from swarmhub_operator.errand.web import sentence
from swarmhub_operator.loop.content import ContentError, Peer

TOKEN = "/run/secrets/token"  # noqa: S105 - a file name
KINDS = frozenset({Errand.SEND, Errand.RECEIVE, Errand.DIGEST})


def run(kind: Errand, arguments: Sequence[str]) -> int:
    """Run one errand and return its exit code."""
    given = _parser().parse_args([kind.value, *arguments])
    report = Report(sys.stdout)
    signal.signal(signal.SIGTERM, _stop)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a walk holds one a level
    try:
        return report.end(_carry_out(kind, given, report))
    except (CopyError, ContentError) as error:
        return report.end(Outcome(str(error)))
    except OSError as error:
        return report.end(Outcome(sentence(error)))


def _carry_out(kind: Errand, given: argparse.Namespace, report: Report) -> Outcome:
    volume = given.volume
    if kind is Errand.DIGEST:
        return digest(volume, report.advance)
    token = given.token.read_text().strip()
    if not token:
        raise CopyError("The token is empty.")
    address = ("0.0.0.0", given.port)  # noqa: S104 - reached on the errand's network
    if kind is Errand.SEND:
        return Sender(address, volume, token, given.idle, report).run()
    if given.source:
        peer = Peer(given.source, token, given.idle)
        return fetch(volume, peer, report, replace=given.replace)
    return Receiver(
        address,
        volume,
        token,
        given.idle,
        report,
        replace=given.replace,
        trusted=given.trusted,
    ).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("errand")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in sorted(KINDS):
        one = kinds.add_parser(kind.value)
        one.add_argument("--volume", type=Path, default=Path(VOLUME))
        if kind is Errand.DIGEST:
            continue
        one.add_argument("--idle", type=float, default=IDLE)
        one.add_argument("--port", type=int, default=PORT)
        one.add_argument("--token", type=Path, default=Path(TOKEN))
        if kind is Errand.RECEIVE:
            one.add_argument("--replace", action="store_true")
            one.add_argument("--trusted", action="store_true")
            one.add_argument("source", nargs="?", default="")
    return parser


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise CopyError("It was told to stop.")
