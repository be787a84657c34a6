"""The admin's menu in the words of a studio: which model stands in which section, in which order."""

from typing import Any, NamedTuple


class Section(NamedTuple):
    """A heading of the menu with the models below it, as `app.Model`."""

    slug: str
    name: str
    about: str
    models: tuple[str, ...]


SECTIONS = (
    Section(
        "content",
        "Content",
        "What the site and the API show, and who is told of it",
        (
            "cms.Post",
            "cms.Project",
            "cms.Service",
            "cms.Testimonial",
            "cms.SiteSettings",
            "cms.PublishEndpoint",
            "cms.Delivery",
        ),
    ),
    Section(
        "library",
        "Library",
        "What content is made of",
        (
            "cms.MediaAsset",
            "cms.Author",
            "cms.Category",
            "cms.Tag",
            "cms.Technology",
            "cms.SlugHistory",
            "uploads.File",
        ),
    ),
    Section(
        "bookings",
        "Bookings",
        "Who comes when, and what can be booked",
        (
            "bookings.Booking",
            "bookings.ServiceOffer",
            "bookings.BookingResource",
            "bookings.AvailabilityRule",
            "bookings.Closure",
        ),
    ),
    Section(
        "money",
        "Money",
        "Payments, refunds and whether they agree with the provider",
        (
            "payments.Payment",
            "payments.Refund",
            "payments.Dispute",
            "payments.LedgerTransaction",
            "payments.ReconciliationRun",
            "payments.Drift",
            "payments.PaymentEvent",
        ),
    ),
    Section(
        "people",
        "People",
        "Colleagues and their access",
        ("accounts.User", "accounts.Invite", "accounts.Session", "accounts.SigningKeys"),
    ),
    Section(
        "records",
        "Behind the scenes",
        "Jobs, mails and the audit log",
        ("audit.AuditEvent", "mail.Message", "mail.MarkedAddress", "jobs.Job", "jobs.Process"),
    ),
)
REST = Section("more", "More", "Everything else", ())
_PLACES = {name.lower(): (section, position) for section in SECTIONS for position, name in enumerate(section.models)}


def arrange(app_list: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Django's list of apps with their models as our sections; empty ones are left out."""
    found: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for app in app_list:
        for model in app["models"]:
            name = f"{app['app_label']}.{model['object_name']}".lower()
            section, position = _PLACES.get(name, (REST, len(found)))
            found.setdefault(section.slug, []).append((position, model))
    return [
        {
            "app_label": section.slug,
            "name": section.name,
            "about": section.about,
            "app_url": "",
            "has_module_perms": True,
            "models": [model for _, model in sorted(found[section.slug], key=lambda pair: pair[0])],
        }
        for section in (*SECTIONS, REST)
        if section.slug in found
    ]
