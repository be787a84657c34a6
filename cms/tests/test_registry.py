"""What the registry refuses, in words that tell what to do."""

from dataclasses import replace

import pytest
from django.test.utils import isolate_apps

from cms import registry
from cms.models.publishable import ContentItem


@pytest.fixture(autouse=True)
def types(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers goes with it."""
    monkeypatch.setattr(registry, "_types", dict(registry._types))


@isolate_apps("cms")
def test_a_class_name_of_twelve_letters_is_taken_and_a_longer_one_refused() -> None:
    class Announcement(ContentItem):
        class Meta(ContentItem.Meta):
            app_label = "cms"

    class Accreditation(ContentItem):
        class Meta(ContentItem.Meta):
            app_label = "cms"

    post = registry.get("post")
    registry.register(replace(post, name="news", model=Announcement, path="news", page="news"))
    with pytest.raises(ValueError, match="collides"):
        registry.register(replace(post, name="badge", model=Accreditation, path="news", page="badges"))
    with pytest.raises(ValueError, match="at most 12") as refused:
        registry.register(replace(post, name="badge", model=Accreditation, path="badges", page="badges"))
    assert str(refused.value) == (
        "The class name 'Accreditation' is too long: names of indexes are made of it, and "
        "'cms_accreditation_unpublish_due' has more than 30 characters. Choose one of at most 12 letters."
    )
    assert [one.name for one in registry.all_types()][-1] == "news"
