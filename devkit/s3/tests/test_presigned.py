"""What a presigned URL allows, row by row: plain `requests` and `http.client` send, boto3 looks what arrived."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from devkit.s3.fixture import S3Process
from devkit.s3.tests.conftest import CONTENT, KEY, PRIVATE, Upload, checksum, client_of, code, keys, presigned

MISMATCH = (403, "SignatureDoesNotMatch")
OTHER = b"9876543210"


def test_the_signed_request_writes_the_object(s3: Any, upload: Upload):
    assert upload.put().status_code == 200
    found = s3.head_object(Bucket=PRIVATE, Key=KEY, ChecksumMode="ENABLED")
    assert (found["ContentLength"], found["ContentType"], found["Metadata"]) == (10, "image/png", {"file-id": "f1"})
    assert found["ChecksumSHA256"] == checksum(CONTENT)
    assert s3.get_object(Bucket=PRIVATE, Key=KEY)["Body"].read() == CONTENT


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Content-Type": "image/jpeg"}, MISMATCH),
        ({"Content-Type": None}, MISMATCH),
        ({"x-amz-checksum-sha256": None}, MISMATCH),
        ({"x-amz-checksum-sha256": checksum(OTHER)}, MISMATCH),
        ({"If-None-Match": None}, MISMATCH),
        ({"If-None-Match": '"x"'}, MISMATCH),
        ({"x-amz-meta-file-id": "f2"}, MISMATCH),
        ({"x-amz-meta-file-id": None}, MISMATCH),
        ({"x-amz-meta-owner": "me"}, (403, "AccessDenied")),
        ({"x-amz-acl": "public-read"}, (403, "AccessDenied")),
        ({"Host": "studio-private.example"}, MISMATCH),
    ],
    ids=str,
)
def test_each_signed_header_binds(s3: Any, upload: Upload, changes: Any, expected: tuple[int, str]):
    assert code(upload.put(**changes)) == expected
    assert keys(s3) == []


@pytest.mark.parametrize("content", [CONTENT + b"x", CONTENT[:-1], b""], ids=["longer", "shorter", "empty"])
def test_the_signed_length_is_compared(s3: Any, upload: Upload, content: bytes):
    assert code(upload.put(content)) == MISMATCH
    assert keys(s3) == []


def test_other_bytes_under_the_signed_checksum(s3: Any, upload: Upload):
    assert code(upload.put(OTHER)) == (400, "BadDigest")
    assert keys(s3) == []


def test_a_body_that_ends_early(s3: Any, upload: Upload):
    parts = urlsplit(upload.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=5)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}", skip_accept_encoding=True)
    for name, value in (upload.headers | {"Content-Length": "10"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(CONTENT[:4])
    connection.sock.shutdown(1)
    assert connection.getresponse().status == 400
    connection.close()
    assert keys(s3) == []


def test_a_body_of_unknown_length(s3: Any, upload: Upload):
    answer = requests.put(upload.url, data=iter([CONTENT]), headers=upload.headers, timeout=5)
    assert code(answer) == MISMATCH  # the signed length is not there
    assert keys(s3) == []


def test_it_ends_when_it_was_said_to(s3: Any, s3_gate: S3Process, upload: Upload):
    s3_gate.control(clock_offset_s=595)
    assert upload.put().status_code == 200


def test_after_its_end_it_writes_nothing(s3: Any, s3_gate: S3Process, upload: Upload):
    s3_gate.control(clock_offset_s=602)
    assert code(upload.put()) == (403, "AccessDenied")
    assert keys(s3) == []


def test_a_url_of_the_future(s3: Any, s3_gate: S3Process, upload: Upload):
    s3_gate.control(clock_offset_s=-3600)
    assert code(upload.put()) == (403, "AccessDenied")


@pytest.mark.parametrize("seconds", [8 * 24 * 3600, 604_801])
def test_no_url_lasts_longer_than_a_week(s3: Any, seconds: int):
    assert code(presigned(s3, expires=seconds).put()) == (400, "AuthorizationQueryParametersError")
    assert keys(s3) == []


def test_a_week_is_allowed(s3: Any):
    assert presigned(s3, expires=604_800).put().status_code == 200


def test_another_lifetime_than_the_signed_one(s3: Any, upload: Upload):
    assert code(upload.put(url=upload.url.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"))) == MISMATCH
    assert keys(s3) == []


def test_another_key_or_bucket(s3: Any, upload: Upload):
    assert code(upload.put(url=upload.url.replace(KEY, "quarantine/2026/11/b"))) == MISMATCH
    assert code(upload.put(url=upload.url.replace(PRIVATE, "studio-public"))) == MISMATCH
    assert keys(s3) == keys(s3, "studio-public") == []


def test_a_forged_signature_and_unknown_keys(s3: Any, s3_gate: S3Process, upload: Upload):
    body, _, signature = upload.url.partition("X-Amz-Signature=")
    assert code(upload.put(url=f"{body}X-Amz-Signature={'0' * 64}")) == MISMATCH
    assert code(upload.put(url=f"{body}X-Amz-Signature={signature[:-1]}")) == MISMATCH
    wrong_secret = client_of(s3_gate, s3_gate.settings.access_key, "guessed")
    assert code(presigned(wrong_secret).put()) == MISMATCH
    stranger = client_of(s3_gate, "AKIASTRANGER", "x")
    assert code(presigned(stranger).put()) == (403, "InvalidAccessKeyId")
    assert keys(s3) == []


def test_an_added_parameter_of_the_query(s3: Any, upload: Upload):
    assert code(upload.put(url=f"{upload.url}&x-amz-meta-owner=me")) == MISMATCH
    assert code(upload.put(url=f"{upload.url}&tagging")) == MISMATCH


@pytest.mark.parametrize("method", ["get", "head", "delete", "post"])
def test_a_put_url_does_nothing_else(s3: Any, upload: Upload, method: str):
    assert upload.put().status_code == 200
    answer = getattr(requests, method)(upload.url, headers=upload.headers, timeout=5)
    assert answer.status_code == 403
    assert keys(s3) == [KEY]


@pytest.mark.parametrize("method", ["put", "head", "delete"])
def test_a_get_url_only_reads(s3: Any, method: str):
    s3.put_object(Bucket=PRIVATE, Key=KEY, Body=CONTENT)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": PRIVATE, "Key": KEY})
    assert getattr(requests, method)(url, timeout=5).status_code == 403
    assert requests.get(url, timeout=5).content == CONTENT


def test_a_get_url_forces_type_and_name(s3: Any):
    s3.put_object(Bucket=PRIVATE, Key=KEY, Body=CONTENT, ContentType="text/html")
    told = {
        "ResponseContentType": "application/pdf",
        "ResponseContentDisposition": "attachment; filename*=UTF-8''a%20b",
    }
    url = s3.generate_presigned_url("get_object", Params={"Bucket": PRIVATE, "Key": KEY, **told}, ExpiresIn=60)
    answer = requests.get(url, timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == told["ResponseContentDisposition"]
    assert code(requests.get(url.replace("application%2Fpdf", "text%2Fhtml"), timeout=5)) == MISMATCH


def test_the_second_put_changes_nothing(s3: Any, upload: Upload):
    assert upload.put().status_code == 200
    assert code(upload.put()) == (412, "PreconditionFailed")
    assert code(upload.put(OTHER)) == (400, "BadDigest")
    assert s3.get_object(Bucket=PRIVATE, Key=KEY)["Body"].read() == CONTENT


def test_signatures_of_version_two_are_refused(s3: Any, s3_gate: S3Process):
    older = client_of(s3_gate, signature_version="s3")
    url = older.generate_presigned_url("put_object", Params={"Bucket": PRIVATE, "Key": KEY})
    assert "AWSAccessKeyId=" in url
    assert code(requests.put(url, data=CONTENT, timeout=5)) == (400, "InvalidRequest")
    assert keys(s3) == []


def test_keys_with_spaces_and_letters_of_other_scripts(s3: Any):
    key = "exports/Ärger & Söhne+1/ä b.txt"
    assert presigned(s3, key).put().status_code == 200
    assert keys(s3) == [key]
