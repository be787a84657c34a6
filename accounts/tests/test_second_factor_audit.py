"""Each act and each refusal of the second factor with the events that it writes; without its event an act is undone."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from rest_framework.test import APIClient

import audit.actions
from accounts.actions import codes, enrollment
from accounts.models import BackupCode, EnrollmentToken, GuessCounter, LoginChallenge, SecondFactor, Session, User
from accounts.tests import factories, factors
from accounts.tests.factories import PASSWORD
from accounts.tests.factors import BACKUP, VERIFY, App, answer, challenge, signed_in
from audit.models import AuditEvent
from common import clock
from mail.models import Message

pytestmark = pytest.mark.django_db
AUTH = "/api/auth"


@dataclass
class Scene:
    """An Owner and an Editor with an app each, a newcomer without one, and what was prepared for them."""

    ana: App
    ben: App
    newcomer: User
    codes: list[str]
    client: APIClient
    challenge: str
    enrollment: dict[str, str]
    token: str


@pytest.fixture
def scene(ana: App) -> Scene:
    ben, newcomer = factors.colleague(), factories.make_user("new@example.com", held=("Editor",))
    token = enrollment.issue(user=newcomer, now=clock.db_now()).token
    begun = APIClient().post(f"{AUTH}/2fa/enroll", {"enrollment_token": token}, format="json").json()
    secret = App(newcomer, base64.b32decode(begun["secret"]))
    body = {"enrollment_id": begun["enrollment_id"], "code": secret.code(), "enrollment_token": token}
    written = factors.give_codes(ana.user)
    return Scene(ana, ben, newcomer, written, signed_in(ana.user), challenge(ana.user), body, token)


def _lock(scene: Scene) -> None:
    key = codes._key(scene.ana.user)
    GuessCounter.objects.create(rule=codes.IN_A_ROW, key=key, count=100, updated_at=clock.db_now())


def _use(scene: Scene) -> None:
    assert answer(VERIFY, challenge(scene.ana.user), scene.ana.code()).status_code == 200


def _reauth(scene: Scene, **body: str) -> Any:
    return scene.client.post(f"{AUTH}/reauthenticate", {"password": PASSWORD, **body})


def _confirm(scene: Scene, **body: str) -> Any:
    return APIClient().post(f"{AUTH}/2fa/enroll/confirm", scene.enrollment | body, format="json")


def _reset(scene: Scene, user: User) -> Any:
    return scene.client.post(f"{AUTH}/users/{user.pk}/2fa/reset", {"reason": "lost"})


def _begin_with_token(scene: Scene) -> Any:
    return APIClient().post(f"{AUTH}/2fa/enroll", {"enrollment_token": scene.token}, format="json")


Act = Callable[[Scene], Any]
DONE: dict[str, tuple[Act, list[str]]] = {
    "a code": (lambda s: answer(VERIFY, s.challenge, s.ana.code()), ["2fa.verified", "session.created"]),
    "a backup code": (lambda s: answer(BACKUP, s.challenge, s.codes[0]), ["2fa.backup_used", "session.created"]),
    "an enrolment begun": (lambda s: s.client.post(f"{AUTH}/2fa/enroll", {}), ["2fa.enroll_started"]),
    "an enrolment begun by token": (_begin_with_token, ["2fa.enroll_started"]),
    "an enrolment confirmed": (_confirm, ["2fa.enabled", "2fa.backup_issued", "session.created"]),
    "switched off": (lambda s: s.client.post(f"{AUTH}/2fa/disable", {}), ["2fa.disabled"]),
    "new codes": (lambda s: s.client.post(f"{AUTH}/2fa/backup/regenerate", {}), ["2fa.backup_issued"]),
    "a reset": (lambda s: _reset(s, s.ben.user), ["2fa.reset_by_admin"]),
    "signed out by a colleague": (
        lambda s: s.client.post(f"{AUTH}/users/{s.ben.user.pk}/sessions/revoke"),
        ["session.revoked_by_admin"],
    ),
    "confirmed by a code": (lambda s: _reauth(s, code=s.ana.code()), ["reauth.succeeded"]),
    "confirmed by a backup code": (lambda s: _reauth(s, code=s.codes[1]), ["2fa.backup_used", "reauth.succeeded"]),
}
REFUSED: dict[str, tuple[Act, Act | None, list[str]]] = {
    "a wrong code": (lambda s: answer(VERIFY, s.challenge, s.ana.wrong()), None, ["2fa.failed"]),
    "a used code": (lambda s: answer(VERIFY, s.challenge, s.ana.code()), _use, ["2fa.replayed"]),
    "a code while locked": (lambda s: answer(VERIFY, s.challenge, s.ana.code()), _lock, ["2fa.locked"]),
    "a wrong backup code": (lambda s: answer(BACKUP, s.challenge, "nonsense"), None, ["2fa.backup_failed"]),
    "no such challenge": (lambda s: answer(VERIFY, "ch_" + "A" * 43, s.ana.code()), None, []),
    "a wrong first code": (lambda s: _confirm(s, code="x"), None, ["2fa.failed"]),
    "no such enrolment": (lambda s: _confirm(s, enrollment_token="en_x"), None, []),
    "a wrong password": (lambda s: _reauth(s, password="wrong", code="123456"), None, ["reauth.failed"]),
    "confirmed by a wrong code": (lambda s: _reauth(s, code=s.ana.wrong()), None, ["reauth.failed"]),
    "confirmed by a used code": (lambda s: _reauth(s, code=s.ana.code()), _use, ["2fa.replayed", "reauth.failed"]),
    "confirmed while locked": (lambda s: _reauth(s, code=s.ana.code()), _lock, ["2fa.locked"]),
    "one's own reset": (lambda s: _reset(s, s.ana.user), None, []),
}


def written(since: int) -> list[tuple[str, str]]:
    rows = AuditEvent.objects.filter(pk__gt=since).exclude(action__startswith="login.").order_by("pk")
    return list(rows.values_list("action", "outcome"))


def newest() -> int:
    return AuditEvent.objects.latest("pk").pk


def state() -> list[Any]:
    return [
        sorted(SecondFactor.objects.values_list("pk", "confirmed", "last_step", "batch")),
        sorted(BackupCode.objects.values_list("pk", "used_at")),
        sorted(LoginChallenge.objects.values_list("pk", "consumed_at", "superseded_at", "failures")),
        sorted(EnrollmentToken.objects.values_list("pk", "consumed_at")),
        sorted(Session.objects.values_list("pk", "revoked_at", "reauth_at", "amr")),
        sorted(User.objects.values_list("pk", "enrollment_open_until")),
        Message.objects.count(),
    ]


@pytest.mark.parametrize("name", DONE)
def test_an_act_writes_its_events_and_no_other(scene: Scene, name: str) -> None:
    act, events = DONE[name]
    signed_in(scene.ben.user)
    before = newest()
    assert act(scene).status_code in {200, 204}
    assert written(before) == [(event, "done") for event in events]


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_writes_its_events_and_no_other(scene: Scene, name: str) -> None:
    act, prepare, events = REFUSED[name]
    if prepare is not None:
        prepare(scene)
    before = newest()
    assert act(scene).status_code in {401, 403, 429}
    assert written(before) == [(event, "refused") for event in events]


@pytest.mark.parametrize(("name", "event"), [(name, event) for name, (_, events) in DONE.items() for event in events])
def test_an_act_that_cannot_be_written_down_does_not_happen(
    scene: Scene, name: str, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(scene.ben.user)
    scene.client.raise_request_exception = False
    before, last, record = state(), newest(), audit.actions.record

    def failing(**values: Any) -> Any:
        if values["action"] == event:
            raise RuntimeError("the audit log is full")
        return record(**values)

    with monkeypatch.context() as patch:
        patch.setattr(audit.actions, "record", failing)
        patch.setattr(APIClient, "__init__", _quiet(APIClient.__init__))
        assert DONE[name][0](scene).status_code == 500
    assert state() == before
    assert written(last) == []


def _quiet(init: Any) -> Any:
    """Clients that answer 500 as a server would, instead of raising."""
    return lambda self, *args, **kwargs: init(self, *args, **{**kwargs, "raise_request_exception": False})
