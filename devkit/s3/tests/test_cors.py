"""Pages of other origins: preflights and answers by the rules of the bucket."""

from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from devkit.s3.fixture import S3Process
from devkit.s3.tests.conftest import FRONT, KEY, PRIVATE, PUBLIC, RULE, Upload, code

ASKED = "content-type,if-none-match,x-amz-checksum-sha256"


@pytest.fixture
def configured(s3: Any) -> None:
    s3.put_bucket_cors(Bucket=PRIVATE, CORSConfiguration={"CORSRules": [RULE]})


def preflight(gate: S3Process, origin: str = FRONT, method: str = "PUT", headers: str = ASKED, bucket: str = PRIVATE):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    sent = {name: value for name, value in asked.items() if value}
    return requests.options(f"{gate.url}/{bucket}/{KEY}?X-Amz-Signature=x", headers=sent, timeout=5)


@pytest.mark.usefixtures("configured")
def test_a_preflight_that_fits(s3_gate: S3Process):
    answer = preflight(s3_gate)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == FRONT
    assert answer.headers["Access-Control-Allow-Methods"] == "PUT"
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type, if-none-match, x-amz-checksum-sha256"
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert answer.headers["Access-Control-Expose-Headers"] == "ETag"
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://other.example"},
        {"origin": "http://front.example"},
        {"origin": "https://front.example.evil.example"},
        {"method": "DELETE"},
        {"method": "GET"},
        {"headers": "content-type,x-amz-meta-owner"},
        {"headers": "authorization"},
        {"bucket": PUBLIC},
    ],
    ids=str,
)
def test_a_preflight_that_does_not(s3_gate: S3Process, changes: dict[str, str]):
    answer = preflight(s3_gate, **changes)
    assert code(answer) == (403, "AccessDenied")
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_a_bucket_without_rules_and_a_question_without_origin(s3_gate: S3Process):
    assert code(preflight(s3_gate)) == (403, "AccessDenied")
    assert code(preflight(s3_gate, origin="")) == (400, "BadRequest")


@pytest.mark.usefixtures("configured")
def test_the_page_may_read_the_answer_whatever_it_is(upload: Upload):
    for expected in (200, 412):
        answer = upload.put(Origin=FRONT)
        assert answer.status_code == expected
        assert answer.headers["Access-Control-Allow-Origin"] == FRONT
        assert answer.headers["Access-Control-Expose-Headers"] == "ETag"
    assert upload.put(Origin="https://other.example").headers.get("Access-Control-Allow-Origin") is None


@pytest.mark.usefixtures("configured")
def test_reading_across_origins_is_not_covered_by_a_rule_for_put(s3: Any):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": PRIVATE, "Key": KEY})
    assert "Access-Control-Allow-Origin" not in requests.get(url, headers={"Origin": FRONT}, timeout=5).headers


@pytest.mark.parametrize(
    "rule",
    [RULE | {"AllowedHeaders": ["*"]}, RULE | {"ExposeHeaders": ["*"]}, RULE | {"AllowedMethods": ["PATCH"]}],
)
def test_rules_that_r2_or_s3_would_not_take(s3: Any, rule: dict[str, Any]):
    with pytest.raises(ClientError) as caught:
        s3.put_bucket_cors(Bucket=PRIVATE, CORSConfiguration={"CORSRules": [rule]})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError) as caught:
        s3.get_bucket_cors(Bucket=PRIVATE)
    assert caught.value.response["Error"]["Code"] == "NoSuchCORSConfiguration"


def test_an_origin_may_hold_a_star(s3: Any, s3_gate: S3Process):
    s3.put_bucket_cors(
        Bucket=PRIVATE, CORSConfiguration={"CORSRules": [RULE | {"AllowedOrigins": ["https://*.example"]}]}
    )
    assert preflight(s3_gate, origin="https://a.example").status_code == 200
    assert preflight(s3_gate, origin="https://a.other").status_code == 403
