"""All tables of content; those of one type stand in `cms/types/<name>/models.py`."""

from importlib import import_module

from cms.models.media import MediaAsset
from cms.models.outward import Change, Delivery, PublishEndpoint
from cms.models.preview import PreviewToken
from cms.models.publishable import ContentItem, LiveQuerySet, Ordered, Publishable
from cms.models.revision import Revision, SlugClaim, SlugHistory
from cms.models.taxonomy import Author, Category, Tag, Technology
from cms.models.version import ContentVersion
from cms.types import NAMES
from cms.types.post.models import Post, PostAuthor, RelatedPost
from cms.types.project.models import GalleryImage, Project
from cms.types.service.models import Service
from cms.types.settings.models import SiteSettings
from cms.types.testimonial.models import Testimonial

for _name in NAMES:  # a type that nothing above names has tables as well
    import_module(f"cms.types.{_name}.models")

__all__ = [
    "Author",
    "Category",
    "Change",
    "ContentItem",
    "ContentVersion",
    "Delivery",
    "GalleryImage",
    "LiveQuerySet",
    "MediaAsset",
    "Ordered",
    "Post",
    "PostAuthor",
    "PreviewToken",
    "Project",
    "PublishEndpoint",
    "Publishable",
    "RelatedPost",
    "Revision",
    "Service",
    "SiteSettings",
    "SlugClaim",
    "SlugHistory",
    "Tag",
    "Technology",
    "Testimonial",
]
