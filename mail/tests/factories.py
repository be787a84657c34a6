"""Messages for tests, on templates that a test brings itself."""

from common.actor import Actor
from mail.actions import send

BY = Actor.system("test")
TEMPLATES = {
    "test/hello.subject.txt": "Hello {{ name }}\n  & welcome",
    "test/hello.txt": "{% if link %}Hi {{ name }}: {{ link }}{% endif %}",
    "test/hello.html": "{% extends 'mail/base.html' %}{% block content %}<p>Hi {{ name }}</p>"
    "{% if link %}{% include 'mail/button.html' with url=link label='Open' %}{% endif %}{% endblock %}",
}
LINK = "http://testserver/auth/invite/iv_secret-token-0123456789"


def write_templates(folder):
    """Write the test templates below `folder`, as `templates/` has them."""
    for name, text in TEMPLATES.items():
        path = folder / "mail" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_message(key="greeting:1", **values):
    """Send a greeting."""
    defaults = {"template": "test/hello", "to": "ana@example.com", "context": {"name": "Ana <b>"}, "by": BY}
    return send(key=key, **(defaults | values))
