"""One folder a type of content: those that `NAMES` lists are part of the site."""

NAMES = ("service", "project", "post", "testimonial", "settings")
