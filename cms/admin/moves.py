"""The moves of the workflow as buttons; publishing and scheduling stand in the form's own bar."""

from typing import NamedTuple

from common.admin import ObjectAction


class Move(NamedTuple):
    """A move of `cms.workflow`: `right` begins the permission's name, `done` is said afterwards."""

    move: str
    label: str
    right: str
    done: str
    explain: str = ""
    danger: bool = False


MOVES = (
    Move("submit", "Hand in for review", "submit", "It waits for a review."),
    Move("unsubmit", "Take back from review", "submit", "It is a draft again."),
    Move(
        "unpublish", "Unpublish", "publish", "It is off the site.", "Off the site; its address answers that it is gone."
    ),
    Move("archive", "Archive", "publish", "It is archived.", "Off the site, and out of the way."),
    Move("trash", "Move to the trash", "delete", "It is in the trash.", danger=True),
    Move("restore", "Take out of the trash", "delete", "It is a draft again."),
)


def buttons(model_name: str) -> tuple[ObjectAction, ...]:
    """The moves, each for those who may make it."""
    return tuple(
        ObjectAction(one.move, one.label, f"cms.{one.right}_{model_name}", danger=one.danger, explain=one.explain)
        for one in MOVES
    )


def done(move: str) -> str:
    """What is said once the move was made."""
    return next(one.done for one in MOVES if one.move == move)
