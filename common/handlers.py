"""The registry of job kinds. An app's `tasks.py` registers its handlers here; `jobs` runs them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from common.actor import Actor


class PermanentError(Exception):
    """Trying again cannot help: the job is dead at once, with this text as its error."""


class JobRun(Protocol):
    """What a handler is given beside its arguments."""

    id: Any
    attempt: int
    by: Actor

    def effects(self) -> AbstractContextManager[None]:
        """The transaction in which the job's database effects and its `done` are committed together."""
        ...

    def outside(self, step: str) -> AbstractContextManager[str]:
        """The key, job id and step, of an effect outside the database, such as a call to a provider.

        The step is written down before the block begins, outside any transaction of the handler's: such an effect
        happens at least once, and whoever is called can know by the key that it happened before.
        """
        ...


DEFAULT_QUEUE = "default"

HandlerFunction = Callable[..., None]
F = TypeVar("F", bound=HandlerFunction)


@dataclass(frozen=True, slots=True)
class Handler:
    """One kind of job: `every` is its whole schedule; `time_limit` is in seconds.

    `args_version` grows when a release gives the arguments a new meaning: workers of older releases then leave its
    rows to newer ones, while its own handler still takes the older rows.
    """

    kind: str
    run: HandlerFunction
    every: timedelta | None
    queue: str
    max_attempts: int
    time_limit: int
    args_version: int = 1


registry: dict[str, Handler] = {}


def queue_of(kind: str) -> str:
    """The queue of a kind; the default one also takes the kinds that nobody knows."""
    return registry[kind].queue if kind in registry else DEFAULT_QUEUE


def queues() -> list[str]:
    """Every queue that has a kind, the default one always."""
    return sorted({DEFAULT_QUEUE} | {handler.queue for handler in registry.values()})


def kinds_of(queue: str) -> tuple[set[str], bool]:
    """The kinds of a queue; with True, for the default queue, all but those kinds."""
    is_default = queue == DEFAULT_QUEUE
    return {handler.kind for handler in registry.values() if (handler.queue == queue) != is_default}, is_default


def job(
    kind: str,
    *,
    every: timedelta | None = None,
    queue: str = DEFAULT_QUEUE,
    max_attempts: int = 5,
    time_limit: int = 120,
    args_version: int = 1,
) -> Callable[[F], F]:
    """Register the decorated function as the handler of `kind` (`app.verb`): called as `run(job_run, **args)`."""

    def register(function: F) -> F:
        known = registry.get(kind)
        if known and known.run.__qualname__ != function.__qualname__:
            raise ValueError(f"Job kind {kind!r} already belongs to {known.run.__module__}.")
        registry[kind] = Handler(kind, function, every, queue, max_attempts, time_limit, args_version)
        return function

    return register


def seconds(count: int) -> timedelta:
    """A schedule's step."""
    return timedelta(seconds=count)


def minutes(count: int) -> timedelta:
    """A schedule's step."""
    return timedelta(minutes=count)


def hours(count: int) -> timedelta:
    """A schedule's step."""
    return timedelta(hours=count)
