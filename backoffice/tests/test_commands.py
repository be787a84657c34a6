"""The commands for the person at the shell that concern several apps."""

import io

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection

from accounts.constants import ROLES

pytestmark = pytest.mark.django_db(transaction=True)


def said(command: str) -> str:
    out = io.StringIO()
    call_command(command, stdout=out)
    return out.getvalue()


def test_release_may_be_repeated():
    first, second = said("release"), said("release")
    assert first == second
    assert [line for line in first.splitlines() if not line.startswith("  ")][-1] == "Released."
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)
    caches["limits"].set("key", 1)
    assert caches["limits"].get("key") == 1


def test_release_makes_the_table_of_limits_for_the_day_on_which_redis_is_taken_away(settings):
    table = settings.LIMITS_TABLE["LOCATION"]
    memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    settings.CACHES = settings.CACHES | {"limits": memory}
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}")
    said("release")
    assert table in connection.introspection.table_names()


def test_doctor_names_each_dependency_and_what_is_missing():
    text = said("doctor")
    assert text.splitlines()[0] == "test at http://testserver, payments twin"
    for name in ("signing", "jobs", "storage", "scanner", "mail", "payments", "limits"):
        assert f"  {name}" in text
    assert "REDIS_URL is not set" in text


def test_doctor_exits_1_when_something_is_down(monkeypatch):
    def away(*args, **kwargs):
        raise ConnectionError("away")

    monkeypatch.setattr(caches["limits"], "get", away)
    with pytest.raises(SystemExit) as end:
        said("doctor")
    assert end.value.code == 1
