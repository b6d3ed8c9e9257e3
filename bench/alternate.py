"""The order in which contenders take their turns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def turns(contenders: Sequence[T], rounds: int) -> list[T]:
    """Return who is measured when: each once a round, and each round begins with another one.

    A machine drifts over minutes, and a contender may leave it warmer for the next one; neither
    then falls on always the same.

    Raises:
        ValueError: there are no contenders, or no rounds.
    """
    if not contenders or rounds < 1:
        raise ValueError("There must be at least one contender and one round.")
    order: list[T] = []
    for number in range(rounds):
        first = number % len(contenders)
        order += [*contenders[first:], *contenders[:first]]
    return order
