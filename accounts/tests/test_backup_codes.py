"""Backup codes: their form, one hash an attempt, one use each, and batches that replace each other."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import crockford, selectors
from accounts.actions import backup_codes
from accounts.constants import BACKUP_CODES
from accounts.hashers import BackupCodeHasher, StaffArgon2Hasher
from accounts.models import BackupCode, LoginChallenge, Session
from accounts.tests import factors
from accounts.tests.factors import BACKUP, VERIFY, App, answer, challenge, outcome, signed_in
from audit.models import AuditEvent
from common import clock
from common.errors import LimiterUnavailable
from config.rates import Rate
from jobs.testing import run_due
from mail.models import Message

REGENERATE = "/api/auth/2fa/backup/regenerate"


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Each Argon2 call of a backup code."""
    seen: list[str] = []
    for name in ("encode", "verify"):
        original = getattr(StaffArgon2Hasher, name)

        def counted(self: Any, *args: Any, _name: str = name, _original: Any = original) -> Any:
            seen.append(_name)
            return _original(self, *args)

        monkeypatch.setattr(BackupCodeHasher, name, counted)
    return iter([seen])  # type: ignore[return-value]


def mails() -> list[str]:
    return list(Message.objects.order_by("created_at", "id").values_list("template", flat=True))


# The form


def test_a_batch_is_ten_codes_of_sixty_bits_with_a_selector_each() -> None:
    batch = crockford.generate()
    assert len(batch) == len({code[0] for code in batch}) == BACKUP_CODES == 10
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{13}", code) for code in batch)
    assert len(crockford.ALPHABET) == 32
    assert all(re.fullmatch(r"\w-\w{4}-\w{4}-\w{4}", crockford.shown(code)) for code in batch)
    assert [crockford.normalised(crockford.shown(code)) for code in batch] == batch


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("7-K3QF-9M2X-T0VB", "7K3QF9M2XT0VB"),
        ("7-k3qf-9m2x-t0vb", "7K3QF9M2XT0VB"),
        ("7K3QF9M2XT0VB", "7K3QF9M2XT0VB"),
        ("  7 K3QF 9M2X TOVB ", "7K3QF9M2XT0VB"),
        ("7-K3QF-9M2X-ToVB", "7K3QF9M2XT0VB"),
        ("1-L1Ii-1111-l111", "1111111111111"),
        ("7-K3QF-9M2X-T0V", None),
        ("7-K3QF-9M2X-T0VBB", None),
        ("7-K3QF-9M2X-T0VU", None),
        ("7-K3QF-9M2X-T0V\n", None),
        ("7-K3QF-9M2X-T0V\u212a", None),
        ("７-K3QF-9M2X-T0VB", None),
        ("7" + "-" * 19 + "K3QF9M2XT0VB", "7K3QF9M2XT0VB"),
        ("7" + "-" * 20 + "K3QF9M2XT0VB", None),
        ("", None),
    ],
)
def test_what_people_type_is_read_kindly(written: str, plain: str | None) -> None:
    assert crockford.normalised(written) == plain


def test_the_hash_costs_what_owasp_asks_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    encoded = BackupCodeHasher().encode("code", "somesaltsomesalt")
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


# Using a code


@pytest.mark.django_db
def test_a_code_opens_a_session_and_is_mailed(ana: App) -> None:
    codes = factors.give_codes(ana.user)
    used = answer(BACKUP, challenge(ana.user), codes[4])

    assert used.status_code == 200
    assert used.json()["backup_codes_remaining"] == 9
    assert "backup_codes_low" not in used.json()
    session = Session.objects.get()
    assert (session.amr, session.reauth_amr) == (["pwd", "backup"], ["pwd", "backup"])
    assert mails() == ["accounts/backup_code_used"]
    event = AuditEvent.objects.get(action="2fa.backup_used")
    assert (event.outcome, event.target_id) == ("done", str(ana.user.pk))
    assert event.meta == {"backup_codes_remaining": 9}
    again = answer(BACKUP, challenge(ana.user), codes[4])
    assert outcome(again) == (401, "code_invalid")
    assert AuditEvent.objects.get(action="2fa.backup_failed").outcome == "refused"
    assert Session.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("change", [str.lower, lambda code: code.replace("-", ""), lambda code: code.replace("-", " ")])
def test_case_and_separators_do_not_matter(ana: App, change: Any) -> None:
    code = factors.give_codes(ana.user)[0]
    assert answer(BACKUP, challenge(ana.user), change(code)).status_code == 200


