"""CORS by the rules of a bucket: the first that fits origin, method and headers answers (S3 user guide, "CORS")."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from xml.etree import ElementTree as ET

from devkit.s3.errors import MALFORMED, Refusal, denied
from devkit.s3.messages import Request

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
METHODS = {"GET", "PUT", "POST", "DELETE", "HEAD"}


@dataclass(frozen=True)
class Rule:
    """One rule; header names in lower case."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    max_age: str

    def fits(self, origin: str, method: str, headers: Collection[str] = ()) -> bool:
        """Whether a page of this origin may send this; an origin may hold one `*`."""
        known = any(fnmatchcase(origin, pattern.replace("[", "[[]")) for pattern in self.origins)
        return known and method in self.methods and set(headers) <= set(self.headers)


def rules_of(document: bytes) -> list[Rule]:
    """Read a CORSConfiguration."""
    return [
        Rule(
            origins=_texts(rule, "AllowedOrigin"),
            methods=_texts(rule, "AllowedMethod"),
            headers=tuple(name.lower() for name in _texts(rule, "AllowedHeader")),
            exposed=_texts(rule, "ExposeHeader"),
            max_age="".join(_texts(rule, "MaxAgeSeconds")),
        )
        for rule in ET.fromstring(document)
        if _name(rule) == "CORSRule"
    ]


def require_acceptable(document: bytes) -> None:
    """Raise `Refusal` for rules that one of the stores would not take; R2 wants headers named."""
    try:
        rules = rules_of(document)
    except ET.ParseError:
        raise Refusal(MALFORMED, "MalformedXML", "The XML you provided was not well-formed.") from None
    for rule in rules:
        if not rule.origins or not rule.methods or not set(rule.methods) <= METHODS:
            raise Refusal(MALFORMED, "MalformedXML", "A rule needs origins and known methods.")
        if any("*" in name for name in (*rule.headers, *rule.exposed)):
            raise Refusal(MALFORMED, "InvalidRequest", "Name the headers: * is not accepted.")


def preflight_headers(rules: Sequence[Rule], request: Request) -> dict[str, str]:
    """The headers of a preflight's answer. Raises `Refusal` when no rule fits."""
    origin, method = request.headers.get("origin", ""), request.headers.get("access-control-request-method", "")
    if not origin or not method:
        raise Refusal(MALFORMED, "BadRequest", "Insufficient information. Origin request header needed.")
    listed = request.headers.get("access-control-request-headers", "")
    wanted = [name.strip().lower() for name in listed.split(",") if name.strip()]
    for rule in rules:
        if rule.fits(origin, method, wanted):
            headers = _common(rule, origin) | {"Access-Control-Allow-Methods": ", ".join(rule.methods)}
            if wanted:
                headers["Access-Control-Allow-Headers"] = ", ".join(wanted)
            if rule.max_age:
                headers["Access-Control-Max-Age"] = rule.max_age
            return headers
    raise denied("CORSResponse: This CORS request is not allowed.")


def response_headers(rules: Sequence[Rule], request: Request) -> dict[str, str]:
    """What lets a page of the request's origin read the answer; nothing when no rule fits."""
    origin = request.headers.get("origin", "")
    fitting = (rule for rule in rules if origin and rule.fits(origin, request.method))
    rule = next(fitting, None)
    return _common(rule, origin) if rule else {}


def _common(rule: Rule, origin: str) -> dict[str, str]:
    headers = {"Access-Control-Allow-Origin": "*" if "*" in rule.origins else origin, "Vary": VARY}
    if rule.exposed:
        headers["Access-Control-Expose-Headers"] = ", ".join(rule.exposed)
    return headers


def _texts(rule: ET.Element, name: str) -> tuple[str, ...]:
    return tuple((member.text or "").strip() for member in rule if _name(member) == name)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
