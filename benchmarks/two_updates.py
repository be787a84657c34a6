"""The least that a refresh must do: a view that reads JSON, does two indexed UPDATEs and commits."""

import json

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

SESSION = "UPDATE accounts_session SET last_used_at = clock_timestamp() WHERE id = %s"
TOKEN = "UPDATE accounts_refreshtoken SET retries = retries + 1 WHERE session_id = %s AND generation = 0"


def two_updates(request: HttpRequest) -> HttpResponse:
    """Touch the session that the body names; GET says that the server is up."""
    if request.method != "POST":
        return HttpResponse("up")
    session_id = json.loads(request.body)["refresh"]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SESSION, [session_id])
        cursor.execute(TOKEN, [session_id])
    return JsonResponse({"refresh": session_id})


urlpatterns = [path("two-updates", two_updates)]
