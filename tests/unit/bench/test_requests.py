"""Requests to an engine, by its log."""

from __future__ import annotations

from bench.requests import requests, writes

_LOG = """
time="2026-01-05T09:00:00Z" level=debug msg="Calling GET /v1.41/services?filters=%7B%7D"
time="2026-01-05T09:00:00Z" level=debug msg="Calling POST /v1.41/services/create"
time="2026-01-05T09:00:00Z" level=debug msg="form data: {}"
time="2026-01-05T09:00:00Z" level=debug msg="Calling GET /_ping"
time="2026-01-05T09:00:00Z" level=debug msg="Calling POST /v1.41/services/abc/update?version=7"
time="2026-01-05T09:00:00Z" level=debug msg="Calling DELETE /v1.41/secrets/abc"
time="2026-01-05T09:00:00Z" level=debug msg="Calling GET /v1.41/containers/json?all=1"
"""


def test_requests_are_counted_by_kind() -> None:
    """Without ids and parameters."""
    counted = requests(_LOG.splitlines())
    assert counted == {
        "GET /services": 1,
        "POST /services/create": 1,
        "GET /_ping": 1,
        "POST /services/ID/update": 1,
        "DELETE /secrets/ID": 1,
        "GET /containers/json": 1,
    }
    assert writes(counted) == 3
