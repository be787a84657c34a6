"""Whether somebody still agrees to be shown."""

from cms import snapshots
from cms.models import Publishable
from cms.snapshots import Snapshot


def lacking(item: Publishable, column: str, newest: Snapshot) -> bool:
    """Whether the revision in `column` shows somebody whose consent the newest draft no longer records."""
    model = type(item)
    if not model.CONSENT_KEY or newest[model.CONSENT_KEY] is not None:
        return False
    revision = getattr(item, column)
    return revision is not None and model.needs_consent(snapshots.of(model, revision))


def kept_withdrawn(model: type[Publishable], snapshot: Snapshot, newest: Snapshot) -> Snapshot:
    """Return an older snapshot without a consent that was withdrawn since: nothing but a person records one anew."""
    key = model.CONSENT_KEY
    return {**snapshot, key: None} if key and newest[key] is None else snapshot
