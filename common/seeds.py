"""The registry of demo seeds; `manage.py seed_demo` runs them in their order."""

from collections.abc import Callable
from dataclasses import dataclass

from common.actor import Actor


@dataclass(frozen=True, slots=True)
class Seed:
    """`run(by=…)` must be harmless when repeated."""

    name: str
    run: Callable[..., None]
    order: int

    def __call__(self, *, by: Actor) -> None:
        """Plant it."""
        self.run(by=by)


_registry: dict[str, Seed] = {}


def register(name: str, run: Callable[..., None], *, order: int) -> None:
    """Add a seed; smaller orders run first."""
    _registry[name] = Seed(name, run, order)


def registered() -> list[Seed]:
    """All seeds in running order."""
    return sorted(_registry.values(), key=lambda seed: (seed.order, seed.name))
