"""The smallest campaign: its runs end in each of the ways in which a run can."""

from __future__ import annotations

from simulation.campaign import Case


def play(case: Case) -> str | None:
    """Do what the case's word says.

    Raises:
        ValueError: it says so.
    """
    match case.words:
        case ("raises",):
            raise ValueError("broken")
        case ("odd",):
            return "odd" if case.seed % 2 else None
        case ("order",):
            return str(hash("in which order sets are gone through"))
        case _:
            return None
