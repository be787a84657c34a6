"""What the apps above tell uploads: the things that files belong to, and the files that are in use."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from common.actor import Actor

Right = Callable[[Actor, UUID], bool]
Use = Callable[[UUID], bool]


@dataclass(frozen=True)
class TargetKind:
    """Who may attach files to a kind of thing, and who may read them."""

    attach: str
    read: str
    may_attach: Right
    may_read: Right
    model: str = ""


_targets: dict[str, TargetKind] = {}
_uses: list[Use] = []


def register_target(kind: str, *, attach: str, read: str, may_attach: Right, may_read: Right, model: str = "") -> None:
    """Make `kind` ("booking", "project") a thing that files can belong to; called in `AppConfig.ready()`.

    `attach` and `read` are the permissions that staff need; they are asked first, and the functions see only staff who
    hold them. Both functions take the actor and the target's id. False means that there is no such target for this
    actor, and is answered with 404; `may_attach` raises `uploads.errors.InvalidState` for a target that takes no more
    files. The actor may be rebuilt from the file's row (kind and id only), since a job asks again. `model`
    ("app.Model") lets the back office name the thing on a file's page and link to it.
    """
    _targets[kind] = TargetKind(attach, read, may_attach, may_read, model)


def target_kind(kind: str) -> TargetKind | None:
    """What was registered for `kind`, or None."""
    return _targets.get(kind)


def kinds_closed_to(held: Collection[str]) -> list[str]:
    """The kinds of target that a colleague with these permissions may not read, and so none of their files either."""
    return [kind for kind, target in _targets.items() if target.read not in held]


def register_use(in_use: Use) -> None:
    """Add a question, asked before a file is deleted: is this file (by id) shown anywhere?"""
    if in_use not in _uses:
        _uses.append(in_use)


def in_use(file_id: UUID) -> bool:
    """Whether any app above still shows the file."""
    return any(asks(file_id) for asks in _uses)
