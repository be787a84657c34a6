"""Signing in on the pages: password, code, backup code, enrolment, and what opens the admin afterwards."""

import io
import os
import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from accounts.actions import users
from accounts.constants import ADMIN_SESSION_KEY
from accounts.models import BackupCode, LoginChallenge, SecondFactor, Session, User
from accounts.tests import doors, factories
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from common.clock import db_now
from config.rates import Rate
from jobs.models import Job

pytestmark = pytest.mark.django_db
DAY = 24 * 3600


def opens_admin(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def row(client: Client) -> Session:
    return Session.objects.get(pk=client.session[ADMIN_SESSION_KEY])


def test_the_admins_own_address_leads_to_the_one_door(client: Client, owner: User) -> None:
    assert client.get("/admin/accounts/user/")["Location"] == "/admin/login/?next=/admin/accounts/user/"
    answer = client.get("/admin/login/?next=/admin/accounts/user/")
    assert (answer.status_code, answer["Location"]) == (302, "/auth/sign-in?next=%2Fadmin%2Faccounts%2Fuser%2F")
    page = client.get(answer["Location"])
    assert doors.hidden(page.content.decode(), "next") == "/admin/accounts/user/"
    assert page["Referrer-Policy"] == "same-origin"
    assert page["Cache-Control"] == "no-store"
    done = doors.type_password(client, owner, next="/admin/accounts/user/")
    assert (done.status_code, done["Location"]) == (303, "/admin/accounts/user/")


def test_without_a_factor_and_with_policy_optional_the_password_opens_the_admin(client: Client, owner: User) -> None:
    answer = doors.type_password(client, owner)

    assert (answer.status_code, answer["Location"]) == (303, "/admin/")
    session = row(client)
    assert (session.user_id, session.transport, session.amr) == (owner.pk, "admin", ["pwd"])
    assert not session.refresh_tokens.exists()
    assert (session.absolute_expires_at - session.created_at).total_seconds() == DAY
    event = AuditEvent.objects.get(action="session.created")
    assert (event.actor_id, event.target_id, event.session_id) == (str(owner.pk), str(session.pk), str(session.pk))
    assert opens_admin(client)
    assert client.get("/auth/sign-in?next=/admin/cms/post/")["Location"] == "/admin/cms/post/"


def test_signing_in_gives_the_browser_a_new_session(client: Client, owner: User) -> None:
    ben = factories.make_user("ben@example.com", held=("Author",))
    doors.type_password(client, ben)
    key, former = client.session.session_key, row(client)
    doors.type_password(client, owner)
    assert client.session.session_key != key
    assert row(client).user == owner
    former.refresh_from_db()
    assert former.revoke_reason == "logout"


@pytest.mark.parametrize("who", ["unknown", "wrong", "inactive", "unusable"])
def test_a_wrong_sign_in_says_the_same_of_everybody(client: Client, owner: User, who: str) -> None:
    email, password = owner.email, factories.PASSWORD
    if who == "unknown":
        email = "nobody@example.com"
    elif who == "wrong":
        password = "something else entirely"
    elif who == "inactive":
        User.objects.update(is_active=False)
    else:
        User.objects.update(password="!unusable")

    answer = client.post("/auth/sign-in", {"email": email, "password": password})
    html = answer.content.decode()
    assert answer.status_code == 400
    assert "E-mail and password do not fit each other, or the account is closed." in html
    assert password not in html
    assert "challenge" not in answer.cookies
    assert not Session.objects.exists()
    assert AuditEvent.objects.get(action="login.failed").outcome == "refused"


def test_the_doors_counters_are_the_apis(client: Client, api: Any, owner: User, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "LOGIN_IP_ACCOUNT": Rate(2, 60)}
    for _ in range(2):
        assert doors.type_password(client, owner, password="wrong").status_code == 400

    answer = doors.type_password(client, owner)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1
    assert api.post("/api/auth/login", {"email": owner.email, "password": factories.PASSWORD}).status_code == 429
    assert not Session.objects.exists()


def test_the_address_is_taken_in_its_canonical_form(client: Client, owner: User) -> None:
    answer = client.post("/auth/sign-in", {"email": "Owner@EXAMPLE.com", "password": factories.PASSWORD})
    assert answer.status_code == 303
    assert row(client).user_id == owner.pk


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_never_leads_to_another_site(client: Client, owner: User, there: str) -> None:
    assert doors.type_password(client, owner, next=there)["Location"] == "/admin/"


class TestWithAFactor:
    """Password, then a code."""

    def test_the_password_alone_opens_nothing(self, client: Client, owner: User) -> None:
        doors.give_factor(owner)
        answer = doors.type_password(client, owner, next="/admin/cms/post/")

        assert (answer.status_code, answer["Location"]) == (303, "/auth/code?next=%2Fadmin%2Fcms%2Fpost%2F")
        cookie = answer.cookies["challenge"]
        assert cookie.value.startswith("ch_")
        assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (
            "/auth",
            True,
            "Strict",
            300,
        )
        assert not opens_admin(client)
        assert not Session.objects.exists()

    def test_the_apps_code_opens_the_admin_and_never_twice(self, client: Client, owner: User) -> None:
        secret, _ = doors.give_factor(owner)
        doors.type_password(client, owner)
        code = doors.code_of(secret)
        page = client.get("/auth/code?next=/admin/cms/post/").content.decode()
        assert client.cookies["challenge"].value not in page
        assert 'autocomplete="one-time-code"' in page
        answer = client.post("/auth/code", {"code": f"{code[:3]} {code[3:]}", "next": doors.hidden(page, "next")})

        assert (answer.status_code, answer["Location"]) == (303, "/admin/cms/post/")
        assert answer.cookies["challenge"].value == ""
        assert row(client).amr == ["pwd", "otp"]
        assert opens_admin(client)
        assert AuditEvent.objects.filter(action="2fa.verified").count() == 1
        other = Client()
        doors.type_password(other, owner)
        assert other.post("/auth/code", {"code": code}).status_code == 400
        assert not opens_admin(other)

    def test_a_backup_code_opens_it_once(self, client: Client, owner: User) -> None:
        _, codes = doors.give_factor(owner)
        doors.type_password(client, owner)
        assert client.post("/auth/code", {"code": codes[0].lower()}).status_code == 303
        page = client.get("/admin/").content.decode()
        assert "You signed in with a backup code; 9 are left." in page
        assert row(client).amr == ["pwd", "backup"]
        assert BackupCode.objects.filter(used_at__isnull=False).count() == 1
        other = Client()
        doors.type_password(other, owner)
        assert other.post("/auth/code", {"code": codes[0]}).status_code == 400

    def test_five_wrong_codes_end_the_challenge(self, client: Client, owner: User) -> None:
        secret, _ = doors.give_factor(owner)
        doors.type_password(client, owner)
        wrong = f"{(int(doors.code_of(secret)) + 1) % 1_000_000:06d}"
        for _ in range(4):
            assert client.post("/auth/code", {"code": wrong}).status_code == 400
        exhausted = client.post("/auth/code", {"code": wrong})
        assert exhausted.status_code == 401
        assert "/auth/sign-in" in exhausted.content.decode()
        assert exhausted.cookies["challenge"].value == ""
        assert LoginChallenge.objects.get().failures == 5
        assert not Session.objects.exists()

    def test_a_locked_factor_takes_no_code(self, client: Client, owner: User, settings: Any) -> None:
        settings.RATES = {**settings.RATES, "VERIFY_SECOND_FACTOR_USER": Rate(1, 900)}
        secret, _ = doors.give_factor(owner)
        doors.type_password(client, owner)
        client.post("/auth/code", {"code": f"{(int(doors.code_of(secret)) + 1) % 1_000_000:06d}"})
        answer = client.post("/auth/code", {"code": doors.code_of(secret)})
        assert answer.status_code == 429
        assert 1 <= int(answer["Retry-After"]) <= 900
        assert not opens_admin(client)

    def test_over_https_the_cookie_is_secure(self, client: Client, owner: User, settings: Any) -> None:
        settings.HTTPS = True
        doors.give_factor(owner)
        cookie = doors.type_password(client, owner).cookies["__Secure-challenge"]
        assert (cookie["secure"], cookie["path"]) == (True, "/auth")

    def test_a_code_page_without_a_challenge_leads_to_the_password(self, client: Client, db: None) -> None:
        assert client.get("/auth/code")["Location"] == "/auth/sign-in"
        assert client.post("/auth/code", {"code": "123456"})["Location"] == "/auth/sign-in"


class TestEnrolmentAtTheDoor:
    """Policy `required`, no factor yet."""

    @pytest.fixture(autouse=True)
    def _required(self, settings: Any) -> None:
        settings.STAFF_TWO_FACTOR = "required"

    @pytest.fixture
    def newcomer(self, owner: User) -> User:
        owner.enrollment_open_until = db_now() + timedelta(hours=1)
        owner.save()
        return owner

    def test_from_the_password_to_the_admin(self, client: Client, newcomer: User, tables: Any) -> None:
        answer = doors.type_password(client, newcomer, next="/admin/cms/post/")
        assert (answer.status_code, answer["Location"]) == (303, "/auth/enroll?next=%2Fadmin%2Fcms%2Fpost%2F")
        assert not opens_admin(client)
        page = client.get(answer["Location"]).content.decode()
        assert client.cookies["enrollment"].value not in page
        secret = doors.shown_secret(page)
        assert 'src="data:image/svg+xml' in page
        again = client.get(answer["Location"]).content.decode()
        assert doors.shown_secret(again) == secret
        assert SecondFactor.objects.count() == 1

        fields = {"enrollment_id": doors.hidden(page, "enrollment_id")}
        wrong = f"{(int(doors.code_of(secret)) + 1) % 1_000_000:06d}"
        refused = client.post(answer["Location"], {**fields, "code": wrong})
        assert refused.status_code == 400
        assert doors.shown_secret(refused.content.decode()) == secret
        done = client.post(answer["Location"], {**fields, "code": doors.code_of(secret)})
        html = done.content.decode()
        codes = doors.shown_codes(html)
        assert (done.status_code, len(set(codes))) == (200, 10)
        assert 'href="/admin/cms/post/"' in html
        assert done["Cache-Control"] == "no-store"
        assert done.cookies["enrollment"].value == ""
        assert row(client).amr == ["pwd", "otp"]
        assert opens_admin(client)
        dump = tables()
        assert secret not in dump
        assert not [code for code in codes if code in dump or code.replace("-", "") in dump]

    def test_five_wrong_codes_make_a_new_secret(self, client: Client, newcomer: User) -> None:
        doors.type_password(client, newcomer)
        page = client.get("/auth/enroll").content.decode()
        secret, fields = doors.shown_secret(page), {"enrollment_id": doors.hidden(page, "enrollment_id")}
        wrong = f"{(int(doors.code_of(secret)) + 1) % 1_000_000:06d}"
        for _ in range(5):
            refused = client.post("/auth/enroll", {**fields, "code": wrong})
        assert refused.status_code == 400
        assert doors.shown_secret(refused.content.decode()) != secret
        assert not SecondFactor.objects.filter(confirmed=True).exists()

    def test_nobody_is_shown_a_secret_that_someone_else_has_seen(self, client: Client, newcomer: User) -> None:
        stranger = Client()
        doors.type_password(stranger, newcomer)
        planted = stranger.get("/auth/enroll").content.decode()
        doors.type_password(client, newcomer)
        page = client.get("/auth/enroll").content.decode()
        secret = doors.shown_secret(page)
        assert secret != doors.shown_secret(planted)
        late = {"enrollment_id": doors.hidden(planted, "enrollment_id")}
        taken = {**late, "code": doors.code_of(doors.shown_secret(planted))}
        assert stranger.post("/auth/enroll", taken).status_code == 401
        fields = {"enrollment_id": doors.hidden(page, "enrollment_id"), "code": doors.code_of(secret)}
        assert len(doors.shown_codes(client.post("/auth/enroll", fields).content.decode())) == 10

    def test_after_72_hours_only_words(self, client: Client, newcomer: User) -> None:
        with clock.shift(2 * 3600):
            answer = doors.type_password(client, newcomer)
        assert answer.status_code == 403
        assert "72 hours after joining" in answer.content.decode()
        assert "enrollment" not in answer.cookies
        assert not SecondFactor.objects.exists()

    def test_an_unknown_or_used_token_leads_back_to_the_password(self, client: Client, newcomer: User) -> None:
        assert client.get("/auth/enroll")["Location"] == "/auth/sign-in"
        client.cookies["enrollment"] = "en_" + "a" * 43
        answer = client.get("/auth/enroll")
        assert answer.status_code == 401
        assert answer.cookies["enrollment"].value == ""
        assert not SecondFactor.objects.exists()


class TestWhatEndsAnAdminSession:
    """Beyond the right password and factor of the beginning nothing keeps a session alive."""

    @pytest.fixture
    def inside(self, client: Client, owner: User) -> Client:
        doors.type_password(client, owner)
        assert opens_admin(client)
        return client

    def test_a_day(self, inside: Client) -> None:
        with clock.shift(DAY - 1):
            assert opens_admin(inside)
        with clock.shift(DAY + 1):
            assert not opens_admin(inside)

    def test_another_password(self, inside: Client, owner: User) -> None:
        owner.set_password("another password 77")
        owner.save()
        assert not opens_admin(inside)

    def test_a_factor_that_appears(self, inside: Client, owner: User) -> None:
        doors.give_factor(owner)
        assert not opens_admin(inside)

    def test_a_factor_that_goes(self, client: Client, owner: User) -> None:
        client.force_login(owner)
        doors.give_factor(owner)
        verified = Client()
        verified.force_login(owner)
        assert opens_admin(verified)
        SecondFactor.objects.all().delete()
        assert not opens_admin(verified)

    def test_a_closed_account(self, inside: Client, owner: User) -> None:
        boss = factories.make_user("boss@example.com")
        users.set_active(user=owner, active=False, by=Actor.staff(boss))
        assert not opens_admin(inside)

    def test_a_colleague_who_ends_the_session(self, inside: Client) -> None:
        Session.objects.update(revoked_at=db_now(), revoke_reason="revoked_by_admin")
        assert not opens_admin(inside)

    def test_the_policy_becoming_required(self, inside: Client, settings: Any) -> None:
        settings.STAFF_TWO_FACTOR = "required"
        assert not opens_admin(inside)

    def test_signing_out(self, inside: Client) -> None:
        session = row(inside)
        assert inside.get("/admin/logout/").status_code == 405
        answer = inside.post("/admin/logout/")
        assert (answer.status_code, answer["Location"]) == (302, "/auth/signed-out")
        assert not opens_admin(inside)
        session.refresh_from_db()
        assert session.revoke_reason == "logout"
        assert AuditEvent.objects.get(action="session.logged_out").session_id == str(session.pk)
        assert inside.get("/auth/signed-out").status_code == 200


class TestTwoWorlds:
    """The admin's session never opens the API, an access token never the admin."""

    def test_an_access_token_opens_no_page(self, client: Client, owner: User) -> None:
        api = factories.sign_in(owner)
        header = api._credentials["HTTP_AUTHORIZATION"]
        assert client.get("/admin/", HTTP_AUTHORIZATION=header).status_code == 302
        assert client.get("/auth/account", HTTP_AUTHORIZATION=header).status_code == 303

    def test_the_admins_cookie_opens_no_endpoint(self, client: Client, owner: User) -> None:
        doors.type_password(client, owner)
        answer = client.get("/api/auth/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert client.post("/api/auth/refresh", {}, content_type="application/json").status_code in {401, 403}

    def test_another_rows_id_in_the_browsers_session_opens_nothing(self, client: Client, owner: User) -> None:
        doors.type_password(client, owner)
        factories.sign_in(owner)
        browser = client.session
        browser[ADMIN_SESSION_KEY] = str(Session.objects.get(transport="body").pk)
        browser.save()
        assert not opens_admin(client)


def test_the_forms_want_their_own_token(owner: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert doors.type_password(strict, owner).status_code == 403
    assert not Session.objects.exists()


def test_no_mail_and_no_job_comes_of_a_plain_sign_in(client: Client, owner: User) -> None:
    doors.type_password(client, owner)
    assert not Job.objects.exists()


def test_the_first_owner_of_a_new_system_comes_in(client: Client, roles: None, settings: Any) -> None:
    """Production's default: `invite_owner` at the shell, the link, a password, an app, the admin."""
    settings.STAFF_TWO_FACTOR = "required"
    out = io.StringIO()
    call_command("invite_owner", "first@example.com", stdout=out)
    link = re.search(r"http://testserver(/auth/invite/iv_[\w-]{43})", out.getvalue())
    assert link
    password = "copper lantern orchard twelve"
    form = {"first_name": "Ada", "last_name": "Njeri", "password": password, "again": password}

    assert client.get(client.get(link[1])["Location"]).status_code == 200
    assert client.post("/auth/invite", form)["Location"] == "/auth/enroll"
    page = client.get("/auth/enroll").content.decode()
    assert "Not now" not in page
    fields = {"enrollment_id": doors.hidden(page, "enrollment_id"), "code": doors.code_of(doors.shown_secret(page))}
    assert len(doors.shown_codes(client.post("/auth/enroll", fields).content.decode())) == 10
    start = client.get("/admin/")
    assert start.status_code == 200
    assert "You sign in by password alone" not in start.content.decode()
    ada = User.objects.get(email="first@example.com")
    assert list(ada.groups.values_list("name", flat=True)) == ["Owner"]

    stranger = Client()
    assert doors.type_password(stranger, ada, password=password)["Location"] == "/auth/code"
    assert not opens_admin(stranger)


def test_in_production_the_cookies_belong_to_this_host_alone() -> None:
    """`__Host-` means Secure, the whole path and no other host (RFC 6265bis, §4.1.3)."""
    names = "SESSION_COOKIE_NAME SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE CSRF_COOKIE_NAME"
    asked = ", ".join(f"s.{name}" for name in names.split())
    secrets = {name: name[0] * 50 for name in ("SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET")}
    environment = {
        **secrets, "PATH": os.environ["PATH"], "DJANGO_ENV": "production", "PUBLIC_URL": "https://api.example.com",
        "DATABASE_URL": "postgres://u:p@127.0.0.1:1/x",
    }  # fmt: skip
    code = f"import config.settings as s; print({asked})"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["__Host-session", "True", "True", "Lax", "__Host-csrf"]
    assert (settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN) == ("/", None)
