"""The receiver of docs/publishing-webhooks.md, as it stands there, takes a real delivery under Node."""

import http.client
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from cms.actions import endpoints
from cms.constants import DELIVER
from cms.models import Delivery
from cms.tests import factories
from cms.tests.factories import BY
from common.clock import db_now
from jobs.models import Job
from jobs.testing import run_due

PAGE = Path(settings.BASE_DIR) / "docs" / "publishing-webhooks.md"
ROUTE = re.compile(r"<!-- app/api/revalidate/route\.js -->\n```js\n(.*?)```", re.DOTALL)
SERVER = """
import { createServer } from 'node:http'
import { POST } from './route.mjs'

createServer(async (incoming, outgoing) => {
  const parts = []
  for await (const part of incoming) parts.push(part)
  const body = Buffer.concat(parts)
  const request = new Request('http://localhost/', { method: 'POST', headers: incoming.headers, body })
  const answer = await POST(request)
  outgoing.writeHead(answer.status).end()
}).listen(0, '127.0.0.1', function () { console.log(this.address().port) })
"""
STUB = "export const revalidateTag = (tag) => console.log(tag)\n"
PACKAGE = '{"name": "next", "type": "module", "exports": {"./cache": "./cache.js"}}'

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed here."),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "node_modules" / "next").mkdir(parents=True)
    (tmp_path / "node_modules" / "next" / "package.json").write_text(PACKAGE)
    (tmp_path / "node_modules" / "next" / "cache.js").write_text(STUB)
    (tmp_path / "route.mjs").write_text(ROUTE.search(PAGE.read_text())[1])
    (tmp_path / "server.mjs").write_text(SERVER)
    return tmp_path


def test_the_route_handler_takes_what_we_send_and_nothing_else(folder):
    endpoint = endpoints.create(values={"label": "Next", "url": "http://127.0.0.1:1/", "active": True}, by=BY)
    process = subprocess.Popen(
        ["node", "server.mjs"],
        cwd=folder,
        env={"CONTENT_WEBHOOK_SECRET": endpoint.secret, "PATH": "/usr/bin:/bin:/usr/local/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            port = int(process.stdout.readline())
            endpoints.update(endpoint=endpoint.endpoint, values={"url": f"http://127.0.0.1:{port}/"}, by=BY)
            factories.live(slug="hello")
            Job.objects.filter(kind=DELIVER).update(run_at=db_now())
            run_due()

            delivery = Delivery.objects.get()
            assert (delivery.state, delivery.status) == ("delivered", 204)
            assert [process.stdout.readline().strip() for _ in range(2)] == ["posts", "posts:hello"]

            now = int(db_now().timestamp())
            for headers in ({}, signed("v1,AAAA", now), signed("", now), signed("v2," + "A" * 44, now)):
                assert post(port, headers) == 401
        finally:
            process.terminate()


def signed(signature, now):
    return {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": signature}


def post(port, headers):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    link.request("POST", "/", '{"data": {"tags": ["posts"]}}', headers)
    status = link.getresponse().status
    link.close()
    return status
