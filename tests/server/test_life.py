#!/usr/bin/python3
"""
test_life.py VMSCOPE SIM SAMPLE: experiments come and go, are analyzed in the background, and the server ends in the
middle of all. Nothing stays behind. As TAP.
"""
import concurrent.futures
import os
import pathlib
import shutil
import signal
import socket
import sys
import threading
import time

try:
    import schema
except ImportError:
    print("1..0 # SKIP there is no python3-jsonschema")
    sys.exit(0)
import service

VMSCOPE = sys.argv[1]
DATA = service.Data(*sys.argv[1:4])
SANITIZED = any(name in pathlib.Path(VMSCOPE).read_bytes() for name in (b"__asan_init", b"__tsan_init"))
SIZE = "15M" if SANITIZED else "80M"    # takes seconds to analyze
LONG = DATA.simulate("long", "--size", SIZE, "--pcpus", 4, "--vms", 2, "--vcpus", 2)


def serving(*args, tmp=None):
    environment = {**os.environ, **({"TMPDIR": str(tmp)} if tmp else {})}
    return service.serving(VMSCOPE, "--root", DATA.directory, *args, env=environment)


def open_(server, path):
    reply = server.post("/api/open", {"path": str(path)})
    return schema.good(reply, "page", "experiment")


def state_of(server, exp):
    return next((e for e in server.experiments() if e["id"] == exp), None)


def wait_for(what, seconds=120):
    end = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)
    return value


def children(server):
    """Return: the processes that the server has started and that are still there."""
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task").iterdir()
    return [pid for task in tasks for pid in (task / "children").read_text().split()]


def fresh(name):
    directory = DATA.directory / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def close(server, exp):
    """Closes an experiment and its traces."""
    closed = schema.good(server.request("DELETE", f"/tsp/api/experiments/{exp}"), "tsp", "experiment")
    for trace in closed["traces"]:
        schema.good(server.request("DELETE", f"/tsp/api/traces/{trace['UUID']}"), "tsp", "trace")


def test_analysis_in_the_background():
    """It is RUNNING, which every view says in its own form, then COMPLETED with what the sample has."""
    tmp = fresh("tmp")
    with serving(tmp=tmp) as server:
        exp = open_(server, LONG)
        assert exp["status"] == "RUNNING" and open_(server, LONG)["id"] == exp["id"]
        outputs = f"/experiments/{exp['id']}/outputs"
        for view, name in (("timeGraph/vmscope.vcpus/tree", "tree"), ("timeGraph/vmscope.vcpus/states", "states"),
                           ("timeGraph/vmscope.vcpus/arrows", "arrows"), ("timeGraph/vmscope.vcpus/tooltip", "tooltip"),
                           ("XY/vmscope.steal/tree", "tree"), ("XY/vmscope.steal/xy", "xy"),
                           ("data/vmscope.stats.vcpus/tree", "tree"), ("table/vmscope.events/lines", "lines"),
                           ("vmscope.vcpus/style", "styles")):
            reply = server.tsp(f"{outputs}/{view}")
            if schema.read(reply)["status"] == "RUNNING":
                schema.model(reply, name, "RUNNING")
        assert state_of(server, exp["id"])["status"] == "RUNNING", "it was too fast to see anything"
        schema.refused(server.get(f"/api/experiments/{exp['id']}/rows"), 503)
        assert schema.good(server.get(f"/tsp/api/experiments/{exp['id']}"), "tsp", "experiment")["indexingStatus"] == "RUNNING"
        wait_for(lambda: state_of(server, exp["id"])["status"] == "COMPLETED")
        done = schema.good(server.get(f"/tsp/api/experiments/{exp['id']}"), "tsp", "experiment")
        assert done["nbEvents"] > 10**5 and done["start"] < done["end"]
        assert [t["indexingStatus"] for t in done["traces"]] == ["COMPLETED"]
        schema.model(server.tsp(f"{outputs}/timeGraph/vmscope.vcpus/states", requested_times=[0], requested_items=[1]), "states")
        assert not children(server)
    assert not list(tmp.iterdir())


def test_analysis_that_fails():
    bad = fresh("bad")
    (bad / "metadata").write_text("/* CTF 1.8 */\ntrace { nonsense")
    with serving() as server:
        exp = open_(server, bad)
        found = wait_for(lambda: (e := state_of(server, exp["id"]))["status"] != "RUNNING" and e)
        assert found["status"] == "FAILED" and found["message"], found
        assert schema.good(server.get(f"/tsp/api/experiments/{exp['id']}"), "tsp", "experiment")["indexingStatus"] == "CLOSED"
        reply = server.tsp(f"/experiments/{exp['id']}/outputs/timeGraph/vmscope.vcpus/states")
        schema.model(reply, "states", "FAILED")
        assert reply.json["statusMessage"] == found["message"]
        assert schema.refused(server.get(f"/api/experiments/{exp['id']}/rows"), 503)["detail"] == found["message"]
        close(server, exp["id"])
        assert server.experiments() == []


