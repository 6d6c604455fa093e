#!/usr/bin/python3
"""
test_fence.py VMSCOPE SIM SAMPLE PROBE: tokens keep others out, and what the server and the analysis can do to the machine once they
run is what they are meant to. As TAP.
"""
import atexit
import ctypes
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import service
from tap import Skip

PROGRAM, SIM, SAMPLE, PROBE = sys.argv[1:5]
SCRATCH = tempfile.TemporaryDirectory()
TOP = pathlib.Path(SCRATCH.name).resolve()


class Told:
    """A server, with the address that it printed."""

    def __init__(self, *args, **popen):
        self.process = subprocess.Popen([PROGRAM, "serve", "--port", "0", *map(str, args)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **popen)
        atexit.register(self.process.kill)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"vmscope serves at http://([^/]+):(\d+)/(?:([\w-]+)/)?\n", line)
        assert match, (line, self.process.stderr.read() if self.process.poll() is not None else "")
        self.host, self.port, self.token = match[1], int(match[2]), match[3]

    def get(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        return self.process.stderr.read()


def has_landlock():
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(444, None, ctypes.c_size_t(0), 1) > 0


# ---- tokens ----------------------------------------------------------------------------------------------------------

def test_without_the_token_nothing_is_served():
    server = Told("--token")
    assert len(server.token) == 32
    for path in ("/", "/tsp/api/health", "/api/experiments", "/index.html", f"/{server.token[:-1]}/api/experiments",
                 f"/{'0' * 32}/", f"/x/{server.token}/api/experiments"):
        status, _, body = server.get(path)
        assert status == 403 and server.token.encode() not in body, (path, status)
    server.stop()


def test_with_it_all_is_as_without():
    server, plain = Told("--token=a-token_of-ours"), Told()
    assert server.token == "a-token_of-ours" and plain.token is None
    for path in ("/", "/tsp/api/health", "/tsp/api/experiments", "/api/experiments", "/nowhere"):
        with_token, without = server.get(f"/{server.token}{path}"), plain.get(path)
        assert with_token[0] == without[0] and re.sub(rb"\d+", b"", with_token[2]) == re.sub(rb"\d+", b"", without[2]), path
    # Where the page's own files are relative, its address must end in a slash.
    assert f"url={server.token}/".encode() in server.get(f"/{server.token}")[2]
    page = server.get(f"/{server.token}/")[2].decode()
    assert not re.search(r'(?:src|href)="/', page) and "token" not in page
    server.stop()
    plain.stop()


def test_two_starts_have_two_tokens():
    a, b = Told("--token"), Told("--token")
    assert a.token != b.token
    a.stop()
    b.stop()


def test_where_others_reach_it_there_is_one_unless_refused():
    for args, wanted in ((["--listen", "0.0.0.0"], True), (["--listen", "0.0.0.0", "--no-token"], False), ([], False),
                         (["--listen", "127.0.0.2"], False)):
        server = Told(*args)
        assert bool(server.token) == wanted, args
        said = server.stop()
        assert ("anyone who reaches" in said) == ("--no-token" in args), said


def test_bad_tokens_are_usage_errors():
    for args in (["--token="], ["--token=short"], ["--token=a/b/c/d/e/f"], ["--token", "--no-token"]):
        done = subprocess.run([PROGRAM, "serve", *args], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2 and "token" in done.stderr, (args, done)


def test_other_sites_may_not_embed_it():
    server = Told()
    for path in ("/", "/tsp/api/health", "/api/experiments", "/nowhere"):
        headers = server.get(path)[1]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin" and headers["Referrer-Policy"] == "no-referrer", path
    server.stop()


# ---- fences ----------------------------------------------------------------------------------------------------------

def probe(*args):
    """Return: what a process that is fenced in can still do, a word each."""
    return subprocess.run([PROBE, *map(str, args)], check=True, capture_output=True, text=True, timeout=60).stdout.split()


def fenced():
    if not has_landlock():
        raise Skip("this kernel has no Landlock")


def test_the_kernel_keeps_writes_below_the_directory():
    fenced()
    inside, outside = TOP / "inside", TOP / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "there").write_text("kept")
    done = probe("write", inside, outside)
    assert set(done) == {"fenced", "make-inside", "rename-inside", "remove-inside", "unnamed-inside", "read-outside", "start-self", "null"}, done
    assert [p.name for p in outside.iterdir()] == ["there"] and (outside / "there").read_text() == "kept"


def test_the_kernel_keeps_programs_from_being_started():
    fenced()
    assert probe("start", TOP, TOP) == ["fenced"]


def test_the_server_analyzes_within_its_fence():
    fenced()
    temporary = TOP / "tmp"
    temporary.mkdir()
    server = Told(SAMPLE, env={**os.environ, "TMPDIR": str(temporary)})
    for _ in range(600):
        listed = json.loads(server.get("/tsp/api/experiments")[2])
        if listed[0]["indexingStatus"] != "RUNNING":
            break
        time.sleep(0.1)
    assert listed[0]["indexingStatus"] == "COMPLETED", listed
    assert re.search(r"NoNewPrivs:\s+1", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())
    assert [p.name for p in temporary.iterdir()], "results lie there while it runs"
    server.stop()
    assert not list(temporary.iterdir())


def test_an_analysis_starts_nothing_and_works():
    fenced()
    done = subprocess.run([PROGRAM, "analyze", "-o", TOP / "run.vms", SAMPLE], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and (TOP / "run.vms").exists(), done.stderr


service.run(globals())
