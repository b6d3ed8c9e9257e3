"""`swarmhub version`."""

from __future__ import annotations

from importlib.metadata import version as version_of

from swarmhub_crds.sqlstore.tables import SCHEMA_VERSION

from swarmhub_operator.cli import output


def version() -> None:
    """Show the version and the state schema."""
    output.write(f"swarmhub {version_of('swarmhub-operator')} (state schema {SCHEMA_VERSION})")
