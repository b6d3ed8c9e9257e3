"""Loads a site's own files before they are deployed: what would end the hub is told to a person."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Final

from swarmhub_spawner.configuration import check_config, spawner_of
from swarmhub_spawner.errors import OptionError
from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from swarmhub_hub.people import settle
from swarmhub_hub.reading import SettingError, Settings
from swarmhub_hub.sitefiles import join_network, keep, ours, overridden, refuse_prefix

WITHIN_S: Final = 60


class _TooLongError(BaseException):
    """A file has not come to its end; not an Exception, so that it does not swallow this."""


def load(config: Config, settings: Settings, folder: Path, *, known: bool = False) -> list[str]:
    """Load the files into `config`, as the hub does, and have the spawner judge the whole.

    Args:
        config: what the settings make of the hub.
        settings: of the hub.
        folder: holds the files.
        known: whether a hub has run with these very files: then what fails here lies in this trial.

    Returns:
        A sentence for each thing that a person should know.

    Raises:
        SettingError: the hub would not start with them.
    """
    notes, site = [], Config()
    for file in sorted(folder.glob("*.py")):
        try:
            site.merge(_loaded(file))
        except _UntriedError as untried:
            notes.append(str(untried))
        except SettingError as failed:
            if not known:
                raise
            notes.append(str(failed))
    if found := overridden(site):
        notes.append(
            f"your file sets {', '.join(found)}, which the stack has set already: if it comes from "
            "another hub, leave that out (docs/migration.md)"
        )
    needed = ours(config)
    if network := os.environ.get("SWARMHUB_NETWORK"):
        config.SwarmHubSpawner.network_name = network  # as in the hub's own configuration
    config.merge(site)
    keep(config, needed)
    join_network(config)
    refuse_prefix(config)
    try:
        check_config(config, spawner_of(config))
        notes += filter(None, [settle(config, settings)])
    except (OptionError, TraitError) as error:
        raise SettingError(str(error)) from None
    return notes


class _UntriedError(Exception):
    """A file that this trial cannot judge; `str()` says why."""


def _loaded(file: Path) -> Config:
    before = list(sys.path)
    try:
        # What it prints would be taken for lines of the check.
        with redirect_stdout(sys.stderr), _bounded():
            return asyncio.run(_in_a_loop(file))
    except _TooLongError:
        raise SettingError(
            f"{file.name} of HUB_CONFIG has not come to its end after {WITHIN_S} s; make it quick."
        ) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a site's file raises
        said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
        if _is_certain(error) and not (isinstance(error, ImportError) and sys.path != before):
            raise SettingError(
                f"{file.name} of HUB_CONFIG fails{_place(error, file)}: {said}"
            ) from None
        # The hub has a network, volumes and secrets, and this trial has not.
        raise _UntriedError(
            f"{file.name} of HUB_CONFIG was not tried out to its end{_place(error, file)}: {said}"
        ) from None
    finally:
        sys.path[:] = before


async def _in_a_loop(file: Path) -> Config:
    """Load a file where JupyterHub does: with an event loop that runs."""
    loaded: Config = PyFileConfigLoader(str(file)).load_config()
    return loaded


def _is_certain(error: BaseException) -> bool:
    """Tell whether a file would fail in the hub too, whatever that has and this trial has not."""
    if isinstance(error, KeyError):  # of a variable of the environment
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Path(last.filename).name in ("os.py", "<frozen os>")
    return isinstance(error, NameError | SyntaxError | ImportError | SystemExit | OptionError)


def _place(error: BaseException, file: Path) -> str:
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    return f" in line {lines[-1]}" if lines else ""


@contextmanager
def _bounded() -> Iterator[None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(WITHIN_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
