"""Content in the back office; every write is an action."""

from cms.admin import media, redirects, taxonomy, webhooks
from cms.types.post import admin as post
from cms.types.project import admin as project
from cms.types.service import admin as service
from cms.types.settings import admin as settings
from cms.types.testimonial import admin as testimonial

__all__ = ["media", "post", "project", "redirects", "service", "settings", "taxonomy", "testimonial", "webhooks"]
