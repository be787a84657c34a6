"""The database refuses rows that make no sense, and moves that are not in the table."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from uploads.constants import TRANSITIONS, State
from uploads.errors import InvalidState
from uploads.locks import StateChangedError, transition
from uploads.models import File
from uploads.tests.factories import arrived, picture

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"purpose": "other"}, "file_purpose_known"),
        ({"state": "other"}, "file_state_known"),
        ({"owner_kind": "provider"}, "file_owner_kind_known"),
        ({"owner_kind": "staff", "owner_id": ""}, "file_owner_named"),
        ({"target_kind": "booking"}, "file_target_as_purpose_demands"),
        ({"target_id": uuid.UUID(int=1)}, "file_target_as_purpose_demands"),
        ({"purpose": "project_image"}, "file_target_as_purpose_demands"),
        ({"purpose": "booking_attachment", "target_kind": "project", "target_id": uuid.UUID(int=1)}, "file_target_as"),
        ({"declared_size": 0}, "file_declared_size_positive"),
        ({"declared_sha256": "A" * 64}, "file_sha256_hex"),
        ({"state": "uploaded"}, "file_confirmed_has_instant"),
        ({"state": "rejected"}, "file_refusal_has_reason"),
        ({"state": "failed"}, "file_refusal_has_reason"),
        ({"state": "deleted"}, "file_deleted_has_instant"),
        ({"width": 5}, "file_width_with_height"),
        ({"observed_size": 0}, "file_seen_sizes_positive"),
        ({"clean_size": 0}, "file_seen_sizes_positive"),
        ({"quarantine_key": ""}, "file_quarantine_named"),
        ({"scan_verdict": "perhaps"}, "file_scan_"),
        ({"scan_verdict": "clean"}, "file_scan_is_complete"),
        ({"scan_verdict": "infected", "scan_engine": "clamav"}, "file_scan_is_complete"),
        ({"remove_after": NOON}, "file_kept_only_when_deleted"),
        ({"deleted_at": NOON, "remove_after": NOON - timedelta(seconds=1)}, "file_kept_only_when_deleted"),
        ({"width": 0, "height": 5}, "file_width_with_height"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], constraint: str) -> None:
    file = arrived(picture())
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        File.objects.filter(pk=file.pk).update(**values)


def test_ready_is_complete() -> None:
    file = arrived(picture())
    complete = {
        "state": State.READY,
        "confirmed_at": file.created_at,
        "clean_key": "files/x/original.png",
        "observed_type": "image/png",
        "observed_size": 5,
        "observed_sha256": "0" * 64,
    }
    for missing in ({"clean_key": ""}, {"observed_type": ""}, {"observed_sha256": ""}, {"observed_size": None}):
        with pytest.raises(IntegrityError, match="file_ready_is_complete"), transaction.atomic():
            File.objects.filter(pk=file.pk).update(**complete | missing)
    assert File.objects.filter(pk=file.pk).update(**complete) == 1


@pytest.mark.parametrize("column", ["quarantine_key", "clean_key"])
def test_keys_are_unique(column: str) -> None:
    first, second = arrived(picture()), arrived(picture())
    File.objects.filter(pk=first.pk).update(**{column: "files/one"})
    with pytest.raises(IntegrityError, match=f"file_{column}_once"), transaction.atomic():
        File.objects.filter(pk=second.pk).update(**{column: "files/one"})


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_moves_outside_the_table_are_errors(before: State, after: State) -> None:
    file = arrived(picture(), state=before, **PARTS.get(before, {}))
    if after in TRANSITIONS[before]:
        moved = transition(file, after, **PARTS.get(after, {}))
        assert (moved.state, moved.version) == (after, 2)
        return
    with pytest.raises(InvalidState):
        transition(file, after)
    file.refresh_from_db()
    assert (file.state, file.version) == (before, 1)


def test_a_stale_version_moves_nothing() -> None:
    file = arrived(picture())
    File.objects.filter(pk=file.pk).update(version=2)
    with pytest.raises(StateChangedError):
        transition(file, State.EXPIRED)
    assert File.objects.get().state == State.PENDING


def _parts() -> dict[State, dict[str, Any]]:
    confirmed = {"confirmed_at": NOON}
    whole = {"clean_key": "files/a/b.png", "observed_type": "x", "observed_sha256": "y", "observed_size": 1}
    return {
        State.UPLOADED: confirmed,
        State.PROCESSING: confirmed,
        State.READY: confirmed | whole,
        State.REJECTED: {"reason": "unreadable"},
        State.FAILED: {"reason": "attempts_spent", **confirmed},
        State.DELETED: {"deleted_at": NOON},
    }


PARTS = _parts()
