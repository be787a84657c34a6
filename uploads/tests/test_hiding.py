"""Not theirs, gone and never was: one answer, after the same statements."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.tests import factories as people
from uploads.models import File
from uploads.tests.contract import CONFIRM, FILES, NO_ID, SIGN, World
from uploads.tests.factories import picture

pytestmark = pytest.mark.django_db
OWN = ("id", "request_id", "instance")


@pytest.fixture
def world(settings: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    people.make_roles()
    return World(settings, monkeypatch)


def seen(client: APIClient, method: str, path: str, body: Any = None) -> tuple[Any, ...]:
    """The answer without its own address and ids, and the statements that it took, values left out."""
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path, body) if body else getattr(client, method)(path)
    problem = {name: value for name, value in answer.json().items() if name not in OWN}
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, problem, headers, len(queries)


def hidden_files(w: World) -> list[str]:
    """Ids that nobody else may know of: never made, deleted, waiting, ready at a booking, ready in the library."""
    deleted = w.ready(w.owner)
    assert w.owner.delete(FILES + deleted).status_code == 202
    waiting = w.confirmed(w.owner)
    library = w.ready(w.owner)
    return [NO_ID, deleted, waiting, library, w.ready_attachment()]


@pytest.mark.parametrize("who", ["stranger", "no-role"])
@pytest.mark.parametrize(("method", "path"), [("get", ""), ("get", "/download"), ("delete", "")])
def test_a_file(world: World, who: str, method: str, path: str) -> None:
    ids = hidden_files(world)
    client = world.stranger if who == "stranger" else people.sign_in(people.make_user("new@example.com", held=()))
    client.get(FILES + NO_ID)  # the first request of a client may cost more
    answers = [seen(client, method, f"{FILES}{file_id}{path}") for file_id in ids]
    assert answers[0][0] == 404
    assert answers == answers[:1] * len(ids)


@pytest.mark.parametrize("who", ["stranger", "no-role"])
def test_a_file_to_confirm(world: World, who: str) -> None:
    ids = [*hidden_files(world), world.pending(world.owner)["file_id"]]
    client = world.stranger if who == "stranger" else people.sign_in(people.make_user("new@example.com", held=()))
    client.get(FILES + NO_ID)
    answers = [seen(client, "post", CONFIRM, {"file_id": file_id}) for file_id in ids]
    assert answers[0][0] == 404
    assert answers == answers[:1] * len(ids)
    assert File.objects.filter(state="pending").count() == 1


@pytest.mark.parametrize("who", ["stranger", "no-role"])
def test_a_booking_to_attach_to(world: World, who: str) -> None:
    client = world.stranger if who == "stranger" else people.sign_in(people.make_user("new@example.com", held=()))
    bodies = [world.attachment(picture(), booking_id=booking_id) for booking_id in (str(world.booking.pk), NO_ID)]
    client.get(FILES + NO_ID)
    answers = [seen(client, "post", SIGN, body) for body in bodies]
    world.cancel()
    answers.append(seen(client, "post", SIGN, bodies[0]))
    assert answers[0][0] == 404
    assert answers == answers[:1] * 3
    assert not File.objects.exists()
