"""Files of projects and of the library: who may bring and read them, and what must not be deleted."""

import uuid
from typing import Any

import pytest

from accounts.tests.factories import make_user, staff
from cms.actions import drafts, media, publishing, purging
from cms.errors import FileNotReady
from cms.models import MediaAsset, Project
from cms.tests.factories import asset
from cms.types.project.files import may_read
from common.actor import Actor
from common.clock import db_now
from common.errors import DomainError, NotFound, PermissionDenied
from common.tests.racing import at_once
from uploads import rights
from uploads.actions import deletions, ingest
from uploads.constants import Purpose
from uploads.errors import InvalidState
from uploads.models import File
from uploads.tests.factories import picture

pytestmark = pytest.mark.django_db


def test_a_file_that_is_shown_is_in_use():
    picture = asset()
    _, client = staff("Owner")
    answer = client.delete(f"/api/files/{picture.file_id}")
    assert answer.status_code == 409
    assert File.objects.get(pk=picture.file_id).state == "ready"


def project_of(by: Actor) -> Any:
    values = {"slug": "harbour", "title": "Harbour", "summary": "Made new.", "disclosure": "anonymised"}
    return drafts.create(model=Project, values=values, by=by)


def attach(actor: Actor, project_id: uuid.UUID) -> type[DomainError] | None:
    try:
        rights.require_attach(purpose=Purpose.PROJECT_IMAGE, target_id=project_id, actor=actor)
    except DomainError as refusal:
        return type(refusal)
    return None


def colleague(role: str) -> Actor:
    return Actor.staff(make_user(f"{role.lower()}@example.com", held=(role,)))


@pytest.mark.parametrize(
    ("role", "attaches", "reads"),
    [
        ("Owner", None, True),
        ("Editor", None, True),
        ("Author", NotFound, False),
        ("Sales", PermissionDenied, False),
        ("Auditor", PermissionDenied, True),
    ],
)
def test_a_draft_of_somebody_else(role: str, attaches: type[DomainError] | None, reads: bool) -> None:
    project, actor = project_of(Actor.system("test")), colleague(role)
    assert attach(actor, project.pk) is attaches
    assert may_read(actor, project.pk) is reads
    assert attach(actor, uuid.uuid4()) in {NotFound, PermissionDenied if attaches is PermissionDenied else NotFound}
    assert not may_read(actor, uuid.uuid4())


def test_an_author_brings_files_to_drafts_of_their_own_until_they_are_public() -> None:
    author = colleague("Author")
    project = project_of(author)
    assert attach(author, project.pk) is None
    publishing.publish(item=project, by=Actor.system("test"))
    assert attach(author, project.pk) is PermissionDenied
    assert may_read(author, project.pk)


def test_a_project_in_the_trash_takes_no_files_and_shows_those_that_it_has() -> None:
    project, owner = project_of(Actor.system("test")), colleague("Owner")
    Project.objects.filter(pk=project.pk).update(deleted_at=db_now())
    assert attach(owner, project.pk) is InvalidState
    assert may_read(owner, project.pk)


@pytest.mark.parametrize("actor", [Actor.customer(id=uuid.uuid4()), Actor.system("visitor")])
def test_nobody_else(actor: Actor) -> None:
    project = project_of(Actor.system("test"))
    assert attach(actor, project.pk) is PermissionDenied
    assert not may_read(actor, project.pk)


@pytest.fixture
def uploaded() -> tuple[Any, File]:
    """A project with a picture that was uploaded for it and is ready."""
    project = project_of(Actor.system("test"))
    file = ingest(
        content=picture((400, 300)),
        filename="quay <b>.png",
        content_type="image/png",
        purpose=Purpose.PROJECT_IMAGE,
        target_id=project.pk,
        by=Actor.system("test"),
    )
    return project, file


WORDS = {"alt": "The quay", "focal_x": "0.5", "focal_y": "0.5"}


def test_a_picture_of_the_library_is_made_of_an_uploaded_file(client: Any, uploaded: tuple[Any, File]) -> None:
    project, file = uploaded
    client.force_login(make_user(held=("Editor",)))
    page = client.get(f"/admin/cms/project/{project.pk}/change/").content.decode()
    assert f'<a href="/admin/uploads/file/{file.pk}/change/"><bdi>quay &lt;b&gt;.png</bdi></a>' in page
    add = f"/admin/cms/mediaasset/add/?file={file.pk}"
    assert f'<a href="{add}">Add to the library</a>' in page
    assert 'type="file"' not in client.get(add).content.decode()
    assert client.post(add, WORDS).status_code == 302
    made = MediaAsset.objects.get()
    assert (made.file_id, made.alt, made.image["width"]) == (file.pk, "The quay", 400)


@pytest.mark.parametrize("chosen", ["nonsense", "0193a1b2-0000-7000-8000-000000000000", "pending"])
def test_no_picture_of_a_file_that_is_not_there_or_not_ready(
    client: Any, uploaded: tuple[Any, File], chosen: str
) -> None:
    _, file = uploaded
    if chosen == "pending":
        File.objects.filter(pk=file.pk).update(state="failed", reason="attempts_spent")
        chosen = str(file.pk)
    client.force_login(make_user(held=("Editor",)))
    assert client.post(f"/admin/cms/mediaasset/add/?file={chosen}", WORDS).status_code == 200
    assert not MediaAsset.objects.exists()


def test_a_purged_project_takes_its_files_along_but_for_those_of_the_library(uploaded: tuple[Any, File]) -> None:
    project, loose = uploaded
    shown = ingest(
        content=picture(),
        filename="a.png",
        content_type="image/png",
        purpose=Purpose.PROJECT_IMAGE,
        target_id=project.pk,
        by=Actor.system("test"),
    )
    media.create(file=shown, alt="A wall", by=Actor.system("test"))
    Project.objects.filter(pk=project.pk).update(deleted_at=db_now())
    purging.purge(item=Project.objects.get(), by=Actor.system("test"))
    assert not Project.objects.exists()
    assert dict(File.objects.values_list("pk", "state")) == {loose.pk: "deleting", shown.pk: "ready"}


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(4))
def test_a_file_is_used_or_deleted_but_never_both(turn: int) -> None:
    owner = colleague("Owner")
    file = ingest(
        content=picture(), filename="a.png", content_type="image/png", purpose=Purpose.IMAGE, by=Actor.operator()
    )
    made, deleted = at_once(
        lambda: media.create(file=file.pk, alt="A wall", by=owner),
        lambda: deletions.delete(file_id=file.pk, by=owner),
    )
    in_use, state = MediaAsset.objects.count(), File.objects.get().state
    assert (in_use, state) in {(1, "ready"), (0, "deleting")}
    assert isinstance(deleted, InvalidState) == bool(in_use)
    assert isinstance(made, FileNotReady) != bool(in_use)
