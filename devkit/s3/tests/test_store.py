"""Calls with a signed header, anonymous ones, conditions, parts and settings of buckets."""

import http.client
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.exceptions import ClientError

from devkit.s3.fixture import S3Process
from devkit.s3.tests.conftest import CONTENT, KEY, PRIVATE, PUBLIC, RULE, checksum, client_of, code, keys, presigned

OTHER = b"9876543210"
PART = b"p" * (5 * 1024 * 1024)


def refused(call: Any, **members: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    found = caught.value.response
    return found["ResponseMetadata"]["HTTPStatusCode"], found["Error"]["Code"]


def test_a_wrong_secret_and_another_region(s3_gate: S3Process):
    wrong = client_of(s3_gate, s3_gate.settings.access_key, "guessed")
    assert refused(wrong.put_object, Bucket=PRIVATE, Key=KEY, Body=b"x") == (403, "SignatureDoesNotMatch")
    elsewhere = client_of(s3_gate, region="eu-north-1")
    wrong_region = (400, "AuthorizationHeaderMalformed")
    assert refused(elsewhere.put_object, Bucket=PRIVATE, Key=KEY, Body=b"x") == wrong_region


def test_a_clock_that_is_wrong(s3: Any, s3_gate: S3Process):
    s3_gate.control(clock_offset_s=16 * 60)
    assert refused(s3.put_object, Bucket=PRIVATE, Key=KEY, Body=b"x") == (403, "RequestTimeTooSkewed")
    s3_gate.control(clock_offset_s=0)
    assert keys(s3) == []


def test_the_signed_payload_is_the_one_that_comes(s3: Any, s3_gate: S3Process):
    def other_body(request: Any, **_: Any) -> None:
        request.body = OTHER

    tampered = client_of(s3_gate)
    tampered.meta.events.register("before-send.s3.PutObject", other_body)
    assert refused(tampered.put_object, Bucket=PRIVATE, Key=KEY, Body=CONTENT) == (400, "XAmzContentSHA256Mismatch")
    assert keys(s3) == []


@pytest.mark.parametrize("algorithm", ["ChecksumSHA256", "ChecksumCRC32"])
def test_a_checksum_that_is_not_the_bodys(s3: Any, algorithm: str):
    wrong = {"ChecksumSHA256": checksum(OTHER), "ChecksumCRC32": "AAAAAA=="}[algorithm]
    assert refused(s3.put_object, Bucket=PRIVATE, Key=KEY, Body=CONTENT, **{algorithm: wrong}) == (400, "BadDigest")
    nonsense = {algorithm: "AAAA"}
    assert refused(s3.put_object, Bucket=PRIVATE, Key=KEY, Body=CONTENT, **nonsense) == (400, "InvalidDigest")
    assert keys(s3) == []


def test_content_md5(s3: Any):
    assert refused(s3.put_object, Bucket=PRIVATE, Key=KEY, Body=CONTENT, ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==") == (
        400,
        "BadDigest",
    )


def test_the_checksums_that_boto3_adds_by_itself(s3_gate: S3Process):
    newer = client_of(s3_gate, request_checksum_calculation="when_supported")
    newer.put_object(Bucket=PRIVATE, Key=KEY, Body=CONTENT)
    assert keys(newer) == [KEY]


def test_strangers_read_the_public_bucket_and_nothing_else(s3: Any, s3_gate: S3Process):
    for bucket in (PRIVATE, PUBLIC):
        s3.put_object(Bucket=bucket, Key="files/a.webp", Body=CONTENT, ContentType="image/webp", CacheControl="public")
    shown = requests.get(f"{s3_gate.url}/{PUBLIC}/files/a.webp", timeout=5)
    assert (shown.status_code, shown.content, shown.headers["Content-Type"]) == (200, CONTENT, "image/webp")
    assert shown.headers["Cache-Control"] == "public"
    assert requests.head(f"{s3_gate.url}/{PUBLIC}/files/a.webp", timeout=5).headers["Content-Length"] == "10"
    assert code(requests.get(f"{s3_gate.url}/{PUBLIC}/files/none", timeout=5)) == (404, "NoSuchKey")
    private = f"{s3_gate.url}/{PRIVATE}/files/a.webp"
    for method, address in (
        ("GET", private),
        ("HEAD", private),
        ("PUT", private),
        ("DELETE", private),
        ("GET", f"{s3_gate.url}/{PRIVATE}"),
        ("GET", f"{s3_gate.url}/{PUBLIC}"),
        ("GET", f"{s3_gate.url}/{PUBLIC}/files/a.webp?acl"),
        ("PUT", f"{s3_gate.url}/{PUBLIC}/files/b"),
        ("DELETE", f"{s3_gate.url}/{PUBLIC}/files/a.webp"),
        ("PUT", f"{s3_gate.url}/another-bucket"),
        ("GET", f"{s3_gate.url}/"),
    ):
        assert requests.request(method, address, data=b"", timeout=5).status_code == 403, (method, address)
    assert keys(s3) == keys(s3, PUBLIC) == ["files/a.webp"]


def test_uploading_by_a_form(s3: Any, s3_gate: S3Process):
    form = s3.generate_presigned_post(Bucket=PRIVATE, Key=KEY, ExpiresIn=600)
    answer = requests.post(form["url"], data=form["fields"], files={"file": CONTENT}, timeout=5)
    assert code(answer) == (501, "NotImplemented")
    assert keys(s3) == []


def test_only_if_nothing_is_there(s3: Any):
    s3.put_object(Bucket=PRIVATE, Key=KEY, Body=CONTENT, IfNoneMatch="*")
    assert refused(s3.put_object, Bucket=PRIVATE, Key=KEY, Body=OTHER, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert s3.get_object(Bucket=PRIVATE, Key=KEY)["Body"].read() == CONTENT


def test_of_many_writers_one_wins(s3: Any):
    upload = presigned(s3)
    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(lambda _: upload.put().status_code, range(16)))
    assert answers == [200] + [412] * 15


def test_reading_what_is_still_the_same(s3: Any):
    etag = s3.put_object(Bucket=PRIVATE, Key=KEY, Body=CONTENT)["ETag"]
    part = s3.get_object(Bucket=PRIVATE, Key=KEY, IfMatch=etag, Range="bytes=0-3")
    assert (part["Body"].read(), part["ContentRange"]) == (b"0123", "bytes 0-3/10")
    assert refused(s3.get_object, Bucket=PRIVATE, Key=KEY, IfMatch='"other"') == (412, "PreconditionFailed")
    assert refused(s3.get_object, Bucket=PRIVATE, Key="none") == (404, "NoSuchKey")
    assert refused(s3.get_object, Bucket="no-such-bucket", Key=KEY) == (404, "NoSuchBucket")


def test_copies_are_bound_to_the_source(s3: Any):
    etag = s3.put_object(Bucket=PRIVATE, Key=KEY, Body=CONTENT, ContentType="image/png")["ETag"]
    order = {"Bucket": PUBLIC, "Key": "files/a.png", "CopySource": {"Bucket": PRIVATE, "Key": KEY}}
    assert refused(s3.copy_object, **order, CopySourceIfMatch='"other"') == (412, "PreconditionFailed")
    assert keys(s3, PUBLIC) == []
    s3.copy_object(**order, CopySourceIfMatch=etag)
    assert s3.get_object(Bucket=PUBLIC, Key="files/a.png")["Body"].read() == CONTENT
    missing = order | {"CopySource": {"Bucket": PRIVATE, "Key": "none"}}
    assert refused(s3.copy_object, **missing, CopySourceIfMatch=etag) == (404, "NoSuchKey")


def test_an_upload_in_parts(s3: Any):
    begun = s3.create_multipart_upload(Bucket=PRIVATE, Key=KEY, ChecksumAlgorithm="SHA256", ContentType="image/png")
    names = {"Bucket": PRIVATE, "Key": KEY, "UploadId": begun["UploadId"]}
    (listed,) = s3.list_multipart_uploads(Bucket=PRIVATE)["Uploads"]
    assert (listed["Key"], listed["UploadId"]) == (KEY, begun["UploadId"])
    assert abs(datetime.now(UTC) - listed["Initiated"]) < timedelta(minutes=1)
    wrong = {"PartNumber": 1, "Body": PART, "ChecksumSHA256": checksum(OTHER)}
    assert refused(s3.upload_part, **names, **wrong) == (400, "BadDigest")
    sent = []
    for number, body in enumerate((PART, CONTENT), start=1):
        made = s3.upload_part(**names, PartNumber=number, Body=body, ChecksumSHA256=checksum(body))
        sent.append({"PartNumber": number, "ETag": made["ETag"], "ChecksumSHA256": checksum(body)})
    assert keys(s3) == []
    s3.complete_multipart_upload(**names, MultipartUpload={"Parts": sent})
    found = s3.head_object(Bucket=PRIVATE, Key=KEY, ChecksumMode="ENABLED")
    assert found["ContentLength"] == len(PART) + len(CONTENT)
    assert found["ChecksumSHA256"].endswith("-2")  # of the parts' checksums, not of the bytes
    assert found["ETag"].endswith('-2"')
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=PRIVATE)


