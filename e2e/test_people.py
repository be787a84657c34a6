"""A colleague's way in and back: invited, enrolled with a real app, signed in, and helped out of every loss."""

import base64
import email
import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field
from email import policy

from playwright.sync_api import BrowserContext, Page, expect

from e2e.conftest import Watch, shoot
from e2e.studio import Studio

COLLEAGUE = "wanjiru@murram.example"
WEAK, STRONG, NEWER = "password1234", "violet kettle harbour nine", "copper lantern orchard twelve"
WIDTHS = (360, 768, 1280)
STEP_SECONDS = 30
STALE = "from accounts.models import Session; from datetime import timedelta; from django.db.models import F; "
STALE += "Session.objects.update(reauth_at=F('reauth_at') - timedelta(minutes=6))"


@dataclass
class Colleague:
    """What the colleague holds: a phone, a sheet of codes, a password."""

    secret: str
    codes: list[str]
    password: str = STRONG
    used_steps: set[int] = field(default_factory=set)

    def code(self, page: Page) -> str:
        """The phone's code (RFC 6238) of a step that was not used; waits for the next one if need be."""
        while (step := int(time.time()) // STEP_SECONDS) in self.used_steps:
            page.wait_for_timeout(500)
        self.used_steps.add(step)
        return code_at(self.secret, step)


def code_at(secret: str, step: int) -> str:
    """The TOTP code of a time step, computed as an app does."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def mailed_link(page: Page, studio: Studio, path: str) -> str:
    """The newest link of that kind in the colleague's mails; waits for the job that writes them."""
    for _ in range(100):
        for raw in reversed(studio.mails(COLLEAGUE)):
            text = email.message_from_string(raw, policy=policy.default).get_body(("plain",)).get_content()
            if found := re.search(rf"http://\S+/auth/{path}/\S+", text):
                return found[0]
        page.wait_for_timeout(200)
    raise AssertionError(f"No mail with /auth/{path}/ came.")


def shoot_widths(page: Page, name: str) -> None:
    """A picture at a phone's, a tablet's and a desk's width; nothing scrolls sideways."""
    page.wait_for_load_state()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} scrolls sideways at {width}"
        shoot(page, f"auth-{name}-{width}")


def fill(page: Page, button: str, **values: str) -> None:
    """Type into the fields of those names and press the button."""
    for name, value in values.items():
        page.locator(f"input[name={name}]:not([hidden])").fill(value)
    page.get_by_role("button", name=button, exact=True).click()


def test_from_invitation_to_reset(admin: Page, context: BrowserContext, studio: Studio, watch: Watch):
    invite(admin, studio)
    owner = context.storage_state()
    context.clear_cookies()
    accept(admin, studio, watch)
    colleague = enroll(admin, watch)
    sign_out(admin)
    sign_in_by_app(admin, colleague, watch)
    look_at_own_account(admin)
    sign_out(admin)
    sign_in_by_backup_code(admin, colleague)
    sign_out(admin)
    reset_password(admin, studio, colleague)
    context.clear_cookies()
    context.add_cookies(owner["cookies"])
    reset_colleagues_factor(admin)
    context.clear_cookies()
    enroll_again(admin, colleague)


