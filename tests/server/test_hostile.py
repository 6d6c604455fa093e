#!/usr/bin/python3
"""
test_hostile.py VMSCOPE SIM SAMPLE: requests as an attacker sends them, and damaged files. Nothing outside of the
served directories can be read, nothing crashes, hangs or grows. As TAP.
"""
import atexit
import json
import os
import pathlib
import random
import re
import shutil
import socket
import struct
import sys
import threading
import time

try:
    import schema
except ImportError:
    print("1..0 # SKIP there is no python3-jsonschema")
    sys.exit(0)
import service
from service import row

SECRET = "what nobody may read"
DATA = service.Data(*sys.argv[1:4])
TOP = DATA.directory
SERVED, PAGE = TOP / "served", TOP / "page"


def prepare():
    """A served directory and the page's files; beside them what must stay secret, and links to it."""
    for directory in (SERVED, PAGE / "assets", TOP / "outside", TOP / "served-too"):
        directory.mkdir(parents=True)
    shutil.copy(DATA.sample, SERVED / "good.vms")
    shutil.copy(DATA.sample, TOP / "outside" / "secret.vms")
    shutil.copy(DATA.sample, TOP / "served-too" / "near.vms")
    shutil.copytree(sys.argv[3], SERVED / "recording")
    shutil.copytree(sys.argv[3], TOP / "outside" / "recording")
    (TOP / "outside" / "secret.txt").write_text(SECRET)
    (SERVED / "text.txt").write_text("no trace")
    (PAGE / "index.html").write_text("<!doctype html>the page")
    (PAGE / "assets" / "app-12345678.js").write_text("1")
    for base in (SERVED, PAGE):
        (base / "link.vms").symlink_to(TOP / "outside" / "secret.vms")
        (base / "link.txt").symlink_to(TOP / "outside" / "secret.txt")
        (base / "up").symlink_to("..")
        (base / "out").symlink_to(TOP / "outside")
        (base / "loop").symlink_to("loop")
        os.mkfifo(base / "fifo.vms")
    (SERVED / "inner.vms").symlink_to("good.vms")
    leaky = SERVED / "leaky"      # a recording one of whose files is somewhere else
    shutil.copytree(sys.argv[3], leaky)
    stream = leaky / "host" / "kernel" / "k_0"
    stream.unlink()
    stream.symlink_to(TOP / "outside" / "recording" / "host" / "kernel" / "k_0")


def send_slowly():
    """Sends a request that never ends. Notes after how many seconds it is cut off."""
    with socket.create_connection(("127.0.0.1", SERVER.port), 60) as s:
        begin = time.monotonic()
        s.settimeout(0.5)
        for byte in b"GET /tsp/api/health HTTP/1.1\r\nHost: localhost\r\nX-" + b"x" * 100:
            try:
                s.sendall(bytes([byte]))
                if s.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        SLOW_FOR.append(time.monotonic() - begin)


prepare()
SERVER = service.Service(sys.argv[1], "--web-root", PAGE, SERVED / "good.vms")
atexit.register(SERVER.process.kill)
EXP = SERVER.experiments()[0]["id"]
OUTPUTS = f"/tsp/api/experiments/{EXP}/outputs"
STATES = f"{OUTPUTS}/timeGraph/vmscope.vcpus/states"
API = f"/api/experiments/{EXP}"
SLOW_FOR = []
SLOW = threading.Thread(target=send_slowly, daemon=True)
SLOW.start()


def raw(data, seconds=20, shut=True):
    """Sends bytes as they are. Return: all that comes back until the server closes, or the time is over."""
    with socket.create_connection(("127.0.0.1", SERVER.port), seconds) as s:
        try:
            s.sendall(data)
            if shut:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass    # it may have refused already
        return receive(s, seconds)


def receive(s, seconds):
    s.settimeout(seconds)
    got, end = b"", time.monotonic() + seconds
    try:
        while time.monotonic() < end and (more := s.recv(65536)):
            got += more
    except OSError:
        pass
    return got


