"""The workflow, the versions and the preview links of content: what only staff do."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from cms import selectors, snapshots
from cms.actions import history, previews, publishing
from cms.api import bodies
from cms.api.bodies import CommentRequest, PreviewLinkRequest, ScheduleRequest
from cms.api.subjects import Subject, answer, demand_draft, demand_write, private
from cms.models import PreviewToken, Publishable, Revision
from common.actor import actor_of
from common.api.body import parse
from common.api.preconditions import if_match
from common.api.views import ApiView
from common.instants import instant
from common.pagination import cursor_list
from common.parameters import refuse_unknown

CURSOR_PARAMETERS = ("cursor", "per_page")
OF_THE_AUTHOR = frozenset({"submit", "unsubmit"})  # moves of those who write; the others are for those who publish


class StaffView(ApiView):
    """Something about a subject; `permission_classes` come with the subject."""

    subject: ClassVar[Subject]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may; what changes something takes no parameters."""
        super().initial(request, *args, **kwargs)
        if request.method not in SAFE_METHODS:
            refuse_unknown(request, ())


class MoveView(StaffView):
    """One move of the workflow."""

    move: ClassVar[str]

    def post(self, request: Request, slug: str = "") -> Response:
        """Make the move, and answer with the draft; a comment stands in the history."""
        item = self.subject.find(request.user, slug)
        if self.move in OF_THE_AUTHOR:
            demand_write(request.user, item)
        version = if_match(request, item.lock_version)
        values = parse(request, CommentRequest)
        with bodies.faults_in_the_body(self.subject.keys):
            publishing.transition(item=item, move=self.move, by=actor_of(request), expected_version=version, **values)
        return answer(request, self.subject, self.subject.find(request.user, str(item.pk)))


class ScheduleView(StaffView):
    """Publishing later."""

    def post(self, request: Request, slug: str = "") -> Response:
        """Let the newest draft become public at an instant; what is public stays so until then."""
        item = self.subject.find(request.user, slug)
        version = if_match(request, item.lock_version)
        values = parse(request, ScheduleRequest)
        with bodies.faults_in_the_body(self.subject.keys):
            publishing.schedule(item=item, by=actor_of(request), expected_version=version, **values)
        return answer(request, self.subject, self.subject.find(request.user, str(item.pk)))


class RevisionsView(StaffView):
    """The versions of an item."""

    def get(self, request: Request, slug: str = "") -> Response:
        """Newest first."""
        refuse_unknown(request, CURSOR_PARAMETERS)
        item = self.subject.find(request.user, slug)
        demand_draft(request.user, item)
        response = cursor_list(
            request,
            selectors.revisions_of(item).select_related("base").defer("snapshot", "base__snapshot"),
            name="revisions",
            instant="created_at",
            filters={"type": item._meta.model_name, "item": str(item.pk)},
            serialize=lambda rows: [revision_body(item, row) for row in rows],
        )
        return private(response)


class RevisionView(StaffView):
    """One version."""

    def get(self, request: Request, number: int, slug: str = "") -> Response:
        """The version with its content in the shape of a draft."""
        refuse_unknown(request, ())
        item = self.subject.find(request.user, slug)
        demand_draft(request.user, item)
        found = selectors.revision(item, number)
        content = self.subject.shown(request.user, item, snapshots.of(type(item), found))
        return private(Response({**revision_body(item, found), "content": content}))


class RestoreRevisionView(StaffView):
    """Going back."""

    def post(self, request: Request, number: int, slug: str = "") -> Response:
        """Make the whole of an older version the newest draft; what is public stays as it is."""
        item = self.subject.find(request.user, slug)
        demand_write(request.user, item)
        version = if_match(request, item.lock_version)
        values = parse(request, CommentRequest)
        with bodies.faults_in_the_body(self.subject.keys):
            history.restore(item=item, number=number, by=actor_of(request), expected_version=version, **values)
        return answer(request, self.subject, self.subject.find(request.user, str(item.pk)))


class PreviewLinksView(StaffView):
    """Links under which people without an account see a draft."""

    def get_permissions(self) -> list[Any]:
        """Making one is a permission of its own."""
        first, *others = super().get_permissions()
        return [first] if self.request.method != "POST" else others

    def get(self, request: Request, slug: str) -> Response:
        """Newest first; the address itself was told once, when it was made."""
        refuse_unknown(request, CURSOR_PARAMETERS)
        item = self.subject.find(request.user, slug)
        demand_draft(request.user, item)
        found: QuerySet[PreviewToken] = selectors.previews_of(item).select_related("revision")
        response = cursor_list(
            request,
            found.defer("revision__snapshot"),
            name="preview-links",
            instant="created_at",
            filters={"type": item._meta.model_name, "item": str(item.pk)},
            serialize=lambda rows: [preview_body(row) for row in rows],
        )
        return private(response)

    def post(self, request: Request, slug: str) -> Response:
        """Make a link to the newest draft as it is now; its address is told only here."""
        item = self.subject.find(request.user, slug)
        demand_draft(request.user, item)
        hours = parse(request, PreviewLinkRequest)["expires_in_hours"]
        made = previews.issue(item=item, by=actor_of(request), hours=hours)
        body = {"id": str(made.id), "url": made.url, "expires_at": instant(made.expires_at)}
        return private(Response(body, status=201))


class PreviewLinkView(StaffView):
    """One link."""

    def delete(self, request: Request, slug: str, link_id: UUID) -> Response:
        """Close it: from now on it leads nowhere."""
        item = self.subject.find(request.user, slug)
        demand_draft(request.user, item)
        previews.revoke(item=item, token_id=link_id, by=actor_of(request))
        return private(Response(status=204))


def revision_body(item: Publishable, row: Revision) -> dict[str, Any]:
    """A version in a list."""
    return {
        "number": row.number,
        "kind": row.kind,
        "created_at": instant(row.created_at),
        "author": {"kind": row.author_kind, "name": row.author_label},
        "comment": row.comment,
        "base": row.base.number if row.base else None,
        "live": row.pk == item.live_revision_id,
        "published_at": instant(row.published_at),
    }


def preview_body(row: PreviewToken) -> dict[str, Any]:
    """A link in a list."""
    return {
        "id": str(row.pk),
        "revision": row.revision.number if row.revision else None,
        "author": row.author_label,
        "created_at": instant(row.created_at),
        "expires_at": instant(row.expires_at),
        "revoked_at": instant(row.revoked_at),
        "opened": row.opened,
        "last_opened_at": instant(row.last_opened_at),
    }
