"""The image's `jupyterhub-singleuser` leaves out the hub's database layer, hidden from nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "images/singleuser"
LEFT_OUT = "{'sqlalchemy', 'alembic', 'jupyterhub.orm', 'jupyterhub.handlers'}"


def said(code: str) -> str:
    """Answer what a fresh interpreter prints."""
    process = subprocess.run(
        [sys.executable, "-c", f"import sys, singleuser\n{code}"],
        cwd=PROGRAM,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def test_the_database_layer_is_not_imported() -> None:
    """Neither by what was prepared, nor by what a server imports besides."""
    code = f"""
singleuser.prepare()
import jupyterhub.log, jupyterhub.metrics, jupyterhub.services.auth, jupyterhub.utils
print({LEFT_OUT} & set(sys.modules))"""
    assert said(code) == "set()"


def test_who_imports_it_later_gets_it() -> None:
    """And it is the same for those who have only its stand-in."""
    code = """
singleuser.prepare()
import jupyterhub.orm, jupyterhub.scopes, jupyterhub.roles, sqlalchemy
from jupyterhub.handlers.pages import HealthCheckHandler
from sqlalchemy.exc import SQLAlchemyError
print(
    jupyterhub.orm.User is jupyterhub.scopes.orm.User,
    jupyterhub.scopes.sa.inspect is sqlalchemy.inspect,
    type(jupyterhub.roles.func.count()) is type(sqlalchemy.func.count()),
    HealthCheckHandler.__module__,
    SQLAlchemyError.__module__,
)"""
    assert said(code) == "True True True jupyterhub.handlers.pages sqlalchemy.exc"


def test_a_hub_that_imports_something_else_gets_that() -> None:
    """Then all is as with JupyterHub's own program."""
    code = """
singleuser.summon()
from sqlalchemy.exc import DBAPIError
import jupyterhub.log
print(DBAPIError.__module__, jupyterhub.log.HealthCheckHandler.__module__)"""
    assert said(code) == "sqlalchemy.exc jupyterhub.handlers.pages"


def test_garbage_is_collected_as_ever_after_the_start() -> None:
    """The first collection comes late, the next ones when they would."""
    code = """
import gc
usual = gc.get_threshold()
singleuser.collect_later()
late = gc.get_threshold()[0]
kept = [[] for _ in range(singleuser.OBJECTS)]
print(late > 100 * usual[0], gc.get_threshold() == usual, gc.callbacks)"""
    assert said(code) == "True True []"
