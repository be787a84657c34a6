"""Where browsers reach a bucket, as boto3 spells it."""

from urllib.parse import urlsplit

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
GLOBAL_REGION = "us-east-1"


def bucket_url(bucket: str, endpoint: str, region: str) -> str:
    """Return the address of a bucket without a slash at its end; nothing for a bucket without a name.

    A stand-in on this machine is addressed by path, everything else by host; no endpoint means AWS.
    """
    if not bucket:
        return ""
    if not endpoint:
        return f"https://{bucket}.s3.{'' if region == GLOBAL_REGION else f'{region}.'}amazonaws.com"
    parts = urlsplit(endpoint)
    if parts.hostname in LOOPBACK:
        return f"{endpoint.rstrip('/')}/{bucket}"
    return f"{parts.scheme}://{bucket}.{parts.netloc}"


def origin(url: str) -> str:
    """Scheme, host and port of an address; nothing for nothing."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if url else ""
