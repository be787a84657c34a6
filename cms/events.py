"""Audit events that content writes."""

from common.events import register

register(
    "cms",
    {
        "content.created": "Content was created as a draft",
        "content.saved": "A draft was saved",
        "content.autosaved": "A draft was saved by itself while somebody was typing; once a sitting",
        "content.submitted": "A draft was handed in for review",
        "content.unsubmitted": "A draft was taken back from review",
        "content.scheduled": "A draft was scheduled",
        "content.unscheduled": "A schedule was called off",
        "content.published": "Content was published",
        "content.unpublished": "Content was taken off the site",
        "content.archived": "Content was archived",
        "content.trashed": "Content was put in the trash",
        "content.restored": "Content was taken out of the trash",
        "content.purged": "Content was removed from the trash for good, with its revisions",
        "preview.issued": "A preview link was made",
        "preview.revoked": "A preview link was closed",
        "media.created": "A picture was added",
        "media.updated": "The words of a picture were changed",
        "delivery.sent_again": "A publish webhook's message was sent again",
        "publish_endpoint.created": "A publish webhook was added",
        "publish_endpoint.updated": "A publish webhook was changed",
        "publish_endpoint.rotated": "A publish webhook got a new secret",
        "publish_endpoint.deleted": "A publish webhook was removed",
        "publish_endpoint.tested": "A test message was sent to a publish webhook",
        "taxonomy.created": "A tag, category, technology or author was added",
        "taxonomy.updated": "A tag, category, technology or author was changed",
        "taxonomy.deleted": "A tag, category, technology or author was removed",
    },
)
