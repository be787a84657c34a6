"""Logs and Sentry: the request id is there, secrets are not."""

import gzip
import io
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sentry_sdk
import structlog

from common import context, masking
from config import logs, sentry

ADDRESS = "10.0.0.1"
PERSON = "ana@example.com"
CANARY = "hunter2" + chr(45) + "canary"  # put together here: the source line itself may be sent
SECRETS = [
    "sk_test_51abcdefghijkl",
    "whsec_abcdefghijklmnop",
    "rt_abcdefghijklmnopqrstuvwxyz",
    "bk_abcdefghijklmnopqrstuvwxyz",
    "pi_3abc_secret_topsecret",
    "/auth/invite/iv_tokenvalue",
    "/b/bk_tokenvalue1",
    "https://s3.example/x?X-Amz-Signature=deadbeef&a=1",
    "Authorization: Bearer eyJhbGciOi.J9.abc",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_masked_in_any_text(text):
    masked = masking.mask(f"before {text} after")
    assert masked.startswith("before ")
    assert masked.endswith("after")
    assert masking.MASK in masked
    for part in ("51abcdefghijkl", "topsecret", "tokenvalue", "deadbeef", "eyJhbGciOi", "klmnopqrst"):
        assert part not in masked


def test_a_log_line_is_json_with_the_request_id():
    handler = logging.StreamHandler(stream := io.StringIO())
    formatter = logs.configure(json_lines=True, level="INFO")["formatters"]["lines"]
    handler.setFormatter(formatter.pop("()")(**formatter))
    logging.getLogger("test.json.lines").addHandler(handler)
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logging.getLogger("test.json.lines").error("failed for rt_abcdefghijklmnop", extra={"kind": "mail.deliver"})
        structlog.get_logger("test.json.lines").error("failed for rt_abcdefghijklmnop", kind="mail.deliver")
    for line in map(json.loads, stream.getvalue().splitlines()):
        assert line["request_id"] == "r-1"
        assert line["event"] == f"failed for rt_{masking.MASK}"
        assert (line["kind"], line["level"], line["logger"]) == ("mail.deliver", "error", "test.json.lines")
        assert line["timestamp"].endswith("Z")
    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize("path", ["/uploads/get/topsecret:1:deadbeef", "/b/topsecret", "/blog/a?preview=topsecret"])
@pytest.mark.parametrize("json_lines", [True, False])
def test_a_request_hides_its_address_in_the_log(path, json_lines, rf):
    """Django adds the request itself to what it says of a refusal or a fault."""
    handler = logging.StreamHandler(stream := io.StringIO())
    formatter = logs.configure(json_lines=json_lines, level="INFO")["formatters"]["lines"]
    handler.setFormatter(formatter.pop("()")(**formatter))
    logger = logging.getLogger("test.requests")
    logger.addHandler(handler)
    logger.warning("Forbidden", extra={"request": rf.post(path), "seen": [rf.get(path)]})
    logger.removeHandler(handler)
    assert "<WSGIRequest: POST" in stream.getvalue()
    assert masking.MASK in stream.getvalue()
    assert "topsecret" not in stream.getvalue()


def test_a_foreign_host_leaves_no_traceback_in_the_log(client, capfd):
    assert client.get("/api/blogs", HTTP_HOST="evil.example").status_code == 400
    assert capfd.readouterr().err == ""


class Sink(BaseHTTPRequestHandler):
    """Takes what the Sentry SDK sends."""

    bodies: list[bytes] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        """Stay silent."""


@pytest.fixture
def sink():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    Sink.bodies.clear()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    server.shutdown()
    server.server_close()


def test_an_error_reaches_sentry_with_its_request_id_and_without_secrets(sink):
    sentry.start(f"http://public@127.0.0.1:{sink}/1", release="1.0.0", environment="test")
    with context.use(context.RequestContext("r-42", ADDRESS, "agent", "job-7")):
        try:
            password = CANARY  # a local variable: never sent
            raise ValueError(f"refused rt_canarycanarycanary for {len(password)}")
        except ValueError as fault:
            sentry_sdk.set_user({"email": PERSON})
            sentry_sdk.set_extra("email", PERSON)
            sentry_sdk.capture_exception(fault)
    sentry_sdk.flush(5)
    sent = b"".join(Sink.bodies).decode()
    assert '"request_id":"r-42"' in sent
    assert '"job_id":"job-7"' in sent
    assert "ValueError" in sent
    for canary in (CANARY, "rt_canarycanary", PERSON, ADDRESS):
        assert canary not in sent
