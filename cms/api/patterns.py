"""The addresses of a type and of what staff do with it, made from its registration."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from cms import rights
from cms.api import answers, bodies, schema, staff
from cms.api.answers import Shape
from cms.api.described import Describe, described
from cms.api.subjects import Item, Subject, TheOne
from cms.api.views import ContentDetail, ContentList, SingletonDetail
from cms.errors import InvalidTransition, NotPublishable, SlugTaken
from cms.registry import ContentType, Singleton
from common.api.permissions import staff as staff_with
from common.api.preconditions import if_match_header
from common.api.schema import operation
from common.api.serializers import StrictSerializer
from common.errors import (
    DomainError,
    Gone,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    ValidationFailed,
)
from common.pagination import DEFAULT_PER_PAGE, MOST_PER_PAGE

Errors = Iterable[type[DomainError]]
Body = type[StrictSerializer]
PUBLIC_TAGS, STAFF_TAGS = ["Content"], ["Content, staff"]
VIEW_PREVIEWS = "cms.view_previewtoken"
FOR_STAFF = (NotAuthenticated, PermissionDenied)
STALE = (NotFound, InvalidTransition, PreconditionFailed)
SIZE = {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": DEFAULT_PER_PAGE}
CURSOR = (
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `links` of another page."),
    OpenApiParameter("per_page", SIZE),
)
RENAMED = OpenApiResponse(description="It has another slug now: `Location` is its address.")
WITH_VERSION = (if_match_header(required=False),)
# Each move with the right that it takes and what it answers beside STALE; settings have only those marked.
MOVES: dict[str, tuple[str, Errors, bool]] = {
    "submit": ("submit", (), False),
    "unsubmit": ("submit", (), False),
    "publish": ("publish", (NotPublishable,), True),
    "unpublish": ("publish", (), False),
    "archive": ("publish", (), False),
    "restore": ("delete", (SlugTaken,), False),
    "unschedule": ("publish", (), True),
}


def permission(verb: str, model: type[Model]) -> str:
    """Return the name of Django's permission, such as `cms.publish_post`."""
    return f"{model._meta.app_label}.{get_permission_codename(verb, model._meta)}"


def reads(
    name: str, found: Mapping[int, Any], parameters: Iterable[OpenApiParameter], *errors: type[DomainError]
) -> Describe:
    """Describe a public read that staff make of drafts."""
    refusals = (NotFound, RateLimited, *FOR_STAFF, *errors)
    return operation(
        name, responses=found, errors=refusals, parameters=parameters, auth="staff_or_none", tags=PUBLIC_TAGS
    )


def acts(
    name: str,
    answer: Any,
    errors: Errors,
    *,
    status: int = 200,
    body: Any = None,
    parameters: Iterable[OpenApiParameter] = (),
) -> Describe:
    """Describe what only staff do."""
    return operation(
        name,
        request=body,
        responses={status: answer},
        errors=[*errors, ValidationFailed],
        parameters=parameters,
        auth="staff",
        tags=STAFF_TAGS,
    )


def of_type(kind: ContentType) -> Iterator[URLPattern]:
    """Yield every address of a type."""
    row = answers.of_item(kind, f"{kind.operation}Row", kind.list_outputs)
    full = answers.of_item(kind, kind.operation, tuple(kind.outputs.values()))
    create, change = bodies.bodies_of(f"{kind.operation}Write", kind.model, kind.writable)
    yield _list(kind, row, full, create)
    yield _detail(kind, full, change)
    subject, where = Item(kind), f"{kind.path}/<str:slug>"
    yield from _workflow(subject, kind.operation, where, full, list(MOVES))
    yield from _history(subject, kind.operation, where, full)
    yield from _preview_links(subject, kind.operation, where)


def of_the_one(one: Singleton) -> Iterator[URLPattern]:
    """Yield every address of a type with one row."""
    shape, subject = answers.of_the_one(one), TheOne(one)
    yield _singleton(one, shape)
    moves = [move for move, (_, _, settings_too) in MOVES.items() if settings_too]
    yield from _workflow(subject, one.operation, one.path, shape, moves)
    yield from _history(subject, one.operation, one.path, shape)


def _list(kind: ContentType, row: Shape, full: Shape, body: Body) -> URLPattern:
    name = f"list{kind.operation}s"
    needed = {"GET": permission("view", kind.model), "POST": permission("add", kind.model)}
    page = schema.page_schema(kind.operation, row)
    view = described(
        ContentList,
        name,
        {"content_type": kind, "needed": needed, "body": body},
        get=reads(name, {200: page}, schema.list_parameters(kind)),
        post=acts(f"create{kind.operation}", full, [SlugTaken], status=201, body=body),
    )
    return path(kind.path, view, name=name)