def get_raw(path, host=b"localhost", method=b"GET"):
    reply = raw(method + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    return int(reply.split(b" ")[1]) if reply.startswith(b"HTTP/1.1 ") else 0, reply


def is_well():
    """The server still does what it should."""
    assert SERVER.get("/tsp/api/health").json == {"status": "UP"}
    whole = {"requested_timerange": {"start": 0, "end": 2**61, "nbTimes": 100}, "requested_items": [row("vcpu", 0)]}
    schema.model(SERVER.post(STATES, {"parameters": whole}), "states")


# ---- files --------------------------------------------------------------------------------------------

DOTS = ("..", "%2e%2e", "%2E%2e", ".%2e", "%2e.", "%252e%252e", "..%00", "%2e%2e%00", "..%2f", "..%5c", "..\\",
        "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e", "..;", "....", "...", ". .", "..%20", "..%09", "%2e%2e%2f",
        "%ff%2e%2e", "．．", "․․", "..%c0%af", "..%ef%bc%8f", "%%32%65%%32%65", "%2", "%", "%zz", "%2e%2e?", "..#")


def test_files_of_the_page():
    assert SERVER.get("/").data.endswith(b"the page") and SERVER.get("/index.html").status == 200
    reply = SERVER.get("/assets/app-12345678.js")
    assert reply.data == b"1" and "immutable" in reply.headers["Cache-Control"]
    policy = SERVER.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'") and "unsafe-eval" not in policy


def test_no_way_out_of_the_page():
    targets = ("outside/secret.txt", "outside/secret.vms")
    paths = ["/link.txt", "/link.vms", "/out/secret.txt", "/up/outside/secret.txt", "/loop", "/fifo.vms", "/assets",
             "/assets/", "/out", "/up", "/.", "/./", "/%00", "/index.html%00.txt", "//" + str(TOP / "outside" / "secret.txt"),
             "/" + str(TOP / "outside" / "secret.txt").replace("/", "%2f"), "/proc/self/environ", "/etc/passwd",
             "//etc/passwd", "/assets//../../outside/secret.txt", "/assets/app-12345678.js/", "/assets/app-12345678.js/x"]
    for dots in DOTS:
        for target in targets:
            paths += [f"/{dots}/{target}", f"/{dots}{target}", f"/assets/{dots}/{dots}/{target}", f"/assets/{dots}/{target}"]
    for path in paths:
        status, reply = get_raw(path.encode())
        assert SECRET.encode() not in reply and b"VMS" not in reply.split(b"\r\n\r\n", 1)[-1][:8], path
        fine = path in ("/.", "/./", "/assets/app-12345678.js/")
        assert status in (400, 404) or fine, (path, status, reply[:300])
    is_well()


def test_paths_that_are_no_paths():
    for path in (b"*", b"http://localhost/../x", b"/" + b"a" * 5000, b"/" + b"a/" * 300, b"/\x01\x02", b"/\xff\xfe", b"",
                 b"/a b", b"/" + b"%41" * 3000, b"x", b"/api/experiments/" + b"0" * 2000 + b"/rows", b"/tsp/api/%2e%2e/x"):
        for method in (b"GET", b"POST", b"DELETE", b"PUT", b"HEAD", b"TRACE", b"PATCH", b"get", b"A" * 100):
            status, reply = get_raw(path, method=method)
            assert status == 0 or status >= 400 or method == b"OPTIONS", (path[:40], method, reply[:200])
    is_well()


def opened(path):
    """Return: what the two ways to open a path answer; they must agree."""
    one = SERVER.post("/tsp/api/traces", {"parameters": {"uri": path}})
    two = SERVER.post("/api/open", {"path": path})
    assert (one.status == 200) == (two.status == 200) or one.status == 200, (path, one.status, two.status)
    for reply in (one, two):
        assert SECRET not in reply.data.decode()
        if reply.status != 200:
            schema.check(schema.read(reply), "tsp", "error")
    return one.status


def test_what_may_be_opened():
    for name in ("good.vms", "inner.vms", "recording", "recording/", "./good.vms", "recording/../good.vms",
                 "up/served/good.vms", "recording/host/kernel"):
        assert opened(f"{SERVED}/{name}") == 200, name


def test_nothing_else_can_be_opened():
    """Whatever links and dots say: what a path really is decides. All are refused alike."""
    outside = str(TOP / "outside")
    paths = [f"{SERVED}/{name}" for name in (
        "link.vms", "out/secret.vms", "out/recording", "up/outside/secret.vms", "up", "..", "../outside/secret.vms",
        "../served-too/near.vms", "loop", "leaky", "leaky/host",
        "x" * 5000, "recording/" * 500, "out/none.vms", "../none.vms")]
    paths += [outside, outside + "/secret.vms", outside + "/recording", "/", "//", "/etc/passwd", "/proc/self/root" + outside,
              f"/proc/{SERVER.process.pid}/cwd", "/dev/zero", "/dev/stdin", "good.vms", "", ".", "..", "file://" + outside,
              "\\\\server\\share", "~", "$HOME", f"{SERVED}-too/near.vms", f"{SERVED}/../served-too/near.vms"]
    details = set()
    for path in paths:
        assert opened(path) == 403, path
        details.add(re.sub("^'.*?' ", "", schema.refused(SERVER.post("/api/open", {"path": path}), 403)["detail"], flags=re.S))
    assert len(details) == 1, details     # what is there and what is not cannot be told apart
    # What there is not in a directory that is served may be said not to be there.
    for path in ("nothing.vms", "good.vms/../../outside/secret.vms", "recording/none/at/all", "%2e%2e/outside/secret.vms", "..%2foutside%2fsecret.vms",
                 "..\\outside\\secret.vms", "good.vms\n", ".%2e/outside/secret.vms"):
        schema.refused(SERVER.post("/api/open", {"path": f"{SERVED}/{path}"}), 404)
    for path in ("text.txt", "fifo.vms"):
        assert opened(f"{SERVED}/{path}") == 501, path
    for path in (f"{SERVED}/good.vms\0", "\0", f"{SERVED}\0/good.vms"):
        assert opened(path) in (400, 403), path
    open_ones = {t["path"] for t in SERVER.get("/tsp/api/traces").json}
    assert all(path.startswith(str(SERVED) + "/") for path in open_ones), open_ones


def test_links_that_change():
    """A link that points in and out by turns is never followed outside."""
    flip, inside, outside = SERVED / "flip.vms", SERVED / "good.vms", TOP / "outside" / "secret.vms"
    page = PAGE / "flip.txt"
    done = threading.Event()

    def turn():
        while not done.is_set():
            for target, file in ((inside, PAGE / "index.html"), (outside, TOP / "outside" / "secret.txt")):
                for link, to in ((flip, target), (page, file)):
                    new = link.with_suffix(".new")
                    new.symlink_to(to)
                    new.replace(link)

    thread = threading.Thread(target=turn)
    flip.symlink_to(inside)
    page.symlink_to(PAGE / "index.html")
    thread.start()
    try:
        seen = set()
        for _ in range(400):
            reply = SERVER.post("/tsp/api/traces", {"parameters": {"uri": str(flip)}})
            seen.add(reply.status)
            assert reply.status in (200, 403)
            assert reply.status != 200 or reply.json["path"] == str(inside)
            assert SECRET.encode() not in SERVER.get("/flip.txt").data
    finally:
        done.set()
        thread.join()
    assert 403 in seen
    flip.unlink()


def test_traces_that_change_after_they_were_opened():
    """The path was good; when it is read it leads outside."""
    directory = SERVED / "moved"
    directory.mkdir()
    shutil.copy(DATA.sample, directory / "a.vms")
    trace = SERVER.post("/tsp/api/traces", {"parameters": {"uri": str(directory / "a.vms"), "name": "moved"}}).json
    shutil.rmtree(directory)
    directory.symlink_to(TOP / "outside")
    shutil.move(TOP / "outside" / "secret.vms", TOP / "outside" / "a.vms")
    reply = SERVER.post("/tsp/api/experiments", {"parameters": {"name": "moved", "traces": [trace["UUID"]]}})
    shutil.move(TOP / "outside" / "a.vms", TOP / "outside" / "secret.vms")
    schema.refused(reply, 403, 501)
    SERVER.request("DELETE", f"/tsp/api/traces/{trace['UUID']}")


# ---- requests -----------------------------------------------------------------------------------------

BODIES = [
    b"{", b"[", b"[]", b"1", b"null", b'"x"', b"{}{}", b"{'a':1}", b'{"a":1,}', b'{"a":1,"a":2}', b"\xff\xfe{\x00}\x00",
    b'{"parameters":[]}', b'{"parameters":1}', b'{"parameters":{"a":1,"a":2}}', b"[" * 100000, b'{"a":' * 100000,
    b'{"parameters":{"requested_items":"x"}}', b'{"parameters":{"requested_items":[1.5]}}',
    b'{"parameters":{"requested_items":[null]}}', b'{"parameters":{"requested_items":[[1]]}}',
    b'{"parameters":{"requested_items":[1e400]}}', b'{"parameters":{"requested_items":[NaN]}}',
    b'{"parameters":{"requested_items":[99999999999999999999999]}}', b'{"parameters":{"requested_timerange":1}}',
    b'{"parameters":{"requested_timerange":{}}}', b'{"parameters":{"requested_timerange":{"start":1}}}',
    b'{"parameters":{"requested_timerange":{"start":"1","end":2}}}',
    b'{"parameters":{"requested_timerange":{"start":5,"end":1}}}',
    b'{"parameters":{"requested_timerange":{"start":-9223372036854775808,"end":9223372036854775807}}}',
    b'{"parameters":{"requested_timerange":{"start":-9223372036854775809,"end":1}}}',
    b'{"parameters":{"requested_timerange":{"start":1,"end":9223372036854775808}}}',
    b'{"parameters":{"requested_timerange":{"start":1,"end":2,"nbTimes":"x"}}}',
    b'{"parameters":{"requested_timerange":{"start":1,"end":2,"nbTimes":1.5}}}',
    b'{"parameters":{"requested_times":5}}', b'{"parameters":{"requested_times":[[]]}}',
    b'{"parameters":{"filter_query_parameters":5}}',
    b'{"parameters":{"filter_query_parameters":{"filter_expressions_map":{"1":5}}}}',
    b'{"parameters":{"filter_query_parameters":{"filter_expressions_map":{"1":[5]}}}}',
    b'{"parameters":{"requested_table_index":-1}}', b'{"parameters":{"requested_table_count":-1}}',
    b'{"parameters":{"table_search_expressions":{"x":"y"}}}', b'{"parameters":{"table_search_expressions":{"1":"("}}}',
    b'{"parameters":{"table_search_expressions":{"1":"((a*)*)*{1000}"}}}', b'{"parameters":{"table_search_direction":"UP"}}',
    b'{"parameters":{"requested_items":[' + b"1," * 100001 + b"1]}}",
]


def test_bad_bodies():
    for body in BODIES:
        for path in (STATES, f"{OUTPUTS}/XY/vmscope.steal/xy", f"{OUTPUTS}/table/vmscope.events/lines", "/tsp/api/traces"):
            schema.refused(SERVER.request("POST", path, body), 400)
    is_well()


def test_extremes_are_served():
    """What is odd but right has an answer."""
    most = 2**63 - 1
    ranges = [(0, 0), (most - 1, most - 1), (-(2**60), -(2**60)), (-(2**60), 2**60), (0, 2**61)]
    for start, end in ranges:
        for pixels in (0, 1, 2, 65536, 10**6, -1):
            body = {"requested_timerange": {"start": start, "end": end, "nbTimes": pixels}, "requested_items": [row("vcpu", 0)]}
            for path, name in ((STATES, "states"), (f"{OUTPUTS}/XY/vmscope.steal/xy", "xy"),
                               (f"{OUTPUTS}/timeGraph/vmscope.vcpus/arrows", "arrows"),
                               (f"{OUTPUTS}/vmscope.cpus/annotations", "annotations"),
                               (f"{OUTPUTS}/data/vmscope.stats.exits/tree", "data tree")):
                schema.model(SERVER.post(path, {"parameters": body}), name)


def test_many_items():
    items = [random.Random(1).randrange(2**31) for _ in range(90000)] + [-1, -5, 2**31, 2**62]
    for path, name in ((STATES, "states"), (f"{OUTPUTS}/XY/vmscope.latency/xy", "xy"), (f"{OUTPUTS}/XY/vmscope.exits/xy", "xy")):
        whole = {"requested_timerange": {"start": 0, "end": 2**61, "nbTimes": 100}, "requested_items": items}
        schema.model(SERVER.post(path, {"parameters": whole}), name)
    vcpus = {"items": [row("vcpu", 0)] * 50000, "start": 0, "end": 10**9, "pixels": 65536, "output": "vcpus"}
    reply = SERVER.post(f"{API}/lanes", vcpus)
    assert reply.status == 200 and len(reply.data) < 100e6
    many = {**vcpus, "output": "steal", "items": [row("vcpu", 0)] * 100000}
    assert len(SERVER.post(f"{API}/series", many).data) < 200e6


def test_page_bodies():
    odd = [None, "", "x", -1, 1.5, 2**53, 2**63, -(2**63), True, [], {}, [[]], {"a": 1}, "lanes", "\u0000"]
    keys = ("output", "start", "end", "pixels", "items", "row", "time", "limit", "states", "label", "from", "direction", "min",
            "table", "path")
    rng = random.Random(7)
    good = {"output": "vcpus", "start": 0, "end": 10**9, "pixels": 100, "items": [row("vcpu", 0)], "row": row("vcpu", 0),
            "time": 5, "table": "vcpus", "direction": "next", "from": 0}
    for i in range(1500):
        view = ("lanes", "details", "arrows", "series", "search", "statistics", "rows", "none", "exits")[i % 9]
        body = {**good, **{rng.choice(keys): rng.choice(odd) for _ in range(rng.randrange(3))}}
        reply = SERVER.post(f"{API}/{view}", body)
        assert reply.status in (200, 400, 404, 405), (view, body, reply.status, reply.data[:200])
        if reply.status != 200:
            schema.check(schema.read(reply), "page", "error")
    is_well()


def test_names_that_there_are_not():
    none = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    for path in (f"/tsp/api/traces/{none}", f"/tsp/api/experiments/{none}", f"/tsp/api/experiments/{none}/outputs",
                 "/tsp/api", "/tsp/api/", "/tsp", "/api", "/api/x", f"{OUTPUTS}/none", f"{OUTPUTS}/timeGraph/none/tree",
                 f"/api/experiments/{none}/rows", f"{OUTPUTS}/timeGraph", f"{OUTPUTS}/timeGraph/vmscope.vcpus/states/x",
                 f"{OUTPUTS}/XY/vmscope.vcpus/tree", f"{OUTPUTS}/timeGraph/vmscope.events/states", "/tsp/api/config/types/x",
                 f"/tsp/api/experiments/{none}/bookmarks", f"{API}/none", f"{API}/rows/x"):
        for method in ("GET", "POST", "DELETE", "PUT"):
            schema.refused(SERVER.request(method, path, "{}"), 404, 405)


def test_wrong_methods():
    for path, good in (("/tsp/api/health", "GET"), ("/tsp/api/identifier", "GET"), ("/tsp/api/traces", "GET POST"),
                       ("/tsp/api/experiments", "GET POST"), (f"/tsp/api/experiments/{EXP}", "GET"), (STATES, "POST"),
                       (OUTPUTS, "GET"), (f"{API}/rows", "GET"), (f"{API}/lanes", "POST"), ("/api/open", "POST"),
                       ("/api/experiments", "GET"), ("/", "GET"), (f"/tsp/api/experiments/{EXP}/bookmarks", "GET POST")):
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "CONNECT", "TRACE", "PROPFIND"):
            if method in good or (path.endswith(EXP) and method == "DELETE"):
                continue
            schema.refused(SERVER.request(method, path, "{}" if method in ("POST", "PUT") else None), 405)


