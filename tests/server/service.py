"""What the tests of the server share: a server of one's own, requests, and what SQL says."""
import contextlib
import http.client
import json
import pathlib
import select
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tap import run  # noqa: E402,F401 pylint: disable=wrong-import-position,unused-import

KINDS = ("machine", "vcpu", "thread", "cpu", "process", "exits", "all", "container")


def row(kind, index):
    """The id of a row, as docs/server.md has it."""
    return KINDS.index(kind) << 26 | index


class Reply:
    def __init__(self, status, headers, data):
        self.status, self.headers, self.data = status, headers, data

    @property
    def json(self):
        return json.loads(self.data)


class Service:
    """A running `vmscope serve`."""

    def __init__(self, program, *args, **popen):
        self.process = subprocess.Popen([program, "serve", "--port", "0", *map(str, args)],
                                        stdout=subprocess.PIPE, text=True, **popen)
        if not select.select([self.process.stdout], [], [], 60)[0]:
            self.process.kill()
        line = self.process.stdout.readline()
        assert line.startswith("vmscope serves at http://"), line
        self.port = int(line.rsplit(":", 1)[1].rstrip("/\n"))

    def stop(self, seconds=20):
        """Ends it as people do. It must go willingly, and a sanitizer must have had nothing to say."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end within {seconds} s") from None
        assert status == 0, f"the server ended with {status}"

    def request(self, method, path, body=None, headers=None, timeout=60):
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body):
        return self.request("POST", path, body)

    def tsp(self, path, **parameters):
        return self.post("/tsp/api" + path, {"parameters": parameters})

    def experiments(self):
        return self.get("/api/experiments").json

    def memory_kb(self):
        """Return: its resident memory that is not of files."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0])


@contextlib.contextmanager
def serving(program, *args, **popen):
    service = Service(program, *args, **popen)
    try:
        yield service
    except BaseException:
        service.process.kill()
        service.process.wait()
        raise
    service.stop()


class Data:
    """Results to serve, each with a way to ask SQL about it."""

    def __init__(self, program, sim, sample):
        self.program, self.sim = program, sim
        self.scratch = tempfile.TemporaryDirectory()
        self.directory = pathlib.Path(self.scratch.name).resolve()
        self.sample = self.analyze("sample", sample)

    def analyze(self, name, *recordings):
        results = self.directory / f"{name}.vms"
        subprocess.run([self.program, "analyze", "-o", results, *recordings], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
        return results

    def simulate(self, name, *options):
        """Return: the directory of the traces."""
        directory = self.directory / name
        subprocess.run([self.sim, "--no-truth", *map(str, options), directory], check=True, timeout=300)
        return directory

    def crowd(self, name="crowd"):
        """Two VMs of two vCPUs that fight for two CPUs, with containers: (its recording, its results)."""
        recording = self.simulate(name, "--vms", 2, "--vcpus", 2, "--contention", "--containers",
                                  "--duration", 0.4, "--seed", 5)
        return recording, self.analyze(name, recording)

    def query(self, results, sql):
        done = subprocess.run([self.program, "query", "--format", "json", results, sql], check=True,
                              stdout=subprocess.PIPE, timeout=120)
        return json.loads(done.stdout)

    def report(self, results, *options):
        """What the report finds, as JSON."""
        done = subprocess.run([self.program, "report", "--format", "json", *options, results, "findings", "missing"],
                              check=True, stdout=subprocess.PIPE, timeout=120)
        return json.loads(done.stdout)


def read_lanes(data):
    """Decodes what /api/.../lanes gives: {row: [(begin, end, state, truth, label)]}."""
    magic, n, m, label_bytes = struct.unpack_from("<4I", data)
    assert magic == 0x314c4d56
    at = 16
    table = [struct.unpack_from("<iId", data, at + 16 * i) for i in range(n)]
    at += 16 * n
    begins = struct.unpack_from(f"<{m}d", data, at)
    labels = struct.unpack_from(f"<{m}H", data, at + 8 * m)
    states = data[at + 10 * m:at + 11 * m]
    truths = data[at + 11 * m:at + 12 * m]
    texts = [None] + json.loads(data[at + 12 * m:])
    assert len(data) == at + 12 * m + label_bytes
    lanes, i = {}, 0
    for item, count, end in table:
        ends = [*begins[i + 1:i + count], end]
        lanes[item] = [(int(begins[k]), int(ends[k - i]), states[k], truths[k], texts[labels[k]])
                       for k in range(i, i + count)]
        i += count
    assert i == m
    return lanes