def _detail(kind: ContentType, full: Shape, body: Body) -> URLPattern:
    name, model = f"get{kind.operation}", kind.model
    verbs = {"GET": "view", "PATCH": "change", "DELETE": "delete"}
    changed = [*STALE, PreconditionRequired, SlugTaken]
    view = described(
        ContentDetail,
        name,
        {
            "content_type": kind,
            "needed": {method: permission(verb, model) for method, verb in verbs.items()},
            "body": body,
        },
        get=reads(name, {200: full, 301: RENAMED}, schema.detail_parameters(kind), Gone),
        patch=acts(f"update{kind.operation}", full, changed, body=body, parameters=[if_match_header(required=True)]),
        delete=acts(f"trash{kind.operation}", None, STALE, status=204, parameters=WITH_VERSION),
    )
    return path(f"{kind.path}/<str:slug>", view, name=name)


def _singleton(one: Singleton, shape: Shape) -> URLPattern:
    name, (_, body) = f"get{one.operation}", bodies.bodies_of(f"{one.operation}Write", one.model, one.writable)
    needed = {"GET": permission("view", one.model), "PATCH": permission("change", one.model)}
    changed = [PreconditionFailed, PreconditionRequired]
    view = described(
        SingletonDetail,
        name,
        {"singleton": one, "needed": needed, "body": body},
        get=reads(name, {200: shape}, [schema.VIEW]),
        patch=acts(f"update{one.operation}", shape, changed, body=body, parameters=[if_match_header(required=True)]),
    )
    return path(one.path, view, name=name)


def _made(
    view: type[staff.StaffView], subject: Subject, verbs: Iterable[str], where: str, name: str, /, **more: Any
) -> URLPattern:
    """Return an address of the staff's whose view takes these permissions; `more` are attributes and descriptions."""
    operations = {method: more.pop(method) for method in ("get", "post", "delete") if method in more}
    permissions = [staff_with(verb if "." in verb else permission(verb, subject.model)) for verb in verbs]
    members: dict[str, Any] = {"subject": subject, "permission_classes": permissions, **more}
    return path(where, described(view, name, members, **operations), name=name)


def _workflow(subject: Subject, named: str, where: str, answer: Shape, moves: Iterable[str]) -> Iterator[URLPattern]:
    for move in moves:
        right, errors, _ = MOVES[move]
        post = acts(f"{move}{named}", answer, [*STALE, *errors], body=bodies.CommentRequest, parameters=WITH_VERSION)
        yield _made(staff.MoveView, subject, [right], f"{where}/{move}", f"{move}{named}", post=post, move=move)
    errors = [*STALE, NotPublishable]
    post = acts(f"schedule{named}", answer, errors, body=bodies.ScheduleRequest, parameters=WITH_VERSION)
    yield _made(staff.ScheduleView, subject, ["publish"], f"{where}/schedule", f"schedule{named}", post=post)


def _history(subject: Subject, named: str, where: str, answer: Shape) -> Iterator[URLPattern]:
    plural, single, back = f"list{named}Revisions", f"get{named}Revision", f"restore{named}Revision"
    listed = acts(plural, answers.RevisionListSerializer, [NotFound], parameters=CURSOR)
    yield _made(staff.RevisionsView, subject, ["view"], f"{where}/revisions", plural, get=listed)
    number = f"{where}/revisions/<int:number>"
    got = acts(single, answers.version_of(named, answer), [NotFound])
    yield _made(staff.RevisionView, subject, ["view"], number, single, get=got)
    post = acts(back, answer, [*STALE, SlugTaken], body=bodies.CommentRequest, parameters=WITH_VERSION)
    yield _made(staff.RestoreRevisionView, subject, ["change"], f"{number}/restore", back, post=post)


def _preview_links(subject: Subject, named: str, where: str) -> Iterator[URLPattern]:
    links = f"{where}/preview-links"
    listed = acts(f"list{named}PreviewLinks", answers.PreviewLinkListSerializer, [NotFound], parameters=CURSOR)
    made = acts(
        f"create{named}PreviewLink",
        answers.IssuedPreviewLinkSerializer,
        [NotFound, InvalidTransition],
        status=201,
        body=bodies.PreviewLinkRequest,
    )
    name = f"list{named}PreviewLinks"
    rights_of_both = [VIEW_PREVIEWS, rights.ADD_PREVIEW]
    yield _made(staff.PreviewLinksView, subject, rights_of_both, links, name, get=listed, post=made)
    name = f"revoke{named}PreviewLink"
    closed = acts(name, None, [NotFound], status=204)
    one = f"{links}/<uuid:link_id>"
    yield _made(staff.PreviewLinkView, subject, [rights.REVOKE_PREVIEW], one, name, delete=closed)
