"""A file that a picture of the library stands on cannot be deleted."""

import pytest

from accounts.tests.factories import staff
from cms.tests.factories import asset
from uploads.models import File

pytestmark = pytest.mark.django_db


def test_a_file_that_is_shown_is_in_use():
    picture = asset()
    _, client = staff("Owner")
    answer = client.delete(f"/api/files/{picture.file_id}")
    assert answer.status_code == 409
    assert File.objects.get(pk=picture.file_id).state == "ready"
