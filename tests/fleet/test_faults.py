#!/usr/bin/python3
"""test_faults.py VMSCOPE SIM MAKE_FILES SAMPLES: a server that is full, slow, gone or answers nonsense: one clear line is
said, and repeated later the load gives the same tables; as TAP."""
import socket
import sys
import threading
import time

import clickhouse
import fleet
from clickhouse import Proxy, Server
from fleet import CROWD, HERE, fingerprint, load, vmscope
from tap import Skip

POINTS = (1, 4, 7, 9, 14) if "--long" in sys.argv else (4, 9)  # requests that the fault begins with
FULL = b"Code: 243, e.displayText() = DB::Exception: Cannot reserve 1.00 MiB, not enough space, e.what() = DB::Exception\n"
MERGES = b"Code: 252, e.displayText() = DB::Exception: Too many parts (300). Merges are processing significantly slower\n"


class Shared:
    server, wanted = None, None

    @classmethod
    def get(cls):
        """Return: a server, and what its tables are to be in the end."""
        if clickhouse.missing():
            raise Skip(clickhouse.missing())
        if not cls.server:
            cls.server = Server(f"{HERE}/server")
            vmscope("fleet", "init", cls.server.url)
            load(cls.server, CROWD)
            cls.wanted = fingerprint(cls.server)
        return cls.server, cls.wanted


def faulty(act, words, options=()):
    """Load with a fault from a certain request on, then without: what is said has the words."""
    server, wanted = Shared.get()
    for at in POINTS:
        server.ask("DROP DATABASE IF EXISTS faulty", "default")
        vmscope("fleet", "init", f"{server.url}?database=faulty")
        with Proxy(server, lambda n, body, go, at=at: act(go, body) if n >= at else go(body)) as proxy:
            said = load(f"{proxy.url}?database=faulty", CROWD, options=["--insert-rows", "2000", *options], status=1)
            assert any(w in said for w in words) and said.count("\n") == 1, said
        load(f"{server.url}?database=faulty", CROWD)
        assert fingerprint(server, "faulty") == wanted, at


def test_full():
    faulty(lambda go, body: (500, FULL), ["not enough space"])


def test_full_and_says_so_with_success():
    faulty(lambda go, body: (200, FULL), ["not enough space"])


def test_gone():
    faulty(lambda go, body: None, ["the same command later goes on"])


def test_carried_out_and_then_gone():
    faulty(lambda go, body: go(body) and None, ["the same command later goes on"])


def test_slow():
    faulty(lambda go, body: time.sleep(30), ["does not answer in time"], ["--timeout", "1"])


def test_nonsense():
    faulty(lambda go, body: (200, b"<html>\n\x1b[2Jhello</html>"), ["answers what ClickHouse does not", "does not have them"])


def test_swallows_everything():
    """Success without a word, and nothing was done."""
    faulty(lambda go, body: (200, b""), ["does not have them", "answers what ClickHouse does not", "fleet init"])


def test_endless():
    faulty(lambda go, body: (200, b"x" * (17 << 20)), ["answers more than was asked for"])


def test_another_program():
    faulty(lambda go, body: (404, b"Not Found"), ["HTTP status 404"])


def test_merges_slower_than_inserts():
    """Such a statement is repeated, without an error."""
    server, wanted = Shared.get()
    refused = []

    def act(number, body, go):
        if number % 2 and len(body) > 500 and not body.startswith(b"SELECT"):
            refused.append(number)
            return 500, MERGES
        return go(body)

    server.ask("DROP DATABASE IF EXISTS faulty", "default")
    vmscope("fleet", "init", f"{server.url}?database=faulty")
    with Proxy(server, act) as proxy:
        load(f"{proxy.url}?database=faulty", CROWD)
    assert refused and fingerprint(server, "faulty") == wanted


def test_nobody_listens():
    port = clickhouse.free_ports(1)[0]
    said = load(f"http://127.0.0.1:{port}/", CROWD, status=1)
    assert "cannot reach" in said and "connect" in said, said
    assert "cannot reach" in load("http://nobody.invalid:8123/", CROWD, status=1)


def test_not_http():
    listener = socket.create_server(("127.0.0.1", 0))

    def greet():
        connection, _ = listener.accept()
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        connection.close()

    thread = threading.Thread(target=greet)
    thread.start()
    assert "cannot reach" in load(f"http://127.0.0.1:{listener.getsockname()[1]}/", CROWD, status=1)
    thread.join()
    listener.close()


if __name__ == "__main__":
    try:
        fleet.main(globals())
    finally:
        if Shared.server:
            Shared.server.stop()
