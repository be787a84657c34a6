"""How long an endpoint can keep a worker: never beyond the seconds allowed, whatever it sends."""

import contextlib
import socket
import threading

import pytest

from cms.webhook import call


@pytest.mark.parametrize("drop", [b"a", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_an_answer_that_comes_in_drops_ends_too(monkeypatch, drop):
    monkeypatch.setattr(call, "ANSWER_SECONDS", 0.3)
    ended = threading.Event()

    def drip(server):
        peer = server.accept()[0]
        with peer, contextlib.suppress(OSError):
            peer.sendall(drop if drop.endswith(b"\r\n\r\n") else b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not ended.wait(0.05):
                peer.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as slow:
        dripping = threading.Thread(target=drip, args=(slow,), daemon=True)
        dripping.start()
        threading.Timer(5, ended.set).start()  # without a limit it would end with the peer, in other words
        answer = call.post(f"http://127.0.0.1:{slow.getsockname()[1]}/", b"{}", {})
        ended.set()
        dripping.join()
    assert answer == call.Answer(None, "The endpoint did not answer in time.")


def test_of_a_name_with_many_addresses_only_the_first_few_are_tried(monkeypatch):
    tried = []

    def refuse(where, timeout):
        tried.append(where[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(call, "resolve", lambda address: [f"203.0.113.{number}" for number in range(1, 200)])
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert call.post("http://many.example/", b"{}", {}).status is None
    assert tried == ["203.0.113.1", "203.0.113.2", "203.0.113.3"]
