"""What a deploy is told about mail, and how the keys of the environment choose the provider."""

import pytest

from config import mail_keys
from mail.checks import mail_environment


def said(settings, **changes):
    for name, value in changes.items():
        setattr(settings, name, value)
    return [message.id for message in mail_environment(None)]


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"EMAIL_PROVIDER": "file"}, []),
        ({"EMAIL_PROVIDER": "postmark"}, ["mail.I001"]),
        ({"EMAIL_PROVIDER": "postmark", "MAIL_WEBHOOK_SECRET": "user:password"}, []),
        ({"MAIL_WEBHOOK_SECRET": "password"}, ["mail.W002"]),
        ({"MAIL_WEBHOOK_SECRET": ":password"}, ["mail.W002"]),
        ({"EMAIL_BACKEND": "anymail.backends.nobody.EmailBackend"}, ["mail.W001"]),
        ({"EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend", "ANYMAIL": {}}, ["mail.W001"]),
    ],
)
def test_a_deploy_is_told(settings, changes, ids):
    assert said(settings, **changes) == ids


def test_no_secret_is_in_what_is_said(settings):
    settings.MAIL_WEBHOOK_SECRET = "only-a-password"
    assert "only-a-password" not in str(mail_environment(None))


@pytest.mark.parametrize(
    ("names", "provider"),
    [
        ([], ""),
        (["REQUESTS_TIMEOUT", "SEND_DEFAULTS"], ""),
        (["POSTMARK_SERVER_TOKEN"], "postmark"),
        (["MAILGUN_API_KEY", "MAILGUN_SENDER_DOMAIN"], "mailgun"),
        (["POSTMARK_SERVER_TOKEN", "SENDGRID_API_KEY"], "sendgrid"),
        (["UNISENDER_GO_API_KEY"], "unisender_go"),
    ],
)
def test_the_keys_name_the_provider(names, provider):
    assert mail_keys.provider_of(names) == provider


def test_a_setting_may_stand_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("pm-token\n")
    monkeypatch.setenv("ANYMAIL_POSTMARK_SERVER_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("ANYMAIL_MESSAGE_STREAM", "outbound")
    monkeypatch.setenv("ANYMAIL_REQUESTS_TIMEOUT", "7")
    monkeypatch.setenv("ANYMAIL_IGNORE_UNSUPPORTED_FEATURES", "False")
    monkeypatch.setenv("ANYMAIL_SEND_DEFAULTS", '{"track_opens": false}')
    monkeypatch.setenv("ANYMAIL_MAILJET_API_KEY", "12345")
    found = mail_keys.anymail()
    assert (found["REQUESTS_TIMEOUT"], found["IGNORE_UNSUPPORTED_FEATURES"]) == (7.0, False)
    assert (found["SEND_DEFAULTS"], found["MAILJET_API_KEY"]) == ({"track_opens": False}, "12345")
    assert (found["POSTMARK_SERVER_TOKEN"], found["MESSAGE_STREAM"]) == ("pm-token", "outbound")
    assert "POSTMARK_SERVER_TOKEN_FILE" not in found
