"""The settings that the two buckets need: who may send from a browser, and what is thrown away by itself.

They are written as S3's API takes them, so that they can be pasted where they may not be set. Headers are named one by
one, since R2 takes no `*` there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from uploads.constants import Bucket
from uploads.storage.base import CORS_MAX_AGE_SECONDS, UPLOAD_HEADERS

QUARANTINE_DAYS = 7
"""The sweeps are quicker; this is for the day on which nobody runs them. Failed files may be tried again until then."""
PARTS_DAYS = 1
OURS = "studio-"
Rule = dict[str, Any]


@dataclass(frozen=True)
class BucketRules:
    """CORS and lifecycle rules of one bucket, as the members of S3's API."""

    cors: list[Rule] = field(default_factory=list)
    lifecycle: list[Rule] = field(default_factory=list)


def wanted(bucket: Bucket, origins: Sequence[str]) -> BucketRules:
    """The rules of a bucket; `origins` are the front ends that may send to the private one."""
    parts = _lifecycle("parts", "", AbortIncompleteMultipartUpload={"DaysAfterInitiation": PARTS_DAYS})
    if bucket is Bucket.PUBLIC:
        return BucketRules(cors=[_cors(["*"], ["GET", "HEAD"], [])], lifecycle=[parts])
    sending = [_cors(list(origins), ["PUT"], list(UPLOAD_HEADERS))] if origins else []
    return BucketRules(
        cors=sending, lifecycle=[_lifecycle("quarantine", "quarantine/", Expiration={"Days": QUARANTINE_DAYS}), parts]
    )


def merged(wanted_rules: BucketRules, present: BucketRules) -> BucketRules:
    """What to write: our rules, and the lifecycle rules of others, such as R2's own."""
    foreign = [rule for rule in present.lifecycle if not str(rule.get("ID", "")).startswith(OURS)]
    return BucketRules(cors=wanted_rules.cors, lifecycle=[*foreign, *wanted_rules.lifecycle])


def same_cors(first: Sequence[Rule], second: Sequence[Rule]) -> bool:
    """Whether two lists of rules allow the same."""
    return sorted(map(_cors_form, first)) == sorted(map(_cors_form, second))


def same_lifecycle(first: Sequence[Rule], second: Sequence[Rule]) -> bool:
    """Whether two lists of rules throw the same away."""
    return sorted(map(_lifecycle_form, first)) == sorted(map(_lifecycle_form, second))


def _cors(origins: list[str], methods: list[str], headers: list[str]) -> Rule:
    rule: Rule = {"AllowedOrigins": origins, "AllowedMethods": methods}
    if headers:
        rule["AllowedHeaders"] = headers
    return rule | {"ExposeHeaders": ["ETag"], "MaxAgeSeconds": CORS_MAX_AGE_SECONDS}


def _lifecycle(name: str, prefix: str, **action: Any) -> Rule:
    return {"ID": f"{OURS}{name}", "Status": "Enabled", "Filter": {"Prefix": prefix}, **action}


def _cors_form(rule: Rule) -> str:
    names = ("AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders")
    lists = [sorted(value.lower() for value in rule.get(name, [])) for name in names]
    return repr((lists, rule.get("MaxAgeSeconds")))


def _lifecycle_form(rule: Rule) -> str:
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    days = rule.get("Expiration", {}).get("Days")
    parts = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
    return repr((rule.get("ID"), rule.get("Status"), prefix, days, parts))