def test_an_aborted_upload_leaves_nothing(s3: Any):
    begun = s3.create_multipart_upload(Bucket=PRIVATE, Key=KEY)
    s3.abort_multipart_upload(Bucket=PRIVATE, Key=KEY, UploadId=begun["UploadId"])
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=PRIVATE)
    names = {"Bucket": PRIVATE, "Key": KEY, "UploadId": begun["UploadId"]}
    assert refused(s3.abort_multipart_upload, **names) == (404, "NoSuchUpload")


def test_listing_goes_on_where_a_page_ended(s3: Any):
    for number in range(5):
        s3.put_object(Bucket=PRIVATE, Key=f"files/{number}", Body=b"x")
    first = s3.list_objects_v2(Bucket=PRIVATE, Prefix="files/", MaxKeys=2)
    assert ([row["Key"] for row in first["Contents"]], first["IsTruncated"]) == (["files/0", "files/1"], True)
    token = first["NextContinuationToken"]
    second = s3.list_objects_v2(Bucket=PRIVATE, Prefix="files/", MaxKeys=2, ContinuationToken=token)
    assert [row["Key"] for row in second["Contents"]] == ["files/2", "files/3"]
    after = s3.list_objects_v2(Bucket=PRIVATE, Prefix="files/", StartAfter="files/3")
    assert [row["Key"] for row in after["Contents"]] == ["files/4"]


