"""Personal fields of content, and what becomes of each when a person is erased."""

from common.privacy import mark

mark("cms.Author", name="pseudonymise", slug="pseudonymise", bio="erase")
mark("cms.Testimonial", person="pseudonymise", role="erase", company="erase", quote="erase", source_url="erase")
mark("cms.Testimonial", draft_title="pseudonymise", verified_by="pseudonymise")
mark("cms.Project", client_name="erase")
for name in ("Service", "Project", "Post", "Testimonial"):
    mark(f"cms.{name}", deleted_by="pseudonymise")
mark("cms.Revision", author_label="pseudonymise", snapshot="erase")
