"""The five roles as data: a role may do what its patterns match, less what `without` matches.

A pattern is `app.codename` with shell wildcards. Patterns keep a role complete when an app gains a model; a test
lists the permissions that no role has and the patterns that match none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from accounts.constants import ROLE_AUDITOR, ROLE_AUTHOR, ROLE_EDITOR, ROLE_OWNER, ROLE_SALES


@dataclass(frozen=True)
class Role:
    """A named set of permissions."""

    name: str
    about: str
    grants: tuple[str, ...]
    without: tuple[str, ...] = ()

    def permissions(self, known: Iterable[str]) -> set[str]:
        """Those of the `known` permissions (`app.codename`) that the role holds."""
        return {name for name in known if _any(name, self.grants) and not _any(name, self.without)}


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern covers a permission."""
    return fnmatchcase(name, pattern)


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(matches(name, pattern) for pattern in patterns)


PIPES = ("cms.view_publishendpoint", "cms.view_delivery")  # an endpoint's address may hold a secret of its own
DRAFTABLE = ("service", "project", "post", "testimonial")

OWNER = Role(
    ROLE_OWNER,
    "Everything: people, settings, money, content and the audit.",
    ("accounts.*", "audit.*", "bookings.*", "cms.*", "jobs.*", "mail.*", "payments.*", "uploads.*"),
)
EDITOR = Role(
    ROLE_EDITOR,
    "Writes, publishes and trashes all content; edits the site's settings; sees bookings and enquiries.",
    ("cms.*", "uploads.*_file", "bookings.view_*"),
    without=(
        "cms.add_enquiry",
        "cms.change_enquiry",
        "cms.delete_enquiry",
        *(f"cms.{verb}_publishendpoint" for verb in ("add", "change", "delete", "send")),
    ),
)
AUTHOR = Role(
    ROLE_AUTHOR,
    "Writes drafts and hands them in; uploads images; sees what is public and what they began themselves.",
    (
        "cms.view_*",
        *(f"cms.{verb}_{name}" for name in DRAFTABLE for verb in ("add", "change", "submit")),
        "cms.add_mediaasset",
        "uploads.add_file",
        "uploads.view_file",
    ),
    without=("cms.view_enquiry", "cms.view_testimonialrequest", "cms.view_revision", *PIPES),
)
SALES = Role(
    ROLE_SALES,
    "Handles bookings, availability, enquiries and payments; sees the content that is public.",
    (
        "bookings.*",
        "cms.*_enquiry",
        "cms.view_*",
        "payments.view_*",
        "payments.refund",
        "payments.record",
        "payments.*_payment",
        "payments.sync",
        "uploads.view_file",
    ),
    without=("cms.view_revision", *PIPES),
)
AUDITOR = Role(
    ROLE_AUDITOR,
    "Sees everything and changes nothing; checks and exports the audit.",
    (
        *(f"{app}.view_*" for app in ("accounts", "bookings", "cms", "jobs", "mail", "payments", "uploads")),
        "audit.view",
        "audit.verify",
        "audit.export",
    ),
)
ALL = (OWNER, EDITOR, AUTHOR, SALES, AUDITOR)
APPS = ("accounts", "audit", "bookings", "cms", "jobs", "mail", "payments", "uploads")
