"""One folder a type of content. `cms.apps` imports what they register."""

NAMES = ("service", "project", "post", "testimonial", "settings")
