"""Clients of the stand-in, and what sign gives a browser."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from devkit.s3.fixture import S3Process

PRIVATE, PUBLIC = "studio-private", "studio-public"
KEY = "quarantine/2026/11/a"
CONTENT = b"0123456789"
FRONT = "https://front.example"
RULE = {
    "AllowedOrigins": [FRONT],
    "AllowedMethods": ["PUT"],
    "AllowedHeaders": ["content-type", "x-amz-checksum-sha256", "if-none-match"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 600,
}


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def client_of(gate: S3Process, access_key: str = "", secret: str = "", region: str = "", **config: Any) -> Any:
    """A client with the configuration that binds; members of `config` replace its own."""
    chosen = {
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path"},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "retries": {"max_attempts": 0},
    } | config
    return boto3.client(
        "s3",
        endpoint_url=gate.url,
        region_name=region or gate.settings.region,
        aws_access_key_id=access_key or gate.settings.access_key,
        aws_secret_access_key=secret or gate.settings.secret_key,
        config=Config(**chosen),
    )


@pytest.fixture(scope="session")
def owner(s3_process: S3Process) -> Any:
    return client_of(s3_process)


@pytest.fixture
def s3(owner: Any, s3_gate: S3Process) -> Any:
    """The owner's client of a stand-in that was just cleared."""
    return owner


@dataclass
class Upload:
    """A presigned PUT of `CONTENT`, as a front end holds it."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def put(self, content: bytes = CONTENT, url: str = "", **changes: str | None) -> requests.Response:
        """Send it with some headers changed; None leaves one out."""
        merged = self.headers | {name.replace("_", "-"): value for name, value in changes.items()}
        headers = {name: value for name, value in merged.items() if value is not None}
        return requests.put(url or self.url, data=content, headers=headers, timeout=5)


@pytest.fixture
def upload(s3: Any) -> Upload:
    return presigned(s3)


def presigned(s3: Any, key: str = KEY, expires: int = 600) -> Upload:
    params = {
        "Bucket": PRIVATE,
        "Key": key,
        "ContentType": "image/png",
        "ContentLength": len(CONTENT),
        "ChecksumSHA256": checksum(CONTENT),
        "IfNoneMatch": "*",
        "Metadata": {"file-id": "f1"},
    }
    url = s3.generate_presigned_url("put_object", Params=params, ExpiresIn=expires)
    headers = {"Content-Type": "image/png", "x-amz-checksum-sha256": checksum(CONTENT), "If-None-Match": "*"}
    return Upload(url, headers | {"x-amz-meta-file-id": "f1"})


def keys(s3: Any, bucket: str = PRIVATE) -> list[str]:
    return [row["Key"] for row in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def code(answer: requests.Response) -> tuple[int, str]:
    """Status and S3's code of a refusal."""
    _, _, rest = answer.text.partition("<Code>")
    return answer.status_code, rest.partition("</Code>")[0]
