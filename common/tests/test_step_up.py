"""The port through which the admin asks for a fresh confirmation."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from common.admin import step_up
from common.admin.step_up import StepUp


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_up, "_registered", [])


def test_nothing_counts_as_confirmed_while_nobody_can_tell(rf: Any) -> None:
    with pytest.raises(ImproperlyConfigured):
        step_up.is_recent(rf.get("/"))
    with pytest.raises(ImproperlyConfigured):
        step_up.address("/admin/")


def test_the_newest_registration_counts(rf: Any) -> None:
    step_up.register(StepUp(lambda request: False, lambda back: f"/first?{back}"))
    step_up.register(StepUp(lambda request: request.path == "/known", lambda back: f"/second?{back}"))

    assert step_up.is_recent(rf.get("/known"))
    assert not step_up.is_recent(rf.get("/other"))
    assert step_up.address("/admin/") == "/second?/admin/"