def test_foreign_hosts_and_origins():
    """A page elsewhere, also one whose name is made to point here, gets nothing."""
    for host in (b"evil.example", b"evil.example:8080", b"127.0.0.1.evil.example", b"localhost.evil.example", b"", b"[::2]",
                 b"10.0.0.1", b"localhost:x", b"[::1", b"localhost@evil.example", b"a" * 300, b"0.0.0.0", b"localhost\tx"):
        status, reply = get_raw(b"/tsp/api/traces", host)
        assert status in (400, 403), (host, reply[:200])
    for host in (b"localhost", b"LOCALHOST:1", b"127.0.0.1:%d" % SERVER.port, b"[::1]:80"):
        assert get_raw(b"/tsp/api/traces", host)[0] == 200, host
    for origin in ("http://evil.example", "null", "file://", "https://localhost.evil.example", "http://localhost@evil.example",
                   "vscode-webview://", "vscode-webview://a/b", "chrome-extension://abc", "http://127.0.0.1.evil.example:80",
                   "http://[::1]evil", "x", "http://localhost:80/x"):
        for method in ("GET", "OPTIONS", "POST"):
            reply = SERVER.request(method, "/tsp/api/traces", headers={"Origin": origin})
            assert reply.status == 403 and "Access-Control-Allow-Origin" not in reply.headers, (origin, reply.status)
    no_host = raw(b"GET /tsp/api/traces HTTP/1.0\r\n\r\n")
    assert no_host.split(b" ")[1] in (b"400", b"403"), no_host[:100]


