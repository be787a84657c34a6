"""Base classes of the admin: whatever writes, writes through an action."""

from common.admin.base import ActionAdmin, ReadOnlyAdmin
from common.admin.buttons import ObjectAction, ObjectActionsMixin
from common.admin.deletable import DeletableAdmin
from common.admin.filters import YesFilter
from common.admin.prices import PricedForm

__all__ = [
    "ActionAdmin",
    "DeletableAdmin",
    "ObjectAction",
    "ObjectActionsMixin",
    "PricedForm",
    "ReadOnlyAdmin",
    "YesFilter",
]
