"""How many statements an operation costs; each is a round trip that somebody waits for."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests import factories as people
from uploads.tests.contract import CONFIRM, FILES, NO_ID, SIGN, World
from uploads.tests.factories import claim, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    people.make_roles()
    return World(settings, monkeypatch)


def statements(call: Any, expected: int) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert call().status_code == expected
    return len(queries)


def test_each_operation_keeps_to_its_budget(world: World) -> None:
    body = world.attachment()
    world.owner.get(FILES + NO_ID)
    assert statements(lambda: world.owner.post(SIGN, claim(picture())), 201) == 11
    assert statements(lambda: world.customer.post(SIGN, body), 201) == 10
    sent, attached = world.pending(world.owner), world.pending_attachment()
    assert statements(lambda: world.owner.post(CONFIRM, sent), 200) == 18
    assert statements(lambda: world.customer.post(CONFIRM, attached), 200) == 16
    file_id = world.ready_attachment()
    assert statements(lambda: world.customer.get(FILES + file_id), 200) == 2
    assert statements(lambda: world.customer.get(f"{FILES}{file_id}/download"), 302) == 3
    assert statements(lambda: world.owner.get(FILES + file_id), 200) == 9
    assert statements(lambda: world.customer.delete(FILES + file_id), 202) == 12


def test_a_full_house_costs_no_more(world: World) -> None:
    """An owner with many files is counted by one statement, whatever they are."""
    world.owner.get(FILES + NO_ID)
    first = statements(lambda: world.owner.post(SIGN, claim(picture())), 201)
    for _ in range(18):
        world.sign(world.owner)
    assert statements(lambda: world.owner.post(SIGN, claim(picture())), 201) == first
