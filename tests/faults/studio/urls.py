"""The project's addresses, and one that enqueues a job."""

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from common.actor import Actor
from config import urls
from jobs.actions import enqueue
from tests.faults.studio.tasks import WORK

BY = Actor.system("faults")


@csrf_exempt
def ask(request: HttpRequest) -> HttpResponse:
    """Enqueue one job for each key, however often the key comes."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO faults_asked VALUES (%s) ON CONFLICT DO NOTHING", [request.GET["key"]])
            is_new = cursor.rowcount == 1
        if is_new:
            enqueue(kind=WORK, args={}, by=BY)
    return HttpResponse(status=201 if is_new else 200)


urlpatterns = [path("faults/ask", ask), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
