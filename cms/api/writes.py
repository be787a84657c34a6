"""Writing drafts: parse, one action, the draft view."""

from rest_framework.request import Request
from rest_framework.response import Response

from cms import selectors
from cms.actions import drafts, publishing, singletons
from cms.api import bodies
from cms.api.subjects import Item, TheOne, answer, demand_write, private
from common.actor import actor_of
from common.api.preconditions import if_match
from common.api.serializers import StrictSerializer
from common.links import absolute


def create(request: Request, subject: Item, body: type[StrictSerializer]) -> Response:
    """Answer 201 with the new draft and where it is."""
    values = bodies.read(request, body, subject.model, subject.keys)
    with bodies.faults_in_the_body(subject.keys):
        made = drafts.create(model=subject.model, values=values, by=actor_of(request))
    item = subject.find(request.user, str(made.pk))
    response = answer(request, subject, item, status=201)
    response["Location"] = absolute(f"/api/{subject.kind.path}/{item.draft_slug}")
    return response


def update(request: Request, subject: Item, name: str, body: type[StrictSerializer]) -> Response:
    """Answer 200 with the draft after the change."""
    item = subject.find(request.user, name)
    demand_write(request.user, item)
    version = if_match(request, item.lock_version, required=True)
    values = bodies.read(request, body, subject.model, subject.keys, item=item.pk)
    with bodies.faults_in_the_body(subject.keys):
        drafts.save(item=item, values=values, by=actor_of(request), expected_version=version)
    return answer(request, subject, subject.find(request.user, str(item.pk)))


def trash(request: Request, subject: Item, name: str) -> Response:
    """Answer 204."""
    item = subject.find(request.user, name)
    version = if_match(request, item.lock_version)
    publishing.trash(item=item, by=actor_of(request), expected_version=version)
    return private(Response(status=204))


def update_the_one(request: Request, subject: TheOne, body: type[StrictSerializer]) -> Response:
    """Answer 200 with the draft after the change, which the first one makes."""
    found = selectors.the_row_of(subject.one)
    version = if_match(request, found.lock_version if found else 0, required=True)
    values = bodies.read(request, body, subject.model, subject.keys)
    if found is None:
        values = {**subject.one.first(), **values}
    with bodies.faults_in_the_body(subject.keys):
        singletons.save(model=subject.model, values=values, by=actor_of(request), expected_version=version or 0)
    return answer(request, subject, subject.find(request.user, ""))