def invite(page: Page, studio: Studio) -> None:
    """The Owner confirms first, since the sign-in is older than five minutes by now."""
    done = studio.manage("shell", "-c", STALE)
    assert done.returncode == 0, done.stderr
    page.goto("/admin/accounts/invite/add/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    shoot_widths(page, "confirm")
    fill(page, "Confirm", password=studio.login["password"])
    page.wait_for_url("**/admin/accounts/invite/add/")
    page.get_by_label("E-mail").fill(COLLEAGUE)
    page.get_by_label("Editor").check()
    assert studio.manage("shell", "-c", STALE).returncode == 0
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errornote").first).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value(COLLEAGUE)
    expect(page.get_by_label("Editor")).to_be_checked()
    shoot_widths(page, "admin-unconfirmed")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Confirm that it is you").click()
    fill(opened.value, "Confirm", password=studio.login["password"])
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Thank you, that was you")
    opened.value.close()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text(COLLEAGUE)


def accept(page: Page, studio: Studio, watch: Watch) -> None:
    """The mailed link, a password that is refused and one that is not."""
    page.goto(mailed_link(page, studio, "invite"))
    assert "iv_" not in page.url
    shoot_widths(page, "accept")
    watch.expected.append("400")
    names = {"first_name": "Wanjiru", "last_name": "Kamau"}
    fill(page, "Create my account", **names, password=WEAK, again=WEAK)
    expect(page.locator(".field__error").first).to_be_visible()
    shoot_widths(page, "accept-refused")
    fill(page, "Create my account", **names, password=STRONG, again=STRONG)
    page.wait_for_url("**/auth/enroll")


def enroll(page: Page, watch: Watch) -> Colleague:
    """The secret from the page into an authenticator, its code back; then the backup codes."""
    expect(page.locator(".enroll__qr img")).to_be_visible()
    assert page.locator(".enroll__qr img").evaluate("image => image.naturalWidth") > 100
    secret = page.locator(".enroll__secret").inner_text().replace(" ", "")
    shoot_widths(page, "enroll")
    colleague = Colleague(secret, [])
    fill(page, "Confirm", code="000000")
    expect(page.locator(".field__error")).to_be_visible()
    assert page.locator(".enroll__secret").inner_text().replace(" ", "") == secret
    fill(page, "Confirm", code=colleague.code(page))
    expect(page.locator(".backup-codes")).to_be_visible()
    colleague.codes = page.locator(".backup-codes").inner_text().split()
    assert len(set(colleague.codes)) == 10
    shoot_widths(page, "codes")
    page.emulate_media(media="print")
    expect(page.locator(".backup-codes")).to_be_visible()
    shoot(page, "auth-codes-print")
    page.emulate_media(media="screen")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as a file").click()
    assert saved.value.suggested_filename == "backup-codes.txt"
    assert colleague.codes[0] in saved.value.path().read_text()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello Wanjiru")
    assert page.locator(".banner").count() == 0
    return colleague


def sign_out(page: Page) -> None:
    """By the admin's menu."""
    page.goto("/admin/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    shoot_widths(page, "signed-out")


def sign_in_by_app(page: Page, colleague: Colleague, watch: Watch) -> None:
    """A wrong password, the right one, a code that was used, and a fresh one."""
    page.goto("/admin/cms/post/")
    page.wait_for_url("**/auth/sign-in?next=*")
    shoot_widths(page, "sign-in")
    fill(page, "Sign in", email=COLLEAGUE, password=WEAK)
    expect(page.get_by_role("alert")).to_contain_text("do not fit each other")
    shoot_widths(page, "sign-in-refused")
    fill(page, "Sign in", email=COLLEAGUE, password=colleague.password)
    expect(page.get_by_role("heading", level=1)).to_have_text("Now your code")
    shoot_widths(page, "code")
    fill(page, "Continue", code=code_at(colleague.secret, max(colleague.used_steps)))
    expect(page.get_by_role("alert")).to_be_visible()
    shoot_widths(page, "code-refused")
    fill(page, "Continue", code=colleague.code(page))
    page.wait_for_url("**/admin/cms/post/")


def look_at_own_account(page: Page) -> None:
    """From the admin's menu."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_text("10 backup codes are left.")).to_be_visible()
    expect(page.get_by_text("here", exact=True)).to_be_visible()
    shoot_widths(page, "account")
    page.goto("/auth/account/password")
    shoot_widths(page, "password")
    page.goto("/auth/account/backup-codes")
    shoot_widths(page, "new-codes")


def sign_in_by_backup_code(page: Page, colleague: Colleague) -> None:
    """One code less."""
    page.goto("/auth/sign-in")
    fill(page, "Sign in", email=COLLEAGUE, password=colleague.password)
    fill(page, "Continue", code=colleague.codes[0].lower().replace("-", " "))
    expect(page.locator(".messagelist")).to_contain_text("9 are left")


def reset_password(page: Page, studio: Studio, colleague: Colleague) -> None:
    """From *Forgot your password?* to a new one, which alone opens nothing."""
    page.goto("/auth/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    page.wait_for_url("**/auth/reset")
    shoot_widths(page, "reset-ask")
    fill(page, "Send me a link", email=COLLEAGUE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    shoot_widths(page, "reset-asked")
    page.goto(mailed_link(page, studio, "reset"))
    assert "pr_" not in page.url
    shoot_widths(page, "reset-new")
    fill(page, "Set the password", password=NEWER, again=NEWER)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your password is set")
    colleague.password = NEWER
    page.get_by_role("link", name="Sign in").click()
    fill(page, "Sign in", email=COLLEAGUE, password=NEWER)
    fill(page, "Continue", code=colleague.codes[1])
    page.wait_for_url("**/admin/")


def reset_colleagues_factor(page: Page) -> None:
    """An Owner helps out of a lost phone, and says why."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto("/admin/accounts/user/")
    page.get_by_role("link", name=COLLEAGUE).click()
    page.wait_for_url("**/change/")
    shoot_widths(page, "admin-user")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="Reset the second factor").click()
    page.wait_for_url("**/action/reset-factor/")
    shoot_widths(page, "admin-reset-factor")
    fill(page, "Reset the second factor", reason="Wanjiru called me from her own number.")
    expect(page.locator(".messagelist")).to_contain_text("72 hours")
    page.goto("/admin/signing-keys/")
    shoot_widths(page, "admin-signing-keys")


def enroll_again(page: Page, colleague: Colleague) -> None:
    """Without a factor, where the policy leaves that to people, the admin asks for one and leads there."""
    page.goto("/auth/sign-in")
    fill(page, "Sign in", email=COLLEAGUE, password=colleague.password)
    page.wait_for_url("**/admin/")
    expect(page.locator(".banner")).to_be_visible()
    shoot_widths(page, "admin-banner")
    page.get_by_role("link", name="Set up a second factor").click()
    expect(page.locator(".enroll__secret")).to_be_visible()
    assert page.locator(".enroll__secret").inner_text().replace(" ", "") != colleague.secret
