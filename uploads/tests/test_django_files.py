"""Django's default storage on S3, for packages that store files by themselves."""

from typing import Any

import requests
from django.core.files.base import ContentFile

from devkit.s3.fixture import S3Process
from uploads.constants import Bucket
from uploads.storage.django_files import BucketStorage
from uploads.tests.stores import use_gate


def test_it_keeps_files_in_a_folder_of_the_private_bucket(settings: Any, s3_gate: S3Process):
    ours = use_gate(settings, s3_gate)
    storage = BucketStorage()
    first = storage.save("export.csv", ContentFile(b"a,b"))
    second = storage.save("export.csv", ContentFile(b"c,d"))
    assert first == "export.csv"
    assert second != first  # nothing is overwritten
    assert [one.key for one in ours.list(Bucket.PRIVATE, "django/", limit=9)] == sorted(
        [f"django/{first}", f"django/{second}"]
    )
    with storage.open(first) as file:
        assert file.read() == b"a,b"
    url = storage.url(first)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    assert requests.get(url, timeout=5).content == b"a,b"
    assert requests.get(url.partition("?")[0], timeout=5).status_code == 403
    storage.delete(first)
    assert not storage.exists(first)
