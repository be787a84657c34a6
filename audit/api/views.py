"""Reading the audit log."""

from rest_framework.request import Request
from rest_framework.response import Response

from audit.actions import reading
from audit.api import filters
from audit.api.serializers import AuditEventListSerializer, AuditEventSerializer, body
from audit.constants import MAY_VIEW
from audit.models import AuditEvent
from common.actor import actor_of
from common.api.permissions import staff
from common.api.schema import operation
from common.api.views import ApiView
from common.pagination import cursor_list


class AuditView(ApiView):
    """The log, for those who may read it. Each query is an event of its own."""

    permission_classes = (staff(MAY_VIEW),)

    @operation(
        "listAuditEvents", responses={200: AuditEventListSerializer}, parameters=filters.DESCRIBED, auth="staff",
        tags=["Audit"],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Events, newest first."""
        asked = filters.parse(request)
        answer = cursor_list(
            request,
            asked.narrow(AuditEvent.objects.all()),
            name="audit",
            instant="at",
            filters=asked.as_dict,
            serialize=lambda rows: list(AuditEventSerializer([body(row) for row in rows], many=True).data),
        )
        reading.note_read(query=asked.as_dict, by=actor_of(request), turning="cursor" in request.GET)
        return answer
