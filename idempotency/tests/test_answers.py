"""`Idempotency-Key`: one effect, the same answer again, and refusals that change nothing."""

import threading
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, transaction
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from common import clock
from common.actor import Actor
from common.errors import Conflict, FieldError, NotFound, ValidationFailed
from common.grants import BookingGrant
from idempotency.actions import Outcome, run_once
from idempotency.errors import (
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    RequestInProgress,
)
from idempotency.models import StoredAnswer
from idempotency.tasks import purge
from jobs.actions import enqueue
from jobs.models import Job, State
from jobs.testing import run_due

pytestmark = pytest.mark.django_db
KEY = "6f9619ff-8b86-4011-b42d-00cf4fc964ff"


class Shop:
    """An action that counts its effects."""

    def __init__(self, error=None):
        self.made, self.rendered, self.error = 0, [], error

    def perform(self):
        if self.error:
            raise self.error
        self.made += 1
        return Outcome(status=201, object_id=f"thing-{self.made}", body={"id": f"thing-{self.made}", "token": "once"})

    def render(self, object_id):
        self.rendered.append(object_id)
        return {"id": object_id}


def request(*, key=KEY, body=None, path="/api/things", user=None, grant=None):
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    raw = APIRequestFactory().post(path, body if body is not None else {"a": 1, "b": 2}, format="json", **headers)
    made = Request(raw, parsers=[JSONParser()])
    made.user, made.auth = user or AnonymousUser(), grant
    return made


def staff(pk="u1"):
    return SimpleNamespace(pk=pk, is_authenticated=True, email="ana@example.com")


def ask(shop, *, required=True, atomic=False, **kwargs):
    return run_once(
        request(**kwargs),
        route="createThing",
        required=required,
        perform=shop.perform,
        render=shop.render,
        atomic=atomic,
    )


