"""The signed URL of local storage answers like S3's."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from common.clock import shift
from uploads.constants import Bucket
from uploads.models import File
from uploads.storage import get_storage
from uploads.storage.local import LocalStorage
from uploads.tests.factories import path_of, picture, put, sign, staff_client

pytestmark = pytest.mark.django_db
CONTENT = picture()


@pytest.fixture
def upload() -> Any:
    return sign(staff_client(), CONTENT)["upload"]


def nothing_arrived(store: LocalStorage) -> bool:
    return store.list(Bucket.PRIVATE, "", limit=10) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Content-Type": "image/jpeg"},
        {"Content-Type": "image/png; charset=x"},
        {"x-amz-checksum-sha256": None},
        {"x-amz-checksum-sha256": "AAAA"},
        {"x-amz-checksum-sha256": "not base64 at all"},
        {"If-None-Match": None},
        {"If-None-Match": "x"},
    ],
)
def test_each_signed_header_is_demanded(upload: Any, changes: Any, store: LocalStorage) -> None:
    assert put(upload, CONTENT, **changes).status_code == 403
    assert nothing_arrived(store)
    assert File.objects.get().state == "pending"


@pytest.mark.parametrize("content", [CONTENT + b"x", CONTENT[:-1], b""])
def test_another_length_is_refused(upload: Any, content: bytes, store: LocalStorage) -> None:
    assert put(upload, content).status_code in {403, 411}
    assert nothing_arrived(store)


def test_other_bytes_of_the_same_length_are_refused(upload: Any, store: LocalStorage) -> None:
    assert put(upload, CONTENT[:-1] + b"x").status_code == 400
    assert nothing_arrived(store)


def test_the_second_put_is_refused_and_the_first_bytes_stay(upload: Any, store: LocalStorage) -> None:
    assert put(upload, CONTENT).status_code == 200
    assert put(upload, CONTENT).status_code == 412
    assert put(upload, CONTENT[:-1] + b"x").status_code == 412
    key = File.objects.get().quarantine_key
    assert store.path(Bucket.PRIVATE, key).read_bytes() == CONTENT


def test_two_writers_cannot_both_win(upload: Any, store: LocalStorage) -> None:
    """The name is taken by a link, which fails where a rename would replace."""
    import io

    from uploads.storage.local import put_order

    order = put_order(upload["url"].rsplit("/", 1)[1])
    store.write_once(order, io.BytesIO(CONTENT))
    with pytest.raises(FileExistsError):
        store.write_once(order, io.BytesIO(CONTENT))
    assert len(store.list(Bucket.PRIVATE, "", limit=10)) == 1


def test_the_url_ends_after_ten_minutes(upload: Any, store: LocalStorage) -> None:
    with shift(601):
        assert put(upload, CONTENT).status_code == 403
    assert nothing_arrived(store)


def test_a_changed_url_is_refused(upload: Any, store: LocalStorage) -> None:
    body, _, signature = upload["url"].rpartition(":")
    forged = upload | {"url": f"{body}:{signature[::-1]}"}
    assert put(forged, CONTENT).status_code == 403
    assert nothing_arrived(store)


@pytest.mark.parametrize("method", ["get", "post", "delete", "head"])
def test_a_put_url_is_for_put_only(upload: Any, method: str) -> None:
    assert getattr(Client(), method)(path_of(upload["url"])).status_code == 403


def test_a_put_token_reads_nothing(upload: Any) -> None:
    assert put(upload, CONTENT).status_code == 200
    token = upload["url"].rsplit("/", 1)[1]
    assert Client().get(f"/uploads/get/{token}").status_code == 403


@pytest.mark.parametrize("key", ["../../etc/passwd", "files/../x", "files/%2e%2e/x", "files/none/original.png", "A/b"])
def test_media_serves_keys_of_ours_only(key: str) -> None:
    assert Client().get(f"/media/{key}").status_code == 404


def test_media_keeps_what_it_knows_of_an_object_to_itself(tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    source.write_bytes(b"picture")
    get_storage().put(Bucket.PUBLIC, "files/x/original.png", source, content_type="image/png")

    shown = Client().get("/media/files/x/original.png")
    shown.close()
    assert shown.status_code == 200
    assert Client().get("/media/files/x/original.png.meta").status_code == 404


def test_media_is_read_only() -> None:
    assert Client().post("/media/files/x/original.png").status_code == 405


def test_quarantined_objects_have_no_address(upload: Any) -> None:
    assert put(upload, CONTENT).status_code == 200
    assert Client().get(f"/media/{File.objects.get().quarantine_key}").status_code == 404


def test_other_stores_have_no_such_views(settings: Any, upload: Any) -> None:
    settings.STORAGE = "none"
    assert put(upload, CONTENT).status_code == 404
    assert Client().get("/media/files/x/original.png").status_code == 404


def test_front_ends_of_the_list_may_put_from_a_browser(upload: Any, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://front.example"]
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "if-none-match"}
    answer = Client().options(path_of(upload["url"]), headers={"Origin": "https://front.example", **asked})
    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == "https://front.example"
    assert answer["Access-Control-Allow-Methods"] == "PUT"
    assert answer["Access-Control-Allow-Headers"] == "content-type, x-amz-checksum-sha256, if-none-match"
    assert "Access-Control-Allow-Credentials" not in answer
    stored = put(upload, CONTENT, Origin="https://front.example")
    assert (stored.status_code, stored["Access-Control-Expose-Headers"]) == (200, "ETag")
    stranger = Client().options(path_of(upload["url"]), headers={"Origin": "https://other.example", **asked})
    assert stranger.status_code == 403
    assert "Access-Control-Allow-Origin" not in stranger
    for wish in ({"Access-Control-Request-Method": "DELETE"}, {"Access-Control-Request-Headers": "x-amz-meta-owner"}):
        denied = Client().options(path_of(upload["url"]), headers={"Origin": "https://front.example", **asked, **wish})
        assert denied.status_code == 403
        assert "Access-Control-Allow-Methods" not in denied


def test_a_disk_that_cannot_be_written_is_a_store_that_is_away(upload: Any, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "file"
    settings.MEDIA_ROOT.write_bytes(b"")
    assert put(upload, CONTENT).status_code == 503
    assert Client().get("/media/files/x/original.png").status_code == 503
