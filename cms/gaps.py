"""What keeps a draft from being published."""

from collections.abc import Iterator
from typing import Any

from cms import cleaning, snapshots
from cms.errors import NotPublishable
from cms.models import MediaAsset, Publishable
from cms.snapshots import Snapshot
from common.errors import FieldError, ValidationFailed


def publishable(model: type[Publishable], snapshot: Snapshot) -> Snapshot:
    """Return the snapshot as it may be shown: cleaned anew, without references to rows that are gone.

    Raises NotPublishable with a pointer to each thing that is missing; a picture that is gone is one of them.
    """
    try:
        ready = cleaning.cleaned(model, snapshot, strict=snapshots.pictures(model))
    except ValidationFailed as fault:
        raise NotPublishable(errors=fault.errors) from fault
    faults = missing(model, ready)
    if faults:
        raise NotPublishable(errors=faults)
    return ready


def missing(model: type[Publishable], snapshot: Snapshot) -> list[FieldError]:
    """Name everything that is missing, in the order of the type's own list, then the words of pictures."""
    probe = model()
    snapshots.fill(probe, snapshot)
    found = [*probe.missing(), *_wordless(model, snapshot)]
    return [FieldError("required", detail, f"#/{key}") for key, detail in found]


def _wordless(model: type[Publishable], snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """The pictures that say nothing to people who do not see them."""
    shown = dict(_shown(model, snapshot))
    assets = {str(asset.pk): asset for asset in MediaAsset.objects.filter(pk__in=shown.values())} if shown else {}
    for place, key in shown.items():
        asset = assets.get(key)
        if asset is not None and not asset.alt and not asset.decorative:
            yield place, "The picture needs an alternative text, or to be marked as decorative."


def _shown(model: type[Publishable], snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for name in snapshots.pictures(model):
        value: Any = snapshot[name]
        if isinstance(value, list):
            keys = snapshots.targets(model, name, value)
            yield from ((f"{name}/{place}", key) for place, key in enumerate(keys))
        elif value is not None:
            yield name, value
