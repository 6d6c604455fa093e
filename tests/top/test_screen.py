#!/usr/bin/python3
"""test_screen.py VMSCOPE STANDIN: `vmscope top` on a terminal, driven in tmux; as TAP. Skipped where nothing may be traced."""
import contextlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, STANDIN = sys.argv[1], os.path.realpath(sys.argv[2])
SOCKET = f"vmscope-test-{os.getpid()}"


def tmux(*words):
    return subprocess.run(["tmux", "-L", SOCKET, "-f", "/dev/null", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=20, check=False).stdout


def picture(*more):
    return tmux("capture-pane", "-p", *more).splitlines()


def wait_for(word, gone=False):
    for _ in range(100):
        lines = picture()
        if any(word in line for line in lines) != gone:
            return lines
        time.sleep(0.2)
    raise AssertionError(f"{'still' if gone else 'no'} {word!r} in\n" + "\n".join(lines))


@contextlib.contextmanager
def looking(colours):
    if not shutil.which("tmux"):
        raise tap.Skip("no tmux")
    if subprocess.run([VMSCOPE, "top", "--batch", "--interval", "0.1", "--count", "1"], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, timeout=60, check=False).returncode:
        raise tap.Skip("nothing may be traced here")
    machines = [subprocess.Popen([STANDIN, "-name", f"guest={name}", "-smp", "2", "-load", "busy", "-seconds", "120"])
                for name in ("web1", "db1")]
    plain = [] if colours else ["NO_COLOR=1"]
    try:
        time.sleep(0.3)
        tmux("new-session", "-d", "-x", "120", "-y", "30", shlex.join(["env", *plain, VMSCOPE, "top", "--interval", "0.5"]))
        wait_for("web1")
        yield
    finally:
        tmux("kill-server")
        for machine in machines:
            machine.kill()
            machine.wait()


def test_keys():
    with looking(True):
        lines = wait_for("db1")
        assert any("RUN" in line and "READY" in line for line in lines), lines
        assert any(line.startswith("CPU 0") for line in lines), lines
        tmux("send-keys", "h")
        wait_for("choose a vCPU")
        tmux("send-keys", "h")
        wait_for("choose a vCPU", gone=True)
        tmux("send-keys", "/", "web", "Enter")
        wait_for("db1    ", gone=True)
        tmux("send-keys", "Down", "Enter")
        wait_for("who had its CPU")
        tmux("send-keys", "Enter", "Space")
        frozen = wait_for("FROZEN")
        time.sleep(1.2)
        assert picture() == frozen
        tmux("send-keys", "Space", "r")
        wait_for("FROZEN", gone=True)
        tmux("send-keys", "q")
        for _ in range(50):
            if "no server" in tmux("list-sessions") or "error" in tmux("list-sessions"):
                break
            time.sleep(0.2)
        else:
            raise AssertionError("it does not end")


def test_sizes_without_colours():
    with looking(False):
        for width, height in ((80, 24), (40, 10), (120, 30)):
            tmux("resize-window", "-x", str(width), "-y", str(height))
            time.sleep(1.5)
            lines = wait_for("READY")
            assert len(lines) <= height and all(len(line) <= width for line in lines), lines
            assert any("web1" in line for line in lines), lines
        assert "\x1b[31m" not in "\n".join(picture("-e"))


tap.run(dict(globals()))
