#!/usr/bin/python3
"""test_load.py VMSCOPE SIM MAKE_FILES SAMPLES [--long]: what is loaded into ClickHouse is what the results files have,
wherever a load is killed; as TAP. --long: at many more points."""
import random
import subprocess
import sys
import time

import clickhouse
import fleet
from clickhouse import Proxy, Server
from fleet import CROWD, EMPTY, ENV, FAR, HERE, HOSTILE, SAMPLE, TWICE, UNKNOWN, VMSCOPE, fingerprint, load, vmscope
from tap import Skip

LONG = "--long" in sys.argv
KILLS = 20 if LONG else 6
KILLED = [CROWD, SAMPLE] if LONG else [CROWD]


class Servers:
    """The one that most tests share, made when it is first asked for."""

    server = None

    @classmethod
    def get(cls):
        if clickhouse.missing():
            raise Skip(clickhouse.missing())
        if not cls.server:
            cls.server = Server(f"{HERE}/server")
        return cls.server

    @classmethod
    def stop(cls):
        if cls.server:
            cls.server.stop()


def database(name):
    """Return: the server, and the URL of a database with new tables."""
    server = Servers.get()
    server.ask(f"DROP DATABASE IF EXISTS {name}", "default")
    url = f"{server.url}?database={name}"
    vmscope("fleet", "init", url)
    return server, url


# ---- equality


def test_every_table_is_as_query_prints_it():
    server, url = database("vmscope")
    files = [SAMPLE, CROWD, HOSTILE, EMPTY, TWICE, UNKNOWN]
    for file in files:  # some have the same begin
        load(url, file, options=["--host", file])
    rows = [fleet.same_tables(server, file) for file in files]
    assert rows[0] > 300000 and rows[1] > 1000, rows


def test_loading_again_loads_nothing():
    server, url = database("again")
    load(url, CROWD, EMPTY)
    before = fingerprint(server, "again")
    assert "0 loaded, 2 there before, 0 rows" in load(url, EMPTY, CROWD)
    assert "0 loaded, 3 there before, 0 rows" in load(url, EMPTY, EMPTY, CROWD)
    assert fingerprint(server, "again") == before


def test_rollups_first_and_the_rest_later():
    server, url = database("later")
    load(url, CROWD, options=["--detail", "rollups"])
    assert server.rows("SELECT count() FROM vcpu_state", "later") == [["0"]]
    assert server.rows("SELECT count() > 0 FROM vcpu_minute", "later") == [["1"]]
    assert "1 loaded" in load(url, CROWD)
    fleet.same_tables(server, CROWD, "later")
    minutes = server.rows("SELECT count(), sum(total_ns) FROM vcpu_minute", "later")
    assert "0 loaded" in load(url, CROWD, options=["--detail", "rollups"])
    assert server.rows("SELECT count(), sum(total_ns) FROM vcpu_minute", "later") == minutes


def test_one_file_as_many_hosts():
    server, url = database("many")
    for host in ("a", "b", "c"):
        load(url, CROWD, options=["--host", host, "--detail", "rollups"])
    hosts = server.rows("SELECT host, uniq(recording) FROM vcpu_minute GROUP BY host ORDER BY host", "many")
    assert hosts == [["a", "1"], ["b", "1"], ["c", "1"]], hosts


def test_native_files_are_what_is_loaded():
    server, url = database("files")
    load(url, CROWD)
    vmscope("export", "--to", "clickhouse-native", "-o", f"{HERE}/native", CROWD)
    for name in [*fleet.table_names(CROWD), "finding", "vcpu_minute", "exit_minute", "thief_minute", "wakeup_minute"]:
        loaded = sorted(server.ask(f"SELECT * FROM {name} FORMAT TabSeparated", "files").splitlines())
        server.ask(f"CREATE TABLE copy_{name} AS {name} ENGINE = Log", "files")
        with open(f"{HERE}/native/{name}.native", "rb") as f:
            data = f.read()
        assert data == vmscope("export", "--to", "clickhouse-native", "--table", name, CROWD)[0]
        if data:
            server.ask(f"INSERT INTO copy_{name} FORMAT Native", "files", data)
        assert sorted(server.ask(f"SELECT * FROM copy_{name} FORMAT TabSeparated", "files").splitlines()) == loaded, name


