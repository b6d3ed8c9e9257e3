"""How a command ends badly: one sentence on standard error, no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer
from swarmhub_crds.errors import StoreError
from typer.core import TyperGroup

from swarmhub_operator import logs
from swarmhub_operator.cli.output import warn
from swarmhub_operator.cli.text import safe
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.loop.content import ContentError
from swarmhub_operator.settings import SettingsError

EXPECTED: Final = (StoreError, EngineError, ContentError, SettingsError)  # each is one sentence
TROUBLE: Final = 1  # exit code: not found, no store, or something needs a person


class Commands(TyperGroup):
    """A group of commands whose expected failures are sentences and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command.

        Raises:
            typer.Exit: 1 when store, engine or errand refused, or a setting is wrong; 0 when
                whoever read the output has gone.
        """
        logs.silence()
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except EXPECTED as error:
            warn(safe(str(error)))
            raise typer.Exit(TROUBLE) from error
        except BrokenPipeError as error:
            discard_output()
            raise typer.Exit(0) from error
        return result


@contextmanager
def failing_with(code: int) -> Iterator[None]:
    """Let what goes wrong in a block end with another exit code, where 1 means something else.

    Raises:
        typer.Exit: `code`, after the sentence.
    """
    try:
        yield
    except EXPECTED as error:
        warn(safe(str(error)))
        raise typer.Exit(code) from error


def discard_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush is silent."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