# ---- transport ----------------------------------------------------------------------------------------


def post_head(length, more=b""):
    return b"POST " + STATES.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + more + (
        b"Content-Length: " + length + b"\r\n" if length is not None else b"") + b"\r\n"


def test_large_requests():
    before = SERVER.memory_kb()
    for length in (b"1048577", b"99999999999", b"18446744073709551615"):
        reply = raw(post_head(length))
        assert reply.split(b" ")[1] == b"413", (length, reply[:100])
    for length in (b"-1", b"99999999999999999999999", b"x", b"1, 2", b"0x10", b""):
        reply = raw(post_head(length) + b"{}", 3)
        assert reply[:13] not in (b"HTTP/1.1 500 ",), (length, reply[:100])
    reply = raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 10**6 + b"\r\n\r\n")
    assert not reply or reply.split(b" ")[1] in (b"413", b"431", b"400"), reply[:100]
    reply = raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(10**5)) + b"\r\n")
    assert not reply or reply.split(b" ")[1] in (b"413", b"431", b"400"), reply[:100]
    is_well()
    assert SERVER.memory_kb() - before < 50000 or is_sanitized()


def is_sanitized():
    return "libasan" in pathlib.Path(f"/proc/{SERVER.process.pid}/maps").read_text() or \
        b"__asan_init" in pathlib.Path(sys.argv[1]).read_bytes()