# ---- being killed


class Killing:
    """Kills the load at a request: before it is handed on, in its middle, or when it was carried out."""

    def __init__(self, server, url, number, how):
        self.number, self.how, self.process = number, how, None
        with Proxy(server, self.act) as proxy:
            self.process = subprocess.Popen(
                [VMSCOPE, "export", "--to", "clickhouse", "--url", proxy.url + url[len(server.url):],
                 "--insert-rows", "2000", *KILLED], env=ENV, stderr=subprocess.DEVNULL)
            self.status = self.process.wait(timeout=120)
            self.requests = proxy.number

    def act(self, number, body, hand_on):
        if number != self.number:
            return hand_on(body)
        if self.how == "after":
            hand_on(body)
        elif self.how == "within" and len(body) > 1:
            hand_on(body[:len(body) // 2])
        self.process.kill()
        return None


def test_killed_anywhere_and_repeated():
    server, url = database("whole")
    load(url, *KILLED)
    wanted = fingerprint(server, "whole")
    requests = Killing(server, database("killed")[1], 0, "").requests
    assert requests > 25 and fingerprint(server, "killed") == wanted
    r = random.Random(15)
    for i in range(KILLS):
        url = database("killed")[1]
        points = [r.randrange(1, requests) for _ in range(r.choice((1, 1, 3)))]
        how = ["after", "within", "before"][i % 3]
        for point in points:
            Killing(server, url, point, how)
        load(url, *KILLED)
        assert fingerprint(server, "killed") == wanted, (points, how)
    for file in KILLED:
        fleet.same_tables(server, file, "killed")


def test_killed_at_any_time_and_repeated():
    """Without anything between the two: what is on its way when the load is killed may still be carried out."""
    server, url = database("whole")
    began = time.monotonic()
    load(url, *KILLED)
    takes = time.monotonic() - began
    wanted = fingerprint(server, "whole")
    r = random.Random(16)
    for _ in range(KILLS // 2):
        url = database("killed")[1]
        process = subprocess.Popen([VMSCOPE, "export", "--to", "clickhouse", "--url", url, *KILLED], env=ENV,
                                   stderr=subprocess.DEVNULL)
        time.sleep(r.uniform(0, takes))
        process.kill()
        process.wait()
        load(url, *KILLED)
        assert fingerprint(server, "killed") == wanted


# ---- tables of other versions


def test_tables_of_an_older_version_get_columns():
    server, url = database("older")
    server.ask("ALTER TABLE vm_exit DROP COLUMN detail_value", "older")
    server.ask("DROP TABLE wakeup_minute", "older")
    said = load(url, CROWD, status=1)
    assert "vmscope fleet init" in said and "detail_value" in said, said
    assert "added column detail_value to table vm_exit" in vmscope("fleet", "init", url)[1]
    load(url, CROWD)
    fleet.same_tables(server, CROWD, "older")


def test_states_of_an_older_version_are_added():
    server, url = database("older")
    kind = server.rows("SELECT type FROM system.columns WHERE database = 'older' AND table = 'vcpu_state' "
                       "AND name = 'state'", "default")[0][0].replace("\\'", "'")
    fewer = kind.rpartition(",")[0] + ")"
    server.ask(f"ALTER TABLE vcpu_state MODIFY COLUMN state {fewer}", "older")
    assert "vmscope fleet init" in load(url, CROWD, status=1)
    vmscope("fleet", "init", url)
    load(url, CROWD)
    fleet.same_tables(server, CROWD, "older")


def test_what_is_not_known_is_refused():
    server, url = database("newer")
    server.ask("ALTER TABLE vm_exit ADD COLUMN colour String", "newer")
    for said in (vmscope("fleet", "init", url, status=1)[1], load(url, CROWD, status=1)):
        assert "a column 'colour' that this version does not know" in said, said
    server, url = database("newer")
    server.ask("DROP TABLE vcpu", "newer")
    server.ask("CREATE TABLE vcpu (day String) ENGINE = Log", "newer")
    assert "column 'day' of table 'vcpu' is String, not Date" in vmscope("fleet", "init", url, status=1)[1]


def test_another_analysis_of_a_recording_is_refused():
    server, url = database("twice")
    load(url, f"{HERE}/crowd.vms")
    before = fingerprint(server, "twice")
    other = f"{HERE}/other.vms"
    subprocess.run([VMSCOPE, "analyze", "-o", other, f"{HERE}/crowd/host"], check=True, stdout=subprocess.DEVNULL)
    begin = [fleet.query(f, "SELECT value FROM meta WHERE key = 'span_begin_ns'")[0] for f in (CROWD, other)]
    assert begin[0] == begin[1]
    said = load(url, other, status=1)
    assert "another analysis of recording" in said and fingerprint(server, "twice") == before, said


# ---- what goes wrong


def test_usage():
    _, url = database("usage")
    for args, words in (
            (["--to", "clickhouse", CROWD], "--url"),
            (["--to", "clickhouse", "--url", url, "-o", "x", CROWD], "--output"),
            (["--to", "clickhouse", "--url", url, "--begin", "+1", CROWD], "whole recordings"),
            (["--to", "clickhouse-native", CROWD], "-o DIRECTORY"),
            (["--to", "clickhouse-native", "--url", url, "-o", "x", CROWD], "--url"),
            (["--to", "csv", "--detail", "all", "-o", "x", CROWD], "--detail"),
            (["--to", "clickhouse", "--url", url, "--detail", "some", CROWD], "--detail"),
            (["--to", "clickhouse", "--url", url, "--timeout", "0", CROWD], "--timeout"),
            (["--to", "clickhouse", "--url", url], "results file")):
        said = vmscope("export", *args, status=2)[1]
        assert words in said and said.count("\n") == 1, said
    assert "init" in vmscope("fleet", status=2)[1]
    assert "name the server" in vmscope("fleet", "init", status=2)[1]


def test_url_and_credentials():
    server, url = database("secret")
    inside = url.replace("http://", "http://loader:se&cret@")
    said = load(inside, CROWD, status=1)
    assert "take user and password out of the URL" in said and "cret" not in said, said
    env = {"VMSCOPE_CLICKHOUSE_USER": "loader", "VMSCOPE_CLICKHOUSE_PASSWORD": "se&cret"}
    load(url, CROWD, env=env)
    said = load(url, CROWD, env={**env, "VMSCOPE_CLICKHOUSE_PASSWORD": "other"}, status=1)
    assert "assword" in said and "other" not in said, said
    file = f"{HERE}/credentials"
    with open(file, "w", encoding="ascii") as f:
        f.write("user=loader\npassword=se&cret\n")
    subprocess.run(["chmod", "644", file], check=True)
    assert "chmod 600" in load(url, CROWD, options=["--credentials", file], status=1)
    subprocess.run(["chmod", "600", file], check=True)
    load(url, CROWD, options=["--credentials", file])
    for wrong, words in (("ftp://x/", "no URL of ClickHouse"), ("http://", "no URL"),
                         (server.url + "?database=a&user=b", "only database=NAME")):
        assert words in load(wrong, CROWD, status=1)


def test_bad_files():
    server, url = database("bad")
    assert "its span is not possible" in load(url, FAR, status=1)
    assert "cannot" in load(url, f"{HERE}/none.vms", status=1)
    assert server.rows("SELECT count() FROM recording", "bad") == [["0"]]


if __name__ == "__main__":
    try:
        fleet.main(globals())
    finally:
        Servers.stop()
