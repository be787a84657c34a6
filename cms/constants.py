"""Names and limits that content shares."""

from django.db import models

TITLE_MAX = 200
SLUG_MAX = 200
SUMMARY_MAX = 300
SEO_TITLE_MAX = 60
SEO_DESCRIPTION_MAX = 160
RICH_TEXT_MAX = 200_000  # characters; keeps the search vector of a row far below PostgreSQL's limit of 1 MB
PARTS_MAX = 50  # entries in one ordered part (features, questions, metrics, pictures)
WORDS_PER_MINUTE = 220
PROBLEM_MAX = 500  # characters of the reason why a schedule was called off
COMMENT_MAX = 300  # characters that a person may say about a move
LATE_AFTER_SECONDS = 60  # a scheduled move is late, and says so, from then on
REVISIONS_KEPT = 50  # the newest ones of an item, whatever they are; before them one a day, and every published one
TRASH_DAYS = 30

DELIVER = "cms.deliver_webhook"
DELIVER_ATTEMPTS = 8  # the last of them about 20 hours after the first
DEBOUNCE_SECONDS = 5  # further changes of an item join the message until then

# Words that a front end or this back end uses as the last segment of a path of the same depth.
RESERVED_SLUGS = frozenset({"admin", "api", "archive", "feed", "new", "search", "tags", "page", "preview"})


class State(models.TextChoices):
    """Where the newest version of an item stands; whether it is public is told by `live_revision` alone."""

    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    SCHEDULED = "scheduled", "Scheduled"
    LIVE = "live", "Live"
    ARCHIVED = "archived", "Archived"


class RevisionKind(models.TextChoices):
    """What made a revision."""

    AUTOSAVE = "autosave", "Autosaved"
    SAVE = "save", "Saved"
    PUBLISH = "publish", "Published"
    SCHEDULE = "schedule", "Scheduled"
    RESTORE = "restore", "Restored"
    IMPORT = "import", "Imported"


class PriceKind(models.TextChoices):
    """How a service is priced."""

    FIXED = "fixed", "Fixed price"
    FROM = "from", "From"
    HOURLY = "hourly", "Per hour"
    MONTHLY = "monthly", "Per month"
    ON_REQUEST = "on_request", "On request"


class ServiceIcon(models.TextChoices):
    """The fixed set of icons that the site can draw."""

    CODE = "code", "Code"
    DESIGN = "design", "Design"
    MOBILE = "mobile", "Mobile"
    CLOUD = "cloud", "Cloud"
    DATA = "data", "Data"
    SHIELD = "shield", "Shield"
    WORKSHOP = "workshop", "Workshop"
    SUPPORT = "support", "Support"


class Disclosure(models.TextChoices):
    """What may be told about a project's client."""

    PUBLIC = "public", "Client is named"
    ANONYMISED = "anonymised", "Client is not named"
    PRIVATE = "private", "Never shown"
