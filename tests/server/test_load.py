#!/usr/bin/python3
"""
test_load.py VMSCOPE SIM SAMPLE [SECONDS]: 200 clients at once, a quarter of them slow or broken. The others must get
all that they ask for, and the server's memory must stay bounded. As TAP; the figures are comments in it.
SECONDS is 5; 60 is what docs/benchmarks.md has.
"""
import asyncio
import json
import pathlib
import random
import socket
import struct
import sys
import time

import service
from service import row

SECONDS = float(sys.argv[4]) if len(sys.argv) > 4 else 5
CLIENTS, BAD = 200, 50
MEMORY_KB = 400 << 10
DATA = service.Data(*sys.argv[1:4])
SANITIZED = any(name in pathlib.Path(sys.argv[1]).read_bytes() for name in (b"__asan_init", b"__tsan_init"))


def post(path, body):
    body = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Views:
    """Requests as viewers and the page send them, each with what its reply must begin with."""

    def __init__(self, server):
        exp = server.experiments()[0]
        self.id, self.start, self.length = exp["id"], int(exp["start"]), exp["duration"]
        self.outputs = f"/tsp/api/experiments/{self.id}/outputs"
        self.lost, self.threads = (self.rows(server, path) for path in ("XY/vmscope.steal", "timeGraph/vmscope.threads"))

    def rows(self, server, path):
        tree = server.tsp(f"/experiments/{self.id}/outputs/{path}/tree", requested_timerange={
            "start": self.start, "end": self.start + self.length, "nbTimes": 2})
        return [entry["id"] for entry in tree.json["model"]["entries"]]

    def all_threads(self):
        """What is asked for by who wants the largest reply there is."""
        return {"requested_timerange": {"start": self.start, "end": self.start + self.length, "nbTimes": 65536},
                "requested_items": self.threads}

    def any(self, rng):
        begin = rng.randrange(self.length)
        end = begin + 1 + rng.randrange(self.length - begin)
        output, item = rng.choice((("vcpus", row("vcpu", 0)), ("cpus", row("cpu", rng.randrange(2)))))
        range_ = {"start": self.start + begin, "end": self.start + end, "nbTimes": 1000}
        kind = rng.randrange(5)
        if kind == 0:
            return post(f"/api/experiments/{self.id}/lanes", {"output": output, "start": begin, "end": end, "pixels": 1000,
                        "items": [item]}), struct.pack("<II", 0x314c4d56, 1)
        if kind == 1:
            return post(f"{self.outputs}/timeGraph/vmscope.{output}/states",
                        {"parameters": {"requested_timerange": range_, "requested_items": [item]}}), \
                f'{{"model":{{"rows":[{{"entryId":{item},"states":['.encode()
        if kind == 2:
            return post(f"{self.outputs}/XY/vmscope.steal/xy",
                        {"parameters": {"requested_timerange": range_, "requested_items": self.lost}}), \
                b'{"model":{"title":"Steal time"'
        if kind == 3:
            return post(f"/api/experiments/{self.id}/statistics", {"table": output, "start": begin, "end": end}), b'{"columns":'
        return f"GET /tsp/api/experiments/{self.id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), \
            f'{{"UUID":"{self.id}"'.encode()


class Figures:
    def __init__(self):
        self.times, self.errors, self.broken, self.memory = [], [], 0, 0


