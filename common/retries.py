"""Repeating a transaction that PostgreSQL gave up so that another one could go on."""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


def once_more(transact: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that is one transaction: after a deadlock or a serialization failure it runs a second time.

    A second failure goes on to the caller, and is answered 503 `database_unavailable`. Inside an open transaction
    nothing is repeated, for that one is lost as a whole. What the function did outside the database would be repeated.
    """

    @functools.wraps(transact)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return transact(*args, **kwargs)
        except OperationalError as fault:
            if connection.in_atomic_block or not isinstance(fault.__cause__, DeadlockDetected | SerializationFailure):
                raise
            logger.warning("transaction_repeated", extra={"cause": type(fault.__cause__).__name__})
        return transact(*args, **kwargs)

    return run
