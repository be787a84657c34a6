"""Whether somebody still agrees to be shown."""

from cms import snapshots
from cms.models import Publishable, Revision
from cms.snapshots import Snapshot


def lacking(model: type[Publishable], revision: Revision | None, newest: Snapshot) -> bool:
    """Whether `revision` shows somebody whose consent the newest draft no longer records."""
    if revision is None or not model.CONSENT_KEY or newest[model.CONSENT_KEY] is not None:
        return False
    return model.needs_consent(snapshots.of(model, revision))


def kept_withdrawn(model: type[Publishable], snapshot: Snapshot, newest: Snapshot) -> Snapshot:
    """Return an older snapshot without a consent that was withdrawn since: nothing but a person records one anew."""
    key = model.CONSENT_KEY
    return {**snapshot, key: None} if key and newest[key] is None else snapshot