async def read_reply(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


async def good_client(port, views, rng, end, figures):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
    while time.monotonic() < end:
        request, begins = views.any(rng)
        begin = time.monotonic()
        writer.write(request)
        try:
            status, data = await asyncio.wait_for(read_reply(reader), 30)
        except Exception as e:
            figures.errors.append(repr(e))
            break
        figures.times.append(time.monotonic() - begin)
        if status != 200 or not data.startswith(begins):
            figures.errors.append((status, data[:100], begins))
        await asyncio.sleep(rng.random() * 0.1)
    writer.close()


async def slow_sender(port, views, rng, end):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = views.any(rng)[0]
    for i in range(len(request) - 1):
        if time.monotonic() > end or writer.is_closing() or reader.at_eof():
            break
        writer.write(request[i:i + 1])
        await asyncio.sleep(0.05)
    writer.close()


async def slow_reader(port, views, rng, end):
    """Asks for a lot and takes next to nothing."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(s, ("127.0.0.1", port))
    await loop.sock_sendall(s, post(f"{views.outputs}/timeGraph/vmscope.threads/states", {"parameters": views.all_threads()}))
    while time.monotonic() < end and await loop.sock_recv(s, 100):
        await asyncio.sleep(0.2)
    s.close()


async def half_open(port, views, rng, end):
    """Says a part and nothing more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = views.any(rng)[0]
    writer.write(request[:rng.randrange(1, len(request) - 1)])
    await asyncio.sleep(min(10, max(0, end - time.monotonic())))
    writer.transport.abort()


async def gone(port, views, rng, end):
    """Does not wait for the reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(views.any(rng)[0])
    await asyncio.sleep(rng.random() * 0.02)
    writer.transport.abort()


async def babbler(port, views, rng, end):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(rng.randbytes(rng.randrange(1, 5000)))
    await asyncio.sleep(0.05)
    writer.close()


async def bad_client(port, views, rng, end, figures):
    kinds = (slow_sender, slow_reader, half_open, gone, babbler)
    kind = kinds[rng.randrange(len(kinds))]
    while time.monotonic() < end:
        try:
            await kind(port, views, rng, end)
        except OSError:
            pass    # it was cut off
        figures.broken += 1
        await asyncio.sleep(0.02)


async def watch(server, end, figures):
    while time.monotonic() < end:
        figures.memory = max(figures.memory, server.memory_kb())
        await asyncio.sleep(0.1)


async def attack(server, views):
    figures, end = Figures(), time.monotonic() + SECONDS
    clients = [bad_client if i < BAD else good_client for i in range(CLIENTS)]
    await asyncio.gather(watch(server, end, figures),
                         *(client(server.port, views, random.Random(i), end, figures) for i, client in enumerate(clients)))
    return figures


def test_200_clients():
    with service.serving(sys.argv[1], DATA.sample) as server:
        views = Views(server)
        figures = asyncio.run(attack(server, views))
        times = sorted(figures.times)
        print(f"# {CLIENTS} clients for {SECONDS:g} s, {BAD} of them slow or broken ({figures.broken} connections): "
              f"{len(times) / SECONDS:.0f} requests/s, median {times[len(times) // 2] * 1e3:.1f} ms, "
              f"99 % {times[len(times) * 99 // 100] * 1e3:.1f} ms, longest {times[-1] * 1e3:.0f} ms, "
              f"{len(figures.errors)} errors, memory at most {figures.memory / 1024:.0f} MB")
        assert not figures.errors, figures.errors[:3]
        assert len(times) > CLIENTS - BAD
        assert figures.memory < MEMORY_KB or SANITIZED, figures.memory
        assert server.get("/tsp/api/health").json == {"status": "UP"}


def test_replies_that_nobody_takes():
    """They are large together; the oldest are given up rather than that others get nothing."""
    with service.serving(sys.argv[1], DATA.sample) as server:
        views = Views(server)
        all_ = views.all_threads()
        request = post(f"{views.outputs}/timeGraph/vmscope.threads/states", {"parameters": all_})
        size = len(server.request("POST", f"{views.outputs}/timeGraph/vmscope.threads/states",
                                  {"parameters": all_}).data)
        idle, most = [], 0
        try:
            for i in range((600 << 20) // size):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.connect(("127.0.0.1", server.port))
                s.sendall(request)
                idle.append(s)
                if i % 10 == 0:
                    assert server.get(f"/api/experiments/{views.id}/rows").status == 200
                    most = max(most, server.memory_kb())
        finally:
            for s in idle:
                s.close()
        print(f"# {len(idle)} replies of {size / 1e6:.1f} MB that nobody took: memory at most {most / 1024:.0f} MB")
        assert most < MEMORY_KB or SANITIZED, most


def test_more_connections_than_there_may_be():
    """Whoever comes too late is turned away, and those who were there go on."""
    with service.serving(sys.argv[1], DATA.sample) as server:
        first = socket.create_connection(("127.0.0.1", server.port))
        idle = []
        try:
            for _ in range(900):
                idle.append(socket.create_connection(("127.0.0.1", server.port), 5))
            first.sendall(b"GET /tsp/api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b'{"status":"UP"}' in first.recv(10000)
        finally:
            for s in [first, *idle]:
                s.close()
        for _ in range(50):
            try:
                assert server.get("/tsp/api/health").json == {"status": "UP"}
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError("no connection was given back")


service.run(globals())