def test_names_and_metadata_have_an_end(s3: Any):
    assert refused(s3.put_object, Bucket=PRIVATE, Key="a" * 1025, Body=b"") == (400, "KeyTooLongError")
    too_much = {"a": "x" * 8192}
    assert refused(s3.put_object, Bucket=PRIVATE, Key=KEY, Body=b"", Metadata=too_much) == (400, "MetadataTooLarge")


def test_a_key_for_objects_has_no_say_in_settings(s3: Any, s3_gate: S3Process):
    known = s3_gate.settings
    limited = client_of(s3_gate, known.objects_key, known.objects_secret)
    limited.put_object(Bucket=PRIVATE, Key=KEY, Body=CONTENT)
    rules = {"CORSRules": [RULE]}
    assert refused(limited.put_bucket_cors, Bucket=PRIVATE, CORSConfiguration=rules) == (403, "AccessDenied")
    assert refused(limited.get_bucket_lifecycle_configuration, Bucket=PRIVATE) == (403, "AccessDenied")
    assert refused(s3.get_bucket_cors, Bucket=PRIVATE) == (404, "NoSuchCORSConfiguration")


def test_a_store_that_is_away(s3: Any, s3_gate: S3Process):
    assert s3_gate.control(away=True)["away"] is True
    assert refused(s3.put_object, Bucket=PRIVATE, Key=KEY, Body=b"x") == (503, "ServiceUnavailable")
    assert s3_gate.control(away=False)["calls"]["PUT 503"] == 1
    assert keys(s3) == []


def test_the_control_refuses_nonsense(s3_gate: S3Process):
    assert requests.post(f"{s3_gate.url}/_control", data=b"[", timeout=5).status_code == 400
    assert requests.post(f"{s3_gate.url}/_control", data=b"[1]", timeout=5).status_code == 400


def test_a_length_that_is_no_length(s3_gate: S3Process):
    parts = urlsplit(s3_gate.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=5)
    connection.putrequest("PUT", f"/{PRIVATE}/{KEY}")
    connection.putheader("Content-Length", "ten")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_a_taken_port_is_one_plain_sentence(s3_gate: S3Process):
    number = str(urlsplit(s3_gate.url).port)
    ended = subprocess.run([sys.executable, "-m", "devkit.s3", "--port", number], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == f"Port {number} is taken: stop what listens there, or give another --port."


def test_the_program_prints_its_variables_and_ends_when_asked():
    with S3Process() as second:
        assert second.environment["MEDIA_BASE_URL"] == f"{second.url}/studio-public"
        assert client_of(second).list_objects_v2(Bucket=PRIVATE)["KeyCount"] == 0
    assert second._process.returncode == 0
