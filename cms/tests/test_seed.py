"""The demo site: whole, public, and never doubled."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit import selectors as audit
from cms import models
from cms.actions import drafts, publishing
from cms.seeding import art
from common import seeds
from common.actor import Actor
from common.target import Target

pytestmark = pytest.mark.django_db

PLANTED = {
    models.Service: 8,
    models.Project: 8,
    models.Post: 12,
    models.Testimonial: 6,
    models.Author: 4,
    models.Category: 4,
    models.Tag: 9,
    models.Technology: 13,
    models.SiteSettings: 1,
    models.MediaAsset: 8 + 13 + 12 + 6 + 4,
}
CONTENT = ("settings", "services", "projects", "testimonials", "posts")
BY = Actor.operator()


@pytest.fixture
def small_pictures(monkeypatch):
    """The same pictures at a tenth of the size: drawing is not what these tests are about."""
    monkeypatch.setattr(art, "SIZE", (400, 225))
    monkeypatch.setattr(art, "SCALE", 1)
    monkeypatch.setattr(art, "PORTRAIT_SIDE", 120)


def plant():
    """Run the seeds of content, and of nothing else."""
    for seed in seeds.registered():
        if seed.name in CONTENT:
            seed(by=BY)


def counted():
    """How many rows there are of each model."""
    return {model: model.objects.count() for model in (*PLANTED, models.Revision)}


@pytest.mark.usefixtures("small_pictures")
def test_the_demo_site_is_public_audited_and_planted_once(client):
    plant()
    first = counted()
    assert {model: first[model] for model in PLANTED} == PLANTED
    for model in (models.Service, models.Project, models.Post, models.Testimonial):
        assert model.objects.all().live().count() == PLANTED[model]
    assert models.MediaAsset.objects.filter(alt="").count() == 0
    post = models.Post.objects.get(slug="shipping-on-fridays")
    actions = set(audit.events_for(Target.of(post)).values_list("action", flat=True))
    assert actions == {"content.created", "content.published"}
    assert len({one.published_at.year for one in models.Post.objects.all()}) > 1
    for path in ("/", "/services/discovery-workshop", "/projects/kifaru-dispatch", "/blog/tests-for-money"):
        assert client.get(path).status_code == 200
    plant()
    assert counted() == first


@pytest.mark.usefixtures("small_pictures")
def test_what_staff_changed_stays_as_they_left_it():
    plant()
    renamed, removed = models.Post.objects.get(slug="small-commits"), models.Service.objects.get(slug="mobile-apps")
    drafts.save(item=renamed, values={"slug": "tiny-commits", "title": "Tiny commits"}, by=BY)
    publishing.publish(item=renamed, by=BY)
    publishing.trash(item=publishing.unpublish(item=removed, by=BY), by=BY)
    before = counted()
    plant()
    assert counted() == before
    assert models.Post.objects.get(pk=renamed.pk).title == "Tiny commits"


def test_production_has_no_demo(settings):
    settings.PRODUCTION = True
    before = counted()
    with pytest.raises(CommandError, match="not for production"):
        call_command("seed_demo", stdout=StringIO())
    assert counted() == before


def test_a_picture_is_drawn_from_its_name():
    assert art.portrait("wanjiru") == art.portrait("wanjiru")
    assert art.portrait("wanjiru") != art.portrait("otieno")
    assert set(art.COMPOSITIONS) == {"ridges", "arcs", "strata", "orbits", "weave", "skyline"}


@pytest.mark.parametrize("composition", sorted(art.COMPOSITIONS))
def test_every_composition_makes_a_cover_of_the_promised_size(composition):
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(art.cover("anything", composition=composition))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (1280, 720))
