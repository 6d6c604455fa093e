#!/usr/bin/python3
"""test_cluster.py VMSCOPE SIM MAKE_FILES SAMPLES: three servers as a cluster with Distributed tables; as TAP."""
import subprocess
import threading
import time

import clickhouse
import fleet
from clickhouse import Proxy, Server
from fleet import CROWD, ENV, HERE, VMSCOPE, load, vmscope
from tap import Skip


class Cluster:
    servers = []

    @classmethod
    def get(cls):
        if clickhouse.missing():
            raise Skip(clickhouse.missing())
        if not cls.servers:
            ports = [clickhouse.free_ports(3) for _ in range(3)]
            shards = "".join(f"<shard><replica><host>127.0.0.1</host><port>{tcp}</port></replica></shard>"
                             for _, tcp, _ in ports)
            more = f"<remote_servers><three>{shards}</three></remote_servers>"
            cls.servers = [Server(f"{HERE}/server{i}", p, more) for i, p in enumerate(ports)]
            vmscope("fleet", "init", "--cluster", "three", *(s.url for s in cls.servers))
        return cls.servers


def test_a_cluster_has_all_rows_and_each_server_some():
    servers = Cluster.get()
    for i in range(12):
        load(servers[i % 3], CROWD, options=["--host", f"host{i}"])
    assert "0 loaded" in load(servers[1], CROWD, options=["--host", "host0"])
    for server in servers:
        for recording, in server.rows("SELECT recording FROM recording")[:2]:
            for name in fleet.table_names(CROWD):
                fleet.same_table(server, CROWD, recording, name)
        assert server.rows("SELECT uniq(recording) FROM vcpu_state") == [["12"]]
        held = int(server.rows("SELECT uniq(recording) FROM vcpu_state_local")[0][0])
        assert 0 < held < 12, held
        assert server.rows("SELECT uniq(recording) FROM vcpu_minute_local") == [[str(held)]]


def test_killed_and_repeated():
    servers = Cluster.get()
    for host in ("k1", "k2", "k3"):
        command = [VMSCOPE, "export", "--to", "clickhouse", "--url", servers[0].url, "--host", host, "--insert-rows",
                   "1000", CROWD]
        process = subprocess.Popen(command, env=ENV, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        process.kill()
        process.wait()
        load(servers[1], CROWD, options=["--host", host])
        recording = servers[0].rows(f"SELECT recording FROM recording WHERE host = '{host}'")[0][0]
        for name in fleet.table_names(CROWD):
            fleet.same_table(servers[2], CROWD, recording, name)


def test_repeated_through_another_server():
    """A statement of the load that was killed is still on its way at the server that it was sent to."""
    servers = Cluster.get()
    held = threading.Event()
    ends = []

    def late():
        held.set()
        time.sleep(1.5)
        ends.append(time.monotonic())

    def act(number, body, go):
        if number == 12:
            assert len(body) > 2000
            threading.Thread(target=go, args=(body, late)).start()
            held.wait(30)
            return None
        return go(body)

    with Proxy(servers[0], act) as proxy:
        load(proxy.url, CROWD, options=["--host", "held", "--insert-rows", "1000"], status=1)
        assert not ends
        load(servers[1], CROWD, options=["--host", "held"])
        assert ends and ends[0] < time.monotonic()
    recording = servers[0].rows("SELECT recording FROM recording WHERE host = 'held'")[0][0]
    for name in fleet.table_names(CROWD):
        fleet.same_table(servers[2], CROWD, recording, name)


def test_init_again_and_wrongly():
    servers = Cluster.get()
    urls = [s.url for s in servers]
    vmscope("fleet", "init", "--cluster", "three", *urls)
    assert "those of a cluster" in vmscope("fleet", "init", urls[0], status=1)[1]
    assert "knows no cluster 'four'" in vmscope("fleet", "init", "--cluster", "four", urls[0], status=1)[1]
    servers[0].ask("ALTER TABLE vm_exit_local DROP COLUMN detail")
    servers[0].ask("ALTER TABLE vm_exit DROP COLUMN detail")
    vmscope("fleet", "init", "--cluster", "three", *urls)
    assert servers[0].rows("SELECT count() FROM system.columns WHERE database = 'vmscope' AND name = 'detail' AND "
                           "table IN ('vm_exit', 'vm_exit_local')") == [["2"]]


if __name__ == "__main__":
    try:
        fleet.main(globals())
    finally:
        for each in Cluster.servers:
            each.stop()
