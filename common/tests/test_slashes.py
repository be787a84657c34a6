"""Addresses with a slash at the end lead on to those without, and nowhere else."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/services/", "", "/services"),
        ("/services/", "page=2&q=%C3%A9", "/services?page=2&q=%C3%A9"),
        ("//evil.example/", "", "/evil.example"),
        ("/\\evil.example/", "", "/%5Cevil.example"),
        ("/\t/evil.example/", "", "/%09/evil.example"),
        ("/x\r\nSet-Cookie: a=b/", "", "/x%0D%0ASet-Cookie:%20a%3Db"),
        ("/a?b#c/", "", "/a%3Fb%23c"),
        ("/\x00/", "", "/%00"),
        ("/services/", "a=\r\nSet-Cookie: a=b", "/services?a=%0D%0ASet-Cookie:%20a=b"),
    ],
)
def test_the_bare_address_is_on_this_host_and_written_as_an_address(
    client: Client, path: str, query: str, location: str
) -> None:
    # A browser reads `/\host` and `/<tab>/host` as another host; a line end would start a header of its own.
    response = client.get("/", PATH_INFO=path, QUERY_STRING=query)

    assert response.status_code == 308
    assert response["Location"] == location
