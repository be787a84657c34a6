"""Personal fields of content, and what becomes of each when a person is erased."""

from common.privacy import mark

mark("cms.Author", name="pseudonymise", slug="pseudonymise", bio="erase")
mark("cms.Testimonial", person="pseudonymise", role="erase", company="erase", quote="erase", source_url="erase")
mark("cms.Project", client_name="erase")
mark("cms.Revision", author_label="pseudonymise", snapshot="erase")
