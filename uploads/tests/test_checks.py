"""System checks of the store: what must not start, and what is said of the rest."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from django.core.checks import Warning as CheckWarning
from django.core.checks.registry import registry
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from config.buckets import bucket_url
from devkit.checks import DUMMY_PRODUCTION
from uploads import checks
from uploads import storage as storage_module
from uploads.constants import Bucket
from uploads.storage import get_storage
from uploads.storage.base import ReadOrder
from uploads.tests.test_s3 import LATER, configure

ROOT = Path(__file__).parents[2]
OURS = (checks.signatures_are_version_four, checks.buckets_are_two, checks.addresses_and_keys_fit)


@pytest.fixture(autouse=True)
def fresh_clients() -> Iterator[None]:
    yield
    storage_module.s3_storage.cache_clear()


def ids() -> list[str | None]:
    return [message.id for check in OURS for message in check(None)]


def without_version_four(**members: Any) -> Config:
    """The configuration that boto3 has by itself, as far as signatures go."""
    return Config(**{name: value for name, value in members.items() if name != "signature_version"})


def test_good_settings_say_nothing(settings: Any):
    configure(settings)
    assert ids() == []
    assert set(OURS) <= set(registry.get_checks())


@pytest.mark.parametrize("version", ["s3", "s3-query", None], ids=str)
def test_a_client_without_s3v4_does_not_start(settings: Any, version: str | None):
    configure(settings)

    def weakened(**members: Any) -> Config:
        return Config(**members | {"signature_version": version}) if version else without_version_four(**members)

    with mock.patch("uploads.storage.s3.Config", weakened):
        storage_module.s3_storage.cache_clear()
        assert ids() == ["uploads.E001"]
        with pytest.raises(SystemCheckError, match=r"uploads\.E001"):
            call_command("check")


def test_a_signature_that_leaves_the_length_out_does_not_start(settings: Any):
    configure(settings)
    storage: Any = get_storage()
    signed = storage.signer.generate_presigned_url

    def shortened(name: str, Params: dict[str, Any], ExpiresIn: int) -> str:
        return str(signed(name, Params={k: v for k, v in Params.items() if k != "ContentLength"}, ExpiresIn=ExpiresIn))

    with mock.patch.object(storage.signer, "generate_presigned_url", shortened):
        assert ids() == ["uploads.E001"]


def test_one_bucket_for_both_does_not_start(settings: Any):
    configure(settings, private="studio", public="studio")
    assert ids() == ["uploads.E002"]


def test_what_is_missing_is_said(settings: Any):
    configure(settings, public="")
    assert ids() == ["uploads.I001"]
    configure(settings, private="")
    (message,) = checks.addresses_and_keys_fit(None)
    assert (message.id, message.level) == ("uploads.W001", CheckWarning("").level)
    configure(settings)
    settings.AWS_SECRET_ACCESS_KEY = ""
    assert ids() == ["uploads.W003"]
    configure(settings)
    settings.MEDIA_BASE_URL = "https://studio-public.account.r2.cloudflarestorage.com"
    assert ids() == ["uploads.W002"]


def test_other_stores_are_none_of_their_business(settings: Any):
    for name in ("local", "none"):
        settings.STORAGE = name
        assert ids() == []


@pytest.mark.parametrize(
    ("endpoint", "region", "expected"),
    [
        ("", "us-east-1", "https://studio-private.s3.amazonaws.com"),
        ("", "eu-west-1", "https://studio-private.s3.eu-west-1.amazonaws.com"),
        ("https://acc.r2.cloudflarestorage.com", "auto", "https://studio-private.acc.r2.cloudflarestorage.com"),
        ("http://127.0.0.1:6201", "us-east-1", "http://127.0.0.1:6201/studio-private"),
    ],
)
def test_our_policy_names_the_host_that_boto3_signs_for(settings: Any, endpoint: str, region: str, expected: str):
    configure(settings)
    settings.S3_PUBLIC_ENDPOINT_URL, settings.AWS_REGION = endpoint, region
    assert bucket_url("studio-private", endpoint, region) == expected
    url = urlsplit(get_storage().sign_get(ReadOrder(Bucket.PRIVATE, "files/x", "image/webp", LATER, 60)))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{expected}/files/x"


def production(**changes: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.argv = ['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'];"
        "from django.core.management import execute_from_command_line as run; run(sys.argv);"
        "from django.conf import settings as s; from django.core.files.storage import storages;"
        "policy = s.CONTENT_SECURITY_POLICY['DIRECTIVES'];"
        "named = (policy['connect-src'], policy['img-src'][2:], type(storages['default']).__name__);"
        "print(s.STORAGE, s.MEDIA_BASE_URL, *named)"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **DUMMY_PRODUCTION,
        **changes,
    }
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_production_starts_with_the_values_of_r2():
    done = production(
        S3_ENDPOINT_URL="https://acc.r2.cloudflarestorage.com", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b"
    )
    assert done.returncode == 0, done.stderr
    private = "https://studio-private.acc.r2.cloudflarestorage.com"
    media = "https://media.studio.example"
    assert done.stdout.splitlines()[-1] == (
        f"s3 {media} [\"'self'\", '{private}'] ['{media}', '{private}'] BucketStorage"
    )


def test_production_shows_the_public_bucket_of_aws_by_itself():
    done = production(MEDIA_BASE_URL="", AWS_REGION="eu-west-1", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split()[1] == "https://studio-public.s3.eu-west-1.amazonaws.com"


def test_production_refuses_one_bucket_for_both():
    done = production(S3_PUBLIC_BUCKET_NAME="studio-private")
    assert done.returncode == 1
    assert "uploads.E002" in done.stderr
