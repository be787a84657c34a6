"""Audit events that content writes."""

from common.events import register

register(
    "cms",
    {
        "content.created": "Content was created as a draft",
        "content.saved": "A draft was saved",
        "content.submitted": "A draft was handed in for review",
        "content.unsubmitted": "A draft was taken back from review",
        "content.published": "Content was published",
        "content.unpublished": "Content was taken off the site",
        "content.archived": "Content was archived",
        "content.trashed": "Content was put in the trash",
        "content.restored": "Content was taken out of the trash",
        "media.created": "A picture was added",
        "media.updated": "The words of a picture were changed",
        "taxonomy.created": "A tag, category, technology or author was added",
        "taxonomy.updated": "A tag, category, technology or author was changed",
        "taxonomy.deleted": "A tag, category, technology or author was removed",
    },
)