@pytest.mark.django_db
def test_digits_that_look_like_letters_are_read_as_digits(ana: App, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = [f"{selector}01010101010{selector}" for selector in "0123456789"]
    monkeypatch.setattr(crockford, "generate", lambda: batch)
    factors.give_codes(ana.user)
    assert answer(BACKUP, challenge(ana.user), "2-OIOL-oioi-Olo2").status_code == 200
    assert answer(BACKUP, challenge(ana.user), "O-OIOL-oioi-OloO").status_code == 200


@pytest.mark.django_db
def test_another_users_code_and_a_wrong_selector_are_wrong(ana: App) -> None:
    mine = factors.give_codes(ana.user)
    ben = factors.colleague()
    theirs = factors.give_codes(ben.user)
    spare = next(one for one in crockford.ALPHABET if one not in {code[0] for code in mine})
    for wrong in (theirs[0], spare + mine[0][1:], mine[1][0] + mine[0][1:]):
        assert outcome(answer(BACKUP, challenge(ana.user), wrong)) == (401, "code_invalid")
    assert not BackupCode.objects.filter(used_at__isnull=False).exists()
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_every_attempt_costs_one_hash(ana: App, hashes: Iterator[list[str]]) -> None:
    codes = factors.give_codes(ana.user)
    seen = next(hashes)
    spare = next(one for one in crockford.ALPHABET if one not in {code[0] for code in codes})
    without = factors.colleague("none@example.com")
    attempts = {
        "right": (ana.user, codes[0]),
        "used": (ana.user, codes[0]),
        "wrong code": (ana.user, codes[1][:-1] + ("0" if codes[1][-1] != "0" else "1")),
        "unknown selector": (ana.user, spare + codes[2][1:]),
        "no code at all": (ana.user, "nonsense"),
        "no codes issued": (without.user, codes[3]),
    }
    costs = {}
    for name, (user, code) in attempts.items():
        token = challenge(user)
        seen.clear()
        answer(BACKUP, token, code)
        costs[name] = len(seen)
    assert costs == dict.fromkeys(attempts, 1)


@pytest.mark.django_db
def test_without_codes_left_the_answer_is_the_same(ana: App) -> None:
    codes = factors.give_codes(ana.user)
    BackupCode.objects.update(used_at=clock.db_now())
    refused = answer(BACKUP, challenge(ana.user), codes[0])
    assert outcome(refused) == (401, "code_invalid")
    assert refused.json()["attempts_left"] == 4


@pytest.mark.django_db
def test_the_counters_are_those_of_the_app(ana: App, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "VERIFY_SECOND_FACTOR_USER": Rate(2, 900)}
    codes = factors.give_codes(ana.user)
    answer(BACKUP, challenge(ana.user), "nonsense")
    answer(VERIFY, challenge(ana.user), ana.wrong())
    token = challenge(ana.user)
    assert outcome(answer(BACKUP, token, codes[0])) == (429, "second_factor_locked")
    assert outcome(answer(VERIFY, token, ana.code())) == (429, "second_factor_locked")
    assert not BackupCode.objects.filter(used_at__isnull=False).exists()


@pytest.mark.django_db
def test_few_codes_left_are_told_in_the_answer_and_by_mail(ana: App, mailoutbox: list[Any]) -> None:
    codes = factors.give_codes(ana.user)
    lows = []
    for code in codes[:8]:
        with clock.shift(len(lows)):
            body = answer(BACKUP, challenge(ana.user), code).json()
        lows.append((body["backup_codes_remaining"], body.get("backup_codes_low")))
    assert lows == [(9, None), (8, None), (7, None), (6, None), (5, None), (4, None), (3, True), (2, True)]
    assert mails().count("accounts/backup_codes_low") == 2
    assert mails().count("accounts/backup_code_used") == 8
    with clock.shift(60):
        run_due()
    assert {
        "A backup code of your account was used",
        "You have few backup codes left",
    } == {sent.subject for sent in mailoutbox}
    assert not [code for code in codes for sent in mailoutbox if code in sent.body]


@pytest.mark.django_db
def test_a_pepper_that_is_no_longer_listed_makes_its_codes_wrong(ana: App, settings: Any) -> None:
    codes = factors.give_codes(ana.user)
    settings.REFRESH_PEPPERS = [b"n" * 32, *settings.REFRESH_PEPPERS]
    assert answer(BACKUP, challenge(ana.user), codes[0]).status_code == 200
    settings.REFRESH_PEPPERS = [b"n" * 32]
    assert outcome(answer(BACKUP, challenge(ana.user), codes[1])) == (401, "code_invalid")


@pytest.mark.django_db
def test_a_flood_of_hashes_gives_the_guess_back(ana: App, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = factors.give_codes(ana.user)
    token = challenge(ana.user)

    def full(*_: Any) -> bool:
        raise LimiterUnavailable(retry_after=3)

    with monkeypatch.context() as patch:
        patch.setattr(BackupCodeHasher, "verify", full)
        refused = answer(BACKUP, token, codes[0])
    assert outcome(refused) == (503, "limiter_unavailable")
    assert LoginChallenge.objects.get().failures == 0
    assert answer(BACKUP, token, codes[0]).status_code == 200


@pytest.mark.django_db
def test_stored_is_an_argon2id_hash_under_the_pepper_and_no_code(ana: App, tables: Any) -> None:
    codes = factors.give_codes(ana.user)
    rows = list(BackupCode.objects.all())
    assert len(rows) == 10
    assert {row.code_hash.split("$")[1] for row in rows} == {"argon2id"}
    assert len({row.code_hash for row in rows}) == 10
    plain = crockford.normalised(codes[0]) or ""
    bare = BackupCode.objects.get(selector=plain[0])
    assert not BackupCodeHasher().verify(plain, bare.code_hash)
    dump = tables()
    for code in codes:
        assert code not in dump
        assert code.replace("-", "") not in dump


# New batches


@pytest.mark.django_db
def test_a_new_batch_kills_the_old_one(ana: App) -> None:
    old = factors.give_codes(ana.user)
    client = signed_in(ana.user)
    made = client.post(REGENERATE, {})

    assert made.status_code == 200
    assert list(made.json()) == ["backup_codes"]
    new = made.json()["backup_codes"]
    assert len(set(new) - set(old)) == 10
    assert set(BackupCode.objects.values_list("batch", flat=True)) == {2}
    event = AuditEvent.objects.filter(action="2fa.backup_issued").latest("id")
    assert (event.actor_id, event.target_id) == (str(ana.user.pk), str(ana.user.pk))
    assert outcome(answer(BACKUP, challenge(ana.user), old[0])) == (401, "code_invalid")
    assert answer(BACKUP, challenge(ana.user), new[0]).status_code == 200
    assert client.get("/api/auth/me").status_code == 200


@pytest.mark.django_db
def test_a_backup_code_is_not_enough_for_a_new_batch(ana: App) -> None:
    factors.give_codes(ana.user)
    for amr in (["pwd", "backup"], ["pwd", "otp"]):
        client = signed_in(ana.user, amr=amr)
        with clock.shift(301 if "otp" in amr else 0):
            assert outcome(client.post(REGENERATE, {})) in [(403, "reauth_required"), (401, "token_expired")]
    Session.objects.update(reauth_amr=["pwd"])
    assert outcome(signed_in(ana.user, amr=["pwd", "backup"]).post(REGENERATE, {})) == (403, "reauth_required")
    factor = selectors.second_factor(ana.user)
    assert factor is not None
    assert factor.batch == 1


@pytest.mark.django_db
def test_without_a_factor_there_are_no_codes(owner: Any) -> None:
    client = signed_in(owner, amr=["pwd"])
    assert outcome(client.post(REGENERATE, {})) == (409, "two_factor_not_enabled")
    assert outcome(APIClient().post(REGENERATE, {}, format="json")) == (401, "not_authenticated")


@pytest.mark.django_db
def test_codes_stand_in_one_answer_only(ana: App) -> None:
    client = signed_in(ana.user)
    codes = client.post(REGENERATE, {}).json()["backup_codes"]
    for path in ("/api/auth/2fa", "/api/auth/me", "/api/auth/users", "/api/auth/sessions"):
        text = client.get(path).content.decode()
        assert not [code for code in codes if code in text]


@pytest.mark.django_db
def test_new_batches_are_limited(ana: App, settings: Any, fresh_cache: None) -> None:
    settings.RATES = {**settings.RATES, "REGENERATE_BACKUP_CODES_USER": Rate(1, 3600)}
    settings.CACHES = {**settings.CACHES, "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    client = signed_in(ana.user)
    assert client.post(REGENERATE, {}).status_code == 200
    assert outcome(client.post(REGENERATE, {})) == (429, "rate_limited")


@pytest.mark.django_db
def test_a_session_that_ends_while_the_codes_are_hashed_gets_none(ana: App, monkeypatch: pytest.MonkeyPatch) -> None:
    written = factors.give_codes(ana.user)
    client = signed_in(ana.user)
    make = backup_codes.make

    def meanwhile() -> Any:
        Session.objects.update(revoked_at=clock.db_now(), revoke_reason=Session.RevokeReason.PASSWORD)
        return make()

    monkeypatch.setattr(backup_codes, "make", meanwhile)
    assert outcome(client.post(REGENERATE, {})) == (401, "session_revoked")
    monkeypatch.undo()
    assert answer(BACKUP, challenge(ana.user), written[0]).status_code == 200