def test_chunks_without_end():
    """They are cut off where a body ends."""
    before = SERVER.memory_kb()
    with socket.create_connection(("127.0.0.1", SERVER.port), 20) as s:
        s.sendall(post_head(None, b"Transfer-Encoding: chunked\r\n"))
        chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        sent = 0
        try:
            for _ in range(3000):
                s.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        assert SERVER.memory_kb() - before < 50000 or is_sanitized(), sent
    for bad in (b"zz\r\n", b"-5\r\nabc\r\n", b"ffffffffffffffff\r\nabc", b"5;" + b"x" * 100000 + b"\r\nabcde\r\n"):
        raw(post_head(None, b"Transfer-Encoding: chunked\r\n") + bad, 3)
    is_well()


def test_both_lengths():
    """Two ways to say where a body ends, one request must come of it, or none."""
    reply = raw(post_head(b"4", b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\nGET /tsp/api/health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 3)
    assert b'"UP"' not in reply
    reply = raw(post_head(b"2", b"Content-Length: 40\r\n") + b"{}", 3)
    assert reply.count(b"HTTP/1.1") <= 1


def test_garbage():
    rng = random.Random(3)
    for _ in range(200):
        raw(rng.randbytes(rng.randrange(1, 3000)), 0.2)
    good = b"GET /tsp/api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(300):
        data = bytearray(good * 3)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        raw(bytes(data), 0.2)
    is_well()


def test_pipelined_requests():
    good = b"GET /tsp/api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert raw(good * 50, 2).count(b'{"status":"UP"}') == 50
    reply = raw(good * 3 + b"\x00\xff garbage \r\n\r\n" + good, 2)
    assert reply.count(b'{"status":"UP"}') >= 3
    reply = raw(post_head(b"1048577") + b"x" * 1048577 + good, 5)
    assert b"413" in reply[:20]


def test_half_requests():
    """Clients that go away in the middle leave nothing behind."""
    before = SERVER.memory_kb()
    rng = random.Random(5)
    request = post_head(b"100000") + b"{" + b" " * 99998 + b"}"
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", SERVER.port), 20) as s:
            s.sendall(request[:rng.randrange(len(request))])
            if rng.random() < 0.5:    # a reset rather than an end
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for _ in range(50):    # and those that do not wait for the reply
        with socket.create_connection(("127.0.0.1", SERVER.port), 20) as s:
            s.sendall(f"GET {API}/rows HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 20)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    is_well()
    assert SERVER.memory_kb() - before < 50000 or is_sanitized()


def test_slow_senders_are_cut_off():
    """A byte now and then keeps a connection no longer than the time that there is for a request."""
    SLOW.join()
    assert len(SLOW_FOR) == 1 and 15 <= SLOW_FOR[0] <= 25, SLOW_FOR
    is_well()


# ---- damaged files ------------------------------------------------------------------------------------


def test_damaged_files():
    """A results file with flipped bits is refused, or what is asked for is: nothing crashes."""
    data = DATA.sample.read_bytes()
    rng = random.Random(11)
    statuses = set()
    for i in range(60):
        bad = bytearray(data)
        for _ in range(rng.randrange(1, 40)):
            at = rng.randrange(len(bad)) if i % 3 else rng.choice((rng.randrange(200), len(bad) - 1 - rng.randrange(20000)))
            bad[at] ^= 1 << rng.randrange(8)
        if i % 10 == 9:
            bad = bad[:rng.randrange(len(bad))]
        statuses |= show_all(f"bad{i}.vms", bytes(bad))
    assert {200, 500} <= statuses, statuses
    is_well()


def show_all(name, data):
    """Opens a file and asks for everything in it. Return: all statuses."""
    path = SERVED / name
    path.write_bytes(data)
    reply = SERVER.post("/api/open", {"path": str(path)})
    if reply.status != 200:
        schema.refused(reply, 501)
        path.unlink()
        return {501}
    exp = reply.json["id"]
    outputs = f"/tsp/api/experiments/{exp}/outputs"
    paths = [f"{outputs}/timeGraph/vmscope.{name}/{view}" for name in ("vcpus", "threads", "cpus")
             for view in ("tree", "states", "arrows")]
    paths += [f"{outputs}/XY/vmscope.{name}/{view}" for name in ("exits", "steal", "latency") for view in ("tree", "xy")]
    paths += [f"{outputs}/data/vmscope.stats.{name}/tree" for name in ("vcpus", "threads", "cpus", "exits")]
    paths += [f"{outputs}/table/vmscope.events/lines", f"{outputs}/vmscope.cpus/annotations"]
    statuses = set()
    for path_ in paths:
        reply = SERVER.post(path_, {"parameters": {
            "requested_table_index": 20000, "requested_items": [row(kind, i) for kind in ("vcpu", "thread", "cpu") for i in range(9)],
            "requested_timerange": {"start": 0, "end": 2**61, "nbTimes": 100}}})
        statuses.add(reply.status)
        if reply.status == 200:
            schema.check(schema.read(reply), "tsp", "wrapper")
        else:
            schema.refused(reply, 500, 503)
    SERVER.request("DELETE", f"/tsp/api/experiments/{exp}")
    for trace in SERVER.get("/tsp/api/traces").json:
        if trace["path"] == str(path):
            SERVER.request("DELETE", f"/tsp/api/traces/{trace['UUID']}")
    path.unlink()
    return statuses


def test_file_that_shrinks():
    """A file that is cut while it is served must not end the server."""
    path = SERVED / "shrinks.vms"
    shutil.copy(DATA.sample, path)
    exp = SERVER.post("/api/open", {"path": str(path)}).json["id"]
    os.truncate(path, 4096)
    reply = SERVER.post(f"/api/experiments/{exp}/statistics", {"table": "exits"})
    assert reply.status in (200, 500), reply.status
    SERVER.request("DELETE", f"/tsp/api/experiments/{exp}")
    path.unlink()
    is_well()


def test_server_ends():
    """Last: it lived through all of that, and a sanitizer saw nothing."""
    SERVER.stop()


service.run(globals())
