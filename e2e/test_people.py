"""A colleague is invited in the admin, follows the mail, chooses a password and signs in through the API."""

import email
import json
import re
import urllib.error
import urllib.request
from email import policy

from playwright.sync_api import BrowserContext, Page, expect

from e2e.conftest import Watch, shoot
from e2e.studio import Studio

COLLEAGUE = "wanjiru@murram.example"
WEAK, STRONG = "password1234", "violet kettle harbour nine"


def post(studio: Studio, path: str, body: dict, token: str = "") -> tuple[int, dict]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"{studio.url}{path}", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def invitation_link(studio: Studio) -> str:
    message = email.message_from_string(studio.mails(COLLEAGUE)[-1], policy=policy.default)
    text = message.get_body(("plain",)).get_content()
    return re.search(r"http://\S+/auth/invite/\S+", text)[0]


def test_from_invitation_to_sign_in(admin: Page, context: BrowserContext, studio: Studio, watch: Watch):
    admin.goto("/admin/accounts/invite/add/")
    admin.get_by_label("E-mail").fill(COLLEAGUE)
    admin.get_by_label("Editor").check()
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.locator("#result_list, .messagelist").first).to_be_visible()
    for _ in range(50):
        if studio.mails(COLLEAGUE):
            break
        admin.wait_for_timeout(200)
    context.clear_cookies()

    page = admin
    page.goto(invitation_link(studio))
    assert "iv_" not in page.url
    page.get_by_label("First name").fill("Wanjiru")
    page.get_by_label("Last name").fill("Kamau")
    fill_passwords(page, WEAK)
    watch.expected.append("400")
    expect(page.locator(".field__error").first).to_be_visible()
    shoot(page, "auth-accept-refused")
    fill_passwords(page, STRONG)
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Join the team")
    shoot(page, "auth-accepted")

    status, wrong = post(studio, "/api/auth/login", {"email": COLLEAGUE, "password": WEAK})
    assert (status, wrong["code"]) == (401, "invalid_credentials")
    status, tokens = post(studio, "/api/auth/login", {"email": COLLEAGUE, "password": STRONG})
    assert (status, tokens["status"], tokens["user"]["roles"]) == (200, "authenticated", ["Editor"])
    status, fresh = post(studio, "/api/auth/refresh", {"refresh": tokens["refresh"]})
    assert status == 200
    assert fresh["refresh"] != tokens["refresh"]
    status, _ = post(studio, "/api/auth/logout", {"refresh": fresh["refresh"]})
    assert status == 204
    status, dead = post(studio, "/api/auth/reauthenticate", {"password": STRONG}, fresh["access"])
    assert (status, dead["code"]) == (401, "session_revoked")


def fill_passwords(page: Page, password: str) -> None:
    for field in page.locator("input[type=password]").all():
        field.fill(password)
    page.get_by_role("button", name="Create my account").click()
