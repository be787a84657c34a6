"""Objects, buckets and their settings, kept by moto in the memory of this process."""

from collections.abc import Mapping
from threading import RLock

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3.models import s3_backends

from devkit.s3.messages import Answer

ORIGIN = "http://s3.amazonaws.com"
INTERNAL = "AWS4-HMAC-SHA256 Credential=gate/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=gate"
"""moto asks whether a request is signed, not whether the signature is right."""
DROPPED = {"server", "date", "x-amzn-requestid", "x-amz-sdk-checksum-algorithm"}
FOUND = 200


class Store:
    """One request at a time: moto is not made for threads, and conditions need to hold until the write."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._moto = BotocoreStubber()

    def send(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Carry a request out that may be carried out; `path` and `query` are percent-encoded."""
        sent = HTTPHeaders()
        for name, value in {**(headers or {}), "Authorization": INTERNAL}.items():
            sent[name] = value
        url = f"{ORIGIN}{path}?{query}" if query else f"{ORIGIN}{path}"
        with self.lock:
            reply = self._moto.process_request(AWSPreparedRequest(method, url, sent, body, stream_output=False))
        if reply is None:
            raise LookupError(f"moto knows no such address: {path}")
        status, received, content = reply
        kept = {name: str(value) for name, value in received.items() if name.lower() not in DROPPED}
        return Answer(int(status), kept, content.encode() if isinstance(content, str) else bytes(content))

    def make_bucket(self, name: str) -> None:
        """Create a bucket."""
        self.send("PUT", f"/{name}")

    def has_bucket(self, name: str) -> bool:
        """Whether there is such a bucket."""
        return self.send("HEAD", f"/{name}").status == FOUND

    def cors_of(self, bucket: str) -> bytes:
        """The document of the bucket's CORS rules; empty when it has none."""
        answer = self.send("GET", f"/{bucket}", "cors")
        return answer.body if answer.status == FOUND else b""

    def etag_of(self, path: str) -> str:
        """The ETag of an object; empty when there is none."""
        answer = self.send("HEAD", path)
        return answer.headers.get("ETag", "") if answer.status == FOUND else ""

    def clear(self) -> None:
        """Forget every bucket."""
        with self.lock:
            for account in list(s3_backends.values()):
                for backend in list(account.values()):
                    backend.reset()
