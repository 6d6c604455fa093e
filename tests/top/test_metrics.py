#!/usr/bin/python3
"""test_metrics.py VMSCOPE STANDIN: what `vmscope top --openmetrics` serves is as Prometheus wants it; as TAP.

Skipped where nothing may be traced; promtool, of Debian's prometheus, judges it where it is there.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, STANDIN = sys.argv[1], os.path.realpath(sys.argv[2])


@contextlib.contextmanager
def serving():
    process = subprocess.Popen([VMSCOPE, "top", "--openmetrics=127.0.0.1:0", "--interval", "0.5"], stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        if "http://127.0.0.1:" not in line:
            raise tap.Skip(line.strip())
        yield re.search(r"http://\S+", line)[0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()


def get(url, accept="*/*"):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(text):
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = re.fullmatch(r"([a-z0-9_]+)(?:\{(.*)\})? ([0-9.]+)", line)
            assert match, line
            assert (match[1], match[2]) not in found, line
            found[match[1], match[2]] = float(match[3])
    return found


def test_metrics():
    with serving() as url:
        machine = subprocess.Popen([STANDIN, "-name", 'guest=od"d', "-smp", "1", "-load", "busy", "-seconds", "30"])
        try:
            time.sleep(3)
            kind, text = get(url)
            later = samples(get(url)[1])
            open_kind, open_text = get(url, "application/openmetrics-text; version=1.0.0")
            try:
                get(url.replace("/metrics", "/else"))
                raise AssertionError("it serves anything")
            except urllib.error.HTTPError as e:
                assert e.code == 404
        finally:
            machine.kill()
            machine.wait()
    assert kind.startswith("text/plain; version=0.0.4") and open_kind.startswith("application/openmetrics-text")
    assert open_text.endswith("# EOF\n") and "# TYPE vmscope_vcpu_seconds counter\n" in open_text
    found = samples(text)
    assert all(later[k] >= v for k, v in found.items() if k[0].endswith("_total"))
    assert ("vmscope_events_lost_total", None) in found
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        assert done.returncode == 0 and not done.stdout, done.stdout
    else:
        raise tap.Skip("no promtool; all else is good")


tap.run(dict(globals()))