def test_closing_what_is_analyzed():
    """The analysis ends at once; the next one begins; opening it again begins anew."""
    tmp = fresh("tmp")
    with serving(tmp=tmp) as server:
        exp = open_(server, LONG)
        after = open_(server, sys.argv[3]) if str(sys.argv[3]).startswith(str(DATA.directory)) else \
            open_(server, shutil.copytree(sys.argv[3], DATA.directory / "copy"))
        [first] = wait_for(lambda: children(server))
        close(server, exp["id"])
        wait_for(lambda: first not in children(server), 5)
        assert state_of(server, exp["id"]) is None
        wait_for(lambda: state_of(server, after["id"])["status"] == "COMPLETED")
        again = open_(server, LONG)
        assert again["id"] == exp["id"] and again["status"] == "RUNNING"
        close(server, again["id"])
        assert open_(server, LONG)["status"] == "RUNNING"    # at once: what was stopped must not count for it
        time.sleep(0.1)
        assert state_of(server, exp["id"])["status"] == "RUNNING"
        wait_for(lambda: state_of(server, exp["id"])["status"] == "COMPLETED")
    assert not list(tmp.iterdir())


def test_many_experiments():
    """Up to a limit, which is said; closing them gives everything back."""
    with serving() as server:
        def look(path):
            exp = open_(server, path)
            assert server.post(f"/api/experiments/{exp['id']}/statistics", {"table": "exits"}).status == 200
            return exp["id"]

        many = fresh("many")
        files = [shutil.copy(DATA.sample, many / f"{i}.vms") for i in range(101)]
        for turn in range(2):
            ids = [look(path) for path in files[:100]]
            assert len(set(ids)) == 100
            refused = server.post("/api/open", {"path": str(files[100])})
            assert "experiments are open" in schema.refused(refused, 503)["detail"]
            for exp in ids:
                close(server, exp)
            if turn == 0:
                memory, open_files = server.memory_kb(), len(os.listdir(f"/proc/{server.process.pid}/fd"))
            server.request("DELETE", f"/tsp/api/traces/{server.get('/tsp/api/traces').json[0]['UUID']}")
        assert server.experiments() == [] and server.get("/tsp/api/traces").json == []
        assert len(os.listdir(f"/proc/{server.process.pid}/fd")) <= open_files + 5
        assert server.memory_kb() < memory * 1.3 + 5000 or SANITIZED, (memory, server.memory_kb())
        maps = pathlib.Path(f"/proc/{server.process.pid}/maps").read_text()
        assert ".vms" not in maps


def test_closing_what_is_looked_at():
    """A request has its answer, whole, or there is no such experiment."""
    with serving() as server:
        exp = open_(server, DATA.sample)
        done = threading.Event()

        def look(_):
            statuses = set()
            while not done.is_set():
                reply = server.tsp(f"/experiments/{exp['id']}/outputs/timeGraph/vmscope.threads/states",
                                   requested_times=[0], requested_items=[1])
                statuses.add(reply.status)
                if reply.status == 200:
                    schema.read(reply)
            return statuses

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            seen = pool.map(look, range(4))
            for _ in range(10):
                time.sleep(0.1)
                close(server, exp["id"])
                time.sleep(0.02)
                assert open_(server, DATA.sample)["id"] == exp["id"]
            done.set()
            assert set().union(*seen) == {200, 404}


def test_ending_in_the_middle():
    """With an analysis that runs, requests that come and replies that nobody takes."""
    for wait in (0, 0.05, 0.3, 1):
        tmp = fresh("tmp")
        with serving(DATA.sample, tmp=tmp) as server:
            open_(server, LONG)
            sample = server.experiments()[0]["id"]
            stuck = socket.create_connection(("127.0.0.1", server.port))
            path = f"/tsp/api/experiments/{sample}/outputs/timeGraph/vmscope.threads/states"
            stuck.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode() * 5)
            half = socket.create_connection(("127.0.0.1", server.port))
            half.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            done = threading.Event()

            def ask():
                while not done.is_set():
                    try:
                        server.get(f"/api/experiments/{sample}/rows")
                    except OSError:
                        pass

            thread = threading.Thread(target=ask)
            thread.start()
            time.sleep(wait)
            running = children(server)
            begin = time.monotonic()
            server.process.send_signal(signal.SIGINT if wait else signal.SIGTERM)
            try:
                assert server.process.wait(20) == 0
            finally:
                done.set()
                thread.join()
                stuck.close()
                half.close()
            assert time.monotonic() - begin < 5 or SANITIZED, time.monotonic() - begin
            assert not any(os.path.exists(f"/proc/{pid}") for pid in running)
        assert not list(tmp.iterdir()), list(tmp.iterdir())


def test_ending_among_bad_requests():
    """However many are just being refused."""
    bad = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n" + b"\r\n" * 20

    def babble(port, done):
        while not done.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as s:
                    s.sendall(bad * 20)
            except OSError:
                pass

    for _ in range(15):
        done = threading.Event()
        with serving(DATA.sample) as server:
            threads = [threading.Thread(target=babble, args=(server.port, done)) for _ in range(12)]
            for thread in threads:
                thread.start()
            time.sleep(0.15)
            server.process.send_signal(signal.SIGTERM)
            try:
                assert server.process.wait(20) == 0
            finally:
                done.set()
                for thread in threads:
                    thread.join()


service.run(globals())
