"""`configure_buckets` and `doctor --live` against the stand-in of S3."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.management import CommandError, call_command

from audit.models import AuditEvent as Event
from devkit.s3.fixture import S3Process
from uploads import storage as storage_module
from uploads.constants import Bucket
from uploads.storage.s3 import S3Storage
from uploads.tests.stores import use_gate

pytestmark = pytest.mark.django_db(transaction=True)
FRONT = "https://front.example"
PRIVATE, PUBLIC = "studio-private", "studio-public"
SENDING = {
    "AllowedOrigins": [FRONT],
    "AllowedMethods": ["PUT"],
    "AllowedHeaders": ["content-type", "x-amz-checksum-sha256", "if-none-match"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 600,
}


@pytest.fixture
def s3(settings: Any, s3_gate: S3Process) -> S3Storage:
    settings.CORS_ALLOWED_ORIGINS = [FRONT]
    return use_gate(settings, s3_gate)


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command(*arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def cors_of(s3: S3Storage, name: str) -> Any:
    try:
        return s3.client.get_bucket_cors(Bucket=name)["CORSRules"]
    except ClientError:
        return None


def actions() -> list[str]:
    return list(Event.objects.order_by("id").values_list("action", flat=True))


class TestConfigureBuckets:
    def test_it_sets_both_buckets_once(self, s3: S3Storage):
        code, said = run("configure_buckets")
        assert code == 0
        assert said.splitlines() == [
            "private bucket studio-private",
            "  CORS       set",
            "  lifecycle  set",
            "public bucket studio-public",
            "  CORS       set",
            "  lifecycle  set",
        ]
        assert cors_of(s3, PRIVATE) == [SENDING]
        (reading,) = cors_of(s3, PUBLIC)
        assert (reading["AllowedOrigins"], reading["AllowedMethods"]) == (["*"], ["GET", "HEAD"])
        rules = s3.client.get_bucket_lifecycle_configuration(Bucket=PRIVATE)["Rules"]
        assert [(rule["ID"], rule["Filter"]) for rule in rules] == [
            ("studio-quarantine", {"Prefix": "quarantine/"}),
            ("studio-parts", {"Prefix": ""}),
        ]
        assert rules[0]["Expiration"] == {"Days": 7}
        assert rules[1]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
        (event,) = Event.objects.filter(action="bucket.configured")
        assert (event.actor_kind, event.target_id) == ("operator", "studio-private, studio-public")
        code, said = run("configure_buckets")
        assert (code, said.count("as it should be")) == (0, 4)
        assert actions() == ["bucket.configured"]

    def test_a_dry_run_only_tells(self, s3: S3Storage):
        code, said = run("configure_buckets", "--dry-run")
        assert (code, said.count("differs")) == (1, 4)
        assert cors_of(s3, PRIVATE) is None
        assert actions() == []
        document = said.partition("CORS       differs\n")[2].partition("  lifecycle")[0]
        assert json.loads(document) == [SENDING]

    def test_a_key_that_may_not_gets_what_to_paste(self, s3: S3Storage, settings: Any, s3_gate: S3Process):
        settings.AWS_ACCESS_KEY_ID = s3_gate.settings.objects_key
        settings.AWS_SECRET_ACCESS_KEY = s3_gate.settings.objects_secret
        code, said = run("configure_buckets")
        assert (code, said.count("not allowed")) == (1, 4)
        assert '"studio-quarantine"' in said
        assert cors_of(s3, PRIVATE) is None
        assert actions() == []

    def test_rules_of_others_stay(self, s3: S3Storage):
        foreign = {
            "ID": "Default Multipart Abort Rule",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
        old = {"ID": "studio-old", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 1}}
        configuration: Any = {"Rules": [foreign, old]}
        s3.client.put_bucket_lifecycle_configuration(Bucket=PRIVATE, LifecycleConfiguration=configuration)
        assert run("configure_buckets")[0] == 0
        rules = s3.client.get_bucket_lifecycle_configuration(Bucket=PRIVATE)["Rules"]
        assert [rule["ID"] for rule in rules] == ["Default Multipart Abort Rule", "studio-quarantine", "studio-parts"]
        assert run("configure_buckets")[1].count("as it should be") == 4

    def test_without_front_ends_nobody_sends_from_a_browser(self, s3: S3Storage, settings: Any):
        assert run("configure_buckets")[0] == 0
        settings.CORS_ALLOWED_ORIGINS = []
        assert run("configure_buckets")[0] == 0
        assert cors_of(s3, PRIVATE) is None

    def test_stores_that_have_nothing_to_configure(self, settings: Any):
        assert run("configure_buckets") == (0, "STORAGE=local has no buckets, so there is nothing to configure.\n")
        settings.STORAGE = "none"
        with pytest.raises(CommandError, match="No bucket is configured"):
            run("configure_buckets")

    def test_a_store_that_is_away(self, s3: S3Storage, s3_gate: S3Process):
        s3_gate.control(away=True)
        with pytest.raises(CommandError, match="Nothing was changed"):
            run("configure_buckets")
        assert actions() == []


class TestDoctorLive:
    def objects(self, s3: S3Storage) -> list[Any]:
        return [one for bucket in Bucket for one in s3.list(bucket, "", limit=9)]

    def test_it_finds_a_good_store_good_and_leaves_nothing(self, s3: S3Storage):
        run("configure_buckets")
        code, said = run("doctor", "--live")
        assert "FAILED" not in said
        assert code == 0
        for line in (
            "a presigned PUT refuses another type: 403",
            "a presigned PUT refuses a longer body: 403",
            "a presigned PUT refuses another body: 400",
            "a presigned PUT refuses no checksum: 403",
            "a presigned PUT refuses a URL that ended: 403",
            "a presigned PUT is taken as signed: 200",
            "the file's id is told: yes",
            "a second PUT changes nothing: 412",
            "copying is bound to the ETag: changed",
            "MEDIA_BASE_URL shows public objects: 200",
            f"pages of {FRONT} may send: {FRONT}",
            "pages of strangers may not: refused",
            "lifecycle of studio-private: as it should be",
        ):
            assert f"  ok         {line}\n" in said
        assert self.objects(s3) == []
        assert actions() == ["bucket.configured", "bucket.tried"]

    def test_without_the_flag_it_touches_nothing(self, s3: S3Storage, s3_gate: S3Process):
        assert run("doctor")[0] == 0
        calls = s3_gate.control()["calls"]
        assert set(calls) == {"HEAD 200"}
        assert actions() == []

    def test_it_says_what_is_wrong(self, s3: S3Storage, settings: Any, s3_gate: S3Process):
        settings.MEDIA_BASE_URL = f"{s3_gate.url}/{PRIVATE}"
        code, said = run("doctor", "--live")
        assert code == 1
        failed = [line.removeprefix("  FAILED     ") for line in said.splitlines() if line.startswith("  FAILED")]
        assert failed == [
            "MEDIA_BASE_URL shows public objects: 403",
            "public objects may be cached for ever: nothing",
            f"pages of {FRONT} may send: refused",
            "CORS of studio-private: differs",
            "lifecycle of studio-private: differs",
            "CORS of studio-public: differs",
            "lifecycle of studio-public: differs",
        ]
        assert self.objects(s3) == []

    def test_a_store_that_binds_nothing_is_found_out(self, s3: S3Storage, monkeypatch: Any):
        """With signatures of version 2 the stand-in takes nothing at all; a real S3 would take everything."""
        monkeypatch.setattr(s3, "sign_put", lambda order: s3.client.generate_presigned_url(
            "put_object", Params={"Bucket": PRIVATE, "Key": order.key}, ExpiresIn=order.ttl_seconds
        ))  # fmt: skip
        code, said = run("doctor", "--live")
        assert code == 1
        assert "  FAILED     a presigned PUT is taken as signed" in said

    def test_a_store_that_is_away(self, s3: S3Storage, s3_gate: S3Process):
        s3_gate.control(away=True)
        code, said = run("doctor", "--live")
        assert code == 1
        assert "  FAILED     the store answers: ClientError" in said

    def test_the_local_store_is_tried_too(self):
        code, said = run("doctor", "--live")
        assert code == 0
        assert "  ok         an object can be deleted" in said
        assert storage_module.get_storage().list(Bucket.PRIVATE, "", limit=9) == []

    def test_no_store_no_trial(self, settings: Any):
        settings.STORAGE = "none"
        assert "presigned" not in run("doctor", "--live")[1]
