"""Races of the second factor with a connection each and a barrier, and what happens without the guard."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import django_otp
import pytest

from accounts import locks, selectors
from accounts.actions import backup_codes, challenges, codes, second_factor
from accounts.actions.codes import Evidence, Verdict
from accounts.models import BackupCode, GuessCounter, LoginChallenge, SecondFactor, Session, User
from accounts.tests import factories, factors
from accounts.tests.factors import BACKUP, VERIFY, App, answer, challenge, outcome
from accounts.tests.test_concurrency import together
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from common.errors import DomainError
from config.rates import Rate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
VISITOR = Actor.system("visitor")


@pytest.fixture
def app(steady: None) -> App:
    return factors.give_app(factories.make_user("ana@example.com"))


@pytest.fixture
def steady(transactional_db: None) -> Iterator[None]:
    """The clock stands well before the end of a time step for as long as a race takes."""
    with clock.shift(62 - clock.db_now().timestamp() % 30):
        yield


def each(values: list[Any], act: Callable[[Any], Any]) -> list[Any]:
    """What `act` returned for each value, all at once."""
    turns = iter(values)
    lock = threading.Lock()

    def run() -> Any:
        with lock:
            value = next(turns)
        return act(value)

    return together(len(values), run)


def posted(path: str, code: str) -> Callable[[str], tuple[int, str]]:
    return lambda token: outcome(answer(path, token, code))


def meeting(count: int) -> threading.Barrier:
    return threading.Barrier(count)


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what the actions would lock, as if nobody had thought of a second request."""
    monkeypatch.setattr(locks, "challenge", lambda pk: LoginChallenge.objects.get(pk=pk))
    monkeypatch.setattr(locks, "user", lambda pk: User.objects.get(pk=pk))
    monkeypatch.setattr(locks, "confirmed_factor", selectors.second_factor)
    monkeypatch.setattr(locks, "factors", lambda user, pending: list(SecondFactor.objects.filter(pk=pending)))


# One backup code


def test_twenty_uses_of_one_backup_code_give_one_success(app: App) -> None:
    written = factors.give_codes(app.user)
    tokens = [challenge(app.user) for _ in range(3)]

    results = Counter(each([tokens[number % 3] for number in range(20)], posted(BACKUP, written[0])))

    assert results[(200, "")] == 1
    assert set(results) <= {(200, ""), (401, "code_invalid"), (401, "challenge_invalid"), (401, "challenge_exhausted")}
    assert selectors.backup_codes_remaining(app.user) == 9
    assert Session.objects.count() == 1
    assert AuditEvent.objects.filter(action="2fa.backup_used").count() == 1