@pytest.mark.parametrize("atomic", [False, True])
def test_a_replay_renders_the_object_again_with_the_stored_status(atomic):
    shop = Shop()
    first = ask(shop, atomic=atomic)
    again = ask(shop, atomic=atomic, body={"b": 2, "a": 1})  # the same body in another order
    assert (first.status_code, first.data) == (201, {"id": "thing-1", "token": "once"})
    assert "Idempotent-Replayed" not in first.headers
    assert (again.status_code, again.data) == (201, {"id": "thing-1"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (shop.made, shop.rendered) == (1, ["thing-1"])


def test_another_body_or_path_under_the_same_key_is_refused():
    shop = Shop()
    ask(shop)
    for changed in ({"body": {"a": 2}}, {"path": "/api/things/2"}):
        with pytest.raises(IdempotencyKeyReused):
            ask(shop, **changed)
    assert shop.made == 1


def test_a_running_request_refuses_its_twin_until_its_lease_ends():
    shop = Shop()
    ask(shop)
    StoredAnswer.objects.update(status=None)
    with pytest.raises(RequestInProgress) as refusal:
        ask(shop)
    assert refusal.value.headers == {"Retry-After": "1"}
    assert shop.made == 1
    with clock.shift(61):
        assert ask(shop).status_code == 201
    assert shop.made == 2


def test_a_key_belongs_to_its_principal():
    shop = Shop()
    grant = BookingGrant(booking_id=uuid4())
    ask(shop)
    ask(shop, user=staff("u1"))
    ask(shop, user=staff("u2"))
    ask(shop, grant=grant)
    assert shop.made == 4
    assert set(StoredAnswer.objects.values_list("principal", flat=True)) == {
        "anon",
        "user:u1",
        "user:u2",
        f"booking:{grant.booking_id}",
    }


def test_a_key_is_forgotten_after_a_day():
    shop = Shop()
    ask(shop)
    with clock.shift(24 * 3600 + 1):
        assert ask(shop, body={"other": True}).data["id"] == "thing-2"
    assert StoredAnswer.objects.count() == 1


def test_missing_key():
    shop = Shop()
    with pytest.raises(IdempotencyKeyRequired):
        ask(shop, key=None)
    assert shop.made == 0
    assert ask(shop, key=None, required=False).status_code == 201
    assert ask(shop, key=None, required=False).status_code == 201
    assert (shop.made, StoredAnswer.objects.count()) == (2, 0)


@pytest.mark.parametrize("key", ["", "   ", '""', "a" * 256, "tab\tinside", "é", "not-a-uuid"])
def test_invalid_keys_of_a_visitor(key):
    shop = Shop()
    with pytest.raises(InvalidIdempotencyKey):
        ask(shop, key=key)
    assert (shop.made, StoredAnswer.objects.count()) == (0, 0)


@pytest.mark.parametrize(("key", "kept"), [("order 7", "order 7"), ('"order 7"', "order 7"), (r'"a\"b\\c"', 'a"b\\c')])
def test_staff_may_use_any_printable_key_bare_or_quoted(key, kept):
    ask(Shop(), key=key, user=staff())
    assert StoredAnswer.objects.get().key == kept


def test_a_visitors_uuid_counts_however_it_is_written():
    shop = Shop()
    ask(shop, key=f'"{KEY.upper()}"')
    ask(shop, key=UUID(KEY).hex)
    assert shop.made == 1


class Taken(Conflict):
    """A refusal with members."""

    code = "test_taken"
    title = "Taken"


def test_a_lasting_refusal_is_stored_and_raised_again():
    fault = FieldError("taken", "Somebody has it.", pointer="#/starts_at")
    shop = Shop(Taken("Gone already.", errors=[fault], members={"nearest": ["10:00"]}))
    with pytest.raises(Taken) as first:
        ask(shop, atomic=True)
    shop.error = None
    with pytest.raises(Taken) as again:
        ask(shop, atomic=True)
    assert shop.made == 0
    assert (again.value.detail, again.value.errors) == ("Gone already.", (fault,))
    assert again.value.members == {"nearest": ["10:00"]}
    assert again.value.headers == {"Idempotent-Replayed": "true"}
    assert first.value.headers == {}


@pytest.mark.parametrize("error", [ValidationFailed(errors=[FieldError("invalid", "No.")]), RuntimeError("a bug")])
def test_what_may_be_repeated_is_not_stored(error):
    shop = Shop(error)
    with pytest.raises(type(error)):
        ask(shop)
    shop.error = None
    assert ask(shop).status_code == 201


def test_404_is_stored():
    with pytest.raises(NotFound):
        ask(Shop(NotFound()))
    assert StoredAnswer.objects.get().status == 404


def test_atomic_rolls_the_effect_back_when_the_key_was_taken_over():
    def perform():
        enqueue(kind="test.effect", args={}, by=Actor.system("test"))
        StoredAnswer.objects.update(token=uuid4())
        return Outcome(201, "x", {})

    with pytest.raises(RequestInProgress):
        run_once(request(), route="r", required=True, perform=perform, render=lambda _: {}, atomic=True)
    assert Job.objects.count() == 0


def test_purge_removes_only_what_is_a_day_old():
    with clock.shift(-24 * 3600 - 60):
        ask(Shop())
    ask(Shop(), key=str(uuid4()))
    enqueue(kind="idempotency.purge", args={}, by=Actor.system("test"))
    assert run_due() == 1
    assert Job.objects.get().state == State.DONE
    assert StoredAnswer.objects.count() == 1
    assert purge.__name__ == "purge"


def test_the_database_refuses_a_second_row_of_a_key():
    ask(Shop())
    row = StoredAnswer.objects.get()
    row.pk = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_performs_and_the_other_is_told_to_wait():
    inside, release, results = threading.Event(), threading.Event(), []

    def slow():
        inside.set()
        release.wait(10)
        return Outcome(201, "one", {"id": "one"})

    def first():
        try:
            results.append(run_once(request(), route="r", required=True, perform=slow, render=str).status_code)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    shop = Shop()
    with pytest.raises(RequestInProgress):
        run_once(request(), route="r", required=True, perform=shop.perform, render=shop.render)
    release.set()
    thread.join(10)
    assert (results, shop.made) == ([201], 0)
