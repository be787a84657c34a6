"""Copies of the log: for people's spreadsheets, and for the proof outside."""

import csv
import hashlib
import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit import exports, signatures
from audit.models import AuditEvent
from audit.tests.factories import rows, sealed
from audit.verification import Scope, run
from uploads.constants import Bucket
from uploads.storage import get_storage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+254711000000", "'+254711000000"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("plain", "plain"),
        ("a=b", "a=b"),
        (None, ""),
        (-5, "-5"),
        ({"a": "=1"}, '{"a": "=1"}'),
        (["x"], '["x"]'),
    ],
)
def test_no_cell_is_a_formula(value, cell):
    assert exports.safe_cell(value) == cell


def test_csv_is_read_back_as_it_was():
    made = rows(1, label='=HYPERLINK("http://evil.example","x")\nnext "line"')
    text = "".join(exports.csv_lines(made))
    head, line = csv.reader(io.StringIO(text, newline=""))
    found = dict(zip(head, line, strict=True))
    assert tuple(head) == exports.COLUMNS
    assert found["target_label"] == '\'=HYPERLINK("http://evil.example","x")\nnext "line"'
    assert (found["id"], found["row_hash"]) == (str(made[0].pk), bytes(made[0].row_hash).hex())
    assert json.loads(found["after"]) == {"n": 0}
    assert text.endswith("\r\n")


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def check_alone(found):
    """What an outsider can do with nothing but the file: check keys, seals and which hashes each seal covers."""
    hashes = {one["id"]: bytes.fromhex(one["row_hash"]) for one in found if one["type"] == "row"}
    public = {one["key_id"]: bytes.fromhex(one["public_key"]) for one in found if one["type"] == "key"}
    before = "00" * 32
    for seal in (one for one in found if one["type"] == "seal"):
        statement = json.loads(seal["statement"])
        raw = seal["statement"].encode()
        assert signatures.is_valid(public[statement["key_id"]], bytes.fromhex(seal["signature"]), raw)
        assert statement["prev_seal_hash"] == before
        before = seal["seal_hash"]
        assert before == hashlib.sha256(raw).hexdigest()
        ids = [one for first, last in statement["ranges"] for one in range(first, last + 1)]
        assert hashlib.sha256(b"".join(hashes[one] for one in ids)).hexdigest() == statement["digest"]


def test_the_copy_holds_rows_seals_and_keys_and_proves_itself(tmp_path, capsys):
    sealed(3)
    sealed(2)
    path = tmp_path / "audit.jsonl"
    call_command("audit_export", "--file", str(path))
    found = lines(path.read_text())
    kinds = [one["type"] for one in found]
    assert (kinds.count("row"), kinds.count("seal"), kinds.count("key")) == (AuditEvent.objects.count(), 2, 1)
    assert capsys.readouterr().out == f"{len(found)} lines: {path}\n"
    check_alone(found)
    event = AuditEvent.objects.get(action="audit.exported")
    assert (event.actor_kind, event.meta["form"]) == ("operator", "jsonl")
    assert run(Scope(copy=path)).is_clean
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("audit_export", "--file", str(path))


def test_into_the_private_store(capsys):
    sealed(2)
    call_command("audit_export")
    (stored,) = get_storage().list(Bucket.PRIVATE, "exports/audit-", limit=10)
    assert f"{stored.key} in the private store" in capsys.readouterr().out
    assert stored.content_type == "application/x-ndjson"
    text = get_storage().read_range(Bucket.PRIVATE, stored.key, length=stored.size, etag=stored.etag).decode()
    check_alone(lines(text))
    assert AuditEvent.objects.get(action="file.export_stored").meta == {"key": stored.key}
    get_storage().delete(Bucket.PRIVATE, stored.key)


def test_without_a_store_the_way_out_is_named(settings):
    settings.STORAGE = "none"
    with pytest.raises(CommandError, match="Name a file with --file"):
        call_command("audit_export")
    assert not AuditEvent.objects.filter(action="file.export_stored").exists()


def test_days_narrow_the_rows_and_keep_all_seals(tmp_path):
    sealed(2)
    path = tmp_path / "audit.jsonl"
    call_command("audit_export", "--to", "2001-01-01", "--file", str(path))
    assert {one["type"] for one in lines(path.read_text())} == {"seal", "key"}
    with pytest.raises(CommandError, match="neither a day nor an instant"):
        call_command("audit_export", "--from", "soon", "--file", str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_rows_come_in_parts_each_once(monkeypatch, tmp_path):
    monkeypatch.setattr("audit.actions.exporting.EXPORT_ROWS_AT_ONCE", 3)
    made = rows(7)
    path = tmp_path / "audit.jsonl"
    call_command("audit_export", "--file", str(path))
    found = [one["id"] for one in lines(path.read_text()) if one["type"] == "row"]
    assert found[:7] == [row.pk for row in made]
    assert len(set(found)) == len(found) == 8
