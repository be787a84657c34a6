"""A webhook receiver for tests: keeps what it gets and answers what it is told."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import stripe


class Sink:
    """Answers with the statuses of ``answers``, one after the other, then 200."""

    def __init__(self, answers: list[int] | None = None) -> None:
        self.answers = answers or []
        self.received: list[tuple[bytes, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def _handler(self):
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the sender was killed in the middle of it
                    return
                sink.received.append((body, self.headers["Stripe-Signature"]))
                self.send_response(sink.answers.pop(0) if sink.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    def events(self, secret: str) -> list[stripe.Event]:
        """What came, verified by the official library."""
        return [stripe.Webhook.construct_event(body, mark, secret) for body, mark in self.received]

    def types(self, secret: str) -> list[str]:
        """The types of what came, in order."""
        return [event.type for event in self.events(secret)]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
