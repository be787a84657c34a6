"""The demo seeds of content, in the order in which they need each other."""

from cms.types.post.seed import plant as posts
from cms.types.project.seed import plant as projects
from cms.types.service.seed import plant as services
from cms.types.settings.seed import plant as settings
from cms.types.testimonial.seed import plant as testimonials
from common.seeds import register

register("settings", settings, order=100)
register("services", services, order=110)
register("projects", projects, order=120)
register("testimonials", testimonials, order=130)
register("posts", posts, order=140)