def test_without_the_conditional_update_one_backup_code_opens_many_sessions(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the code is looked at, found unused and marked, with nothing that checks again."""
    written = factors.give_codes(app.user)
    tokens = [challenge(app.user) for _ in range(3)]
    together_now = meeting(3)

    def consume(*, evidence: Evidence, factor: Any, now: Any) -> Verdict:
        row = BackupCode.objects.get(pk=evidence.proof)
        together_now.wait(20)
        if row.used_at is not None:
            return Verdict.WRONG
        row.used_at = now
        row.save()
        return Verdict.RIGHT

    without_locks(monkeypatch)
    monkeypatch.setattr(codes, "consume", consume)
    results = each(tokens, posted(BACKUP, written[0]))

    assert results == [(200, "")] * 3
    assert Session.objects.count() == 3
    assert BackupCode.objects.filter(used_at__isnull=False).count() == 1


# One code of the app


def test_twenty_posts_of_one_code_over_three_challenges_give_one_success(app: App) -> None:
    tokens = [challenge(app.user) for _ in range(3)]

    results = Counter(each([tokens[number % 3] for number in range(20)], posted(VERIFY, app.code())))

    assert results[(200, "")] == 1
    assert set(results) <= {(200, ""), (401, "code_invalid"), (401, "challenge_invalid"), (401, "challenge_exhausted")}
    assert Session.objects.count() == 1
    assert LoginChallenge.objects.filter(consumed_at__isnull=False).count() == 1
    assert AuditEvent.objects.filter(action="2fa.verified").count() == 1


def test_without_the_conditional_update_one_code_opens_a_session_for_each_challenge(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: `last_step` is compared in Python and saved, as a device by itself does."""
    tokens = [challenge(app.user) for _ in range(3)]
    together_now = meeting(3)

    def consume(*, evidence: Evidence, factor: SecondFactor, now: Any) -> Verdict:
        used = evidence.proof is None or factor.last_step >= evidence.proof
        together_now.wait(20)
        if used:
            return Verdict.REPLAYED
        factor.last_step = evidence.proof or 0
        factor.save(update_fields=["last_step"])
        return Verdict.RIGHT

    without_locks(monkeypatch)
    monkeypatch.setattr(codes, "consume", consume)
    results = each(tokens, posted(VERIFY, app.code()))

    assert results == [(200, "")] * 3
    assert Session.objects.count() == 3


def test_the_same_challenge_and_code_twice(app: App) -> None:
    token = challenge(app.user)
    results = each([token, token], posted(VERIFY, app.code()))
    assert sorted(results) == [(200, ""), (401, "challenge_invalid")]


def test_two_challenges_and_the_same_code(app: App) -> None:
    results = each([challenge(app.user), challenge(app.user)], posted(VERIFY, app.code()))
    assert sorted(results) == [(200, ""), (401, "code_invalid")]


def test_through_django_otp_one_code_is_accepted_once(app: App) -> None:
    device = selectors.second_factor(app.user)
    assert device is not None
    name, code = device.persistent_id, app.code()
    results = together(10, lambda: django_otp.verify_token(app.user, name, code) is not None)
    assert sum(results) == 1


# Wrong codes


def test_a_burst_of_wrong_codes_stops_at_ten_of_the_user_and_five_of_a_challenge(app: App, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "VERIFY_SECOND_FACTOR_USER": Rate(10, 900)}
    tokens = [challenge(app.user) for _ in range(3)]

    results = Counter(each([tokens[number % 3] for number in range(20)], posted(VERIFY, app.wrong())))

    judged = results[(401, "code_invalid")] + results[(401, "challenge_exhausted")]
    assert results[(429, "second_factor_locked")] == 20 - judged - results[(401, "challenge_invalid")]
    assert judged <= 10
    failures = LoginChallenge.objects.values_list("failures", flat=True)
    assert sum(failures) == judged
    assert max(failures) <= 5
    assert GuessCounter.objects.get(rule=codes.IN_A_ROW).count == judged


def test_twenty_wrong_codes_on_one_challenge_count_as_five_failures(app: App) -> None:
    results = Counter(each([challenge(app.user)] * 20, posted(VERIFY, app.wrong())))
    assert results[(401, "code_invalid")] == 4
    assert results[(401, "challenge_exhausted")] == 1
    assert results[(401, "challenge_invalid")] == 15
    assert LoginChallenge.objects.get().failures == 5


def test_without_the_lock_a_challenge_takes_more_than_five(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: failures are read, compared and saved by many at once."""
    token = challenge(app.user)
    together_now = meeting(10)
    count_failure = challenges._count_failure

    def count(row: LoginChallenge) -> DomainError:
        together_now.wait(20)
        return count_failure(row)

    without_locks(monkeypatch)
    monkeypatch.setattr(challenges, "_count_failure", count)
    results = each([token] * 10, posted(VERIFY, app.wrong()))

    assert results == [(401, "code_invalid")] * 10
    assert LoginChallenge.objects.get().failures == 1


# Enrolling


@pytest.fixture
def waiting(steady: None) -> tuple[User, App, Any]:
    """A user, the app that read the secret, and the id of the enrolment."""
    user = factories.make_user("ben@example.com")
    begun = second_factor.begin(user=user, by=Actor.staff(user))
    secret = codes.secret_of(factor=SecondFactor.objects.get(pk=begun.id)) or b""
    return user, App(user, secret), begun.id


def confirmed(user: User, enrollment_id: Any, code: str) -> Callable[[], str]:
    def act() -> str:
        try:
            second_factor.confirm(user=user, enrollment_id=enrollment_id, code=code, by=Actor.staff(user))
        except DomainError as refusal:
            return refusal.code
        return "codes"

    return act


def test_two_confirms_at_once_give_the_codes_once(waiting: tuple[User, App, Any]) -> None:
    user, app, enrollment_id = waiting
    results = together(2, confirmed(user, enrollment_id, app.code()))
    assert sorted(results) == ["codes", "enrollment_invalid"]
    assert SecondFactor.objects.get().batch == 1
    assert BackupCode.objects.count() == 10
    assert AuditEvent.objects.filter(action="2fa.enabled").count() == 1


def test_without_the_lock_both_confirms_give_codes(
    waiting: tuple[User, App, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: both read a factor that waits, and both hand out codes; only one batch can work."""
    user, app, enrollment_id = waiting
    together_now = meeting(2)
    enable, store = second_factor._enable, backup_codes.store
    first = threading.Lock()

    def enable_at_once(*args: Any) -> Any:
        together_now.wait(20)
        return enable(*args)

    def store_one_after_the_other(**values: Any) -> list[str]:
        with first:  # the unique selectors would stop a second batch of the same number now and then
            values["factor"].batch = SecondFactor.objects.get(pk=enrollment_id).batch
            return store(**values)

    without_locks(monkeypatch)
    monkeypatch.setattr(second_factor, "_enable", enable_at_once)
    monkeypatch.setattr(backup_codes, "store", store_one_after_the_other)
    results = together(2, confirmed(user, enrollment_id, app.code()))
    assert results == ["codes", "codes"]


def test_a_burst_of_wrong_codes_kills_an_enrolment_at_five(waiting: tuple[User, App, Any]) -> None:
    user, app, enrollment_id = waiting
    results = Counter(together(12, confirmed(user, enrollment_id, app.wrong())))
    assert results == {"code_invalid": 5, "enrollment_invalid": 7}
    assert SecondFactor.objects.get().failures == 5


# Against each other


@pytest.mark.parametrize("attempt", range(3))
def test_a_new_batch_against_an_old_code_has_one_order(app: App, attempt: int) -> None:
    written = factors.give_codes(app.user)
    token = challenge(app.user)

    def act(turn: str) -> Any:
        if turn == "regenerate":
            return len(backup_codes.regenerate(user=app.user, by=Actor.staff(app.user)))
        return outcome(answer(BACKUP, token, written[0]))

    results = set(each(["regenerate", "use"], act))
    assert results in ({10, (200, "")}, {10, (401, "code_invalid")})
    assert selectors.backup_codes_remaining(app.user) == 10
    assert Session.objects.count() == int((200, "") in results)


@pytest.mark.parametrize("attempt", range(3))
def test_switching_off_against_a_sign_in_leaves_no_session_of_the_old_factor(app: App, attempt: int) -> None:
    token = challenge(app.user)

    def act(turn: str) -> Any:
        if turn == "off":
            second_factor.disable(user=app.user, by=Actor.staff(app.user))
            return "off"
        return outcome(answer(VERIFY, token, app.code()))

    results = set(each(["off", "use"], act))
    assert results in ({"off", (200, "")}, {"off", (401, "challenge_invalid")})
    assert not Session.objects.filter(revoked_at__isnull=True).exists()


def test_ten_sign_ins_at_once_leave_three_challenges(app: App) -> None:
    tokens = together(10, lambda: challenges.issue(user=app.user, now=clock.db_now()).token)
    assert len(set(tokens)) == 10
    assert LoginChallenge.objects.filter(superseded_at__isnull=True).count() == 3


def test_sign_ins_and_answers_at_once_never_stand_in_each_others_way(app: App) -> None:
    tokens = [challenge(app.user) for _ in range(3)]

    def act(turn: str) -> Any:
        if turn == "issue":
            return challenges.issue(user=app.user, now=clock.db_now()).expires_in
        return answer(VERIFY, turn, app.wrong()).status_code

    results = Counter(each([*tokens, "issue", *tokens, "issue", *tokens, "issue"], act))
    assert results == {300: 3, 401: 9}
