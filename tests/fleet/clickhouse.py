"""clickhouse: Debian's clickhouse-server on loopback, as many as a test wants, and a proxy before one."""
import http.client
import http.server
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

CONFIG = """<yandex>
<logger><level>error</level><console>1</console></logger>
<http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{inter}</interserver_http_port>
<interserver_http_host>127.0.0.1</interserver_http_host><listen_host>127.0.0.1</listen_host>
<path>{path}/data/</path><tmp_path>{path}/tmp/</tmp_path><users_config>users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>67108864</mark_cache_size>{more}
</yandex>
"""
USERS = """<yandex><profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
<quota>default</quota></default>
<loader><password>se&amp;cret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
<quota>default</quota></loader></users><quotas><default></default></quotas></yandex>
"""
START = 60


def missing():
    """Why there can be no server here, or None."""
    return None if shutil.which("clickhouse-server") else "clickhouse-server is not installed"


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Server:
    """One server; its tables are gone when it is stopped."""

    def __init__(self, path, ports=None, more=""):
        self.path = pathlib.Path(path)
        self.http, self.tcp, self.inter = ports or free_ports(3)
        self.url = f"http://127.0.0.1:{self.http}/"
        for name in ("data", "tmp"):
            (self.path / name).mkdir(parents=True)
        (self.path / "users.xml").write_text(USERS)
        (self.path / "config.xml").write_text(CONFIG.format(path=self.path, http=self.http, tcp=self.tcp,
                                                            inter=self.inter, more=more))
        self.log = open(self.path / "log", "wb")
        self.process = subprocess.Popen(["clickhouse-server", f"--config-file={self.path}/config.xml"],
                                        stdout=self.log, stderr=self.log, cwd=self.path, start_new_session=True)
        self.wait()

    def wait(self):
        end = time.monotonic() + START
        while time.monotonic() < end:
            try:
                if self.ask("SELECT 1", "default") == b"1\n":
                    return
            except OSError:
                pass
            assert self.process.poll() is None, (self.path / "log").read_text()[-2000:]
            time.sleep(0.05)
        self.stop()
        raise AssertionError("clickhouse-server does not start: " + (self.path / "log").read_text()[-2000:])

    def ask(self, sql, database="vmscope", data=b""):
        """Return: the bytes of the answer."""
        query = urllib.parse.urlencode({"database": database, "query": sql})
        request = urllib.request.Request(f"{self.url}?{query}", data=data, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read()
        except urllib.error.HTTPError as e:
            raise AssertionError(f"{sql}: {e.read().decode(errors='replace')}") from None

    def rows(self, sql, database="vmscope"):
        text = self.ask(f"{sql} FORMAT TabSeparated", database).decode()
        return [line.split("\t") for line in text.splitlines()]

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.path, ignore_errors=True)


class Proxy:
    """
    Hands requests on to a server; `act(number, body, hand_on)` decides what becomes of each: it returns the
    (status, body) to answer, or None to close the connection without an answer. hand_on(body) asks the server.
    """

    def __init__(self, server, act):
        proxy, self.number = self, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                proxy.number += 1
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = act(proxy.number, body, lambda b, late=None: proxy.hand_on(server, self, b, late))
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, *args):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.httpd = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}/"
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @staticmethod
    def hand_on(server, handler, body, late=None):
        """
        A body that is shorter than announced ends with the connection, as that of a client that is gone. late(): waits before
        the last bytes are sent.
        """
        connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
        connection.putrequest("POST", handler.path, skip_accept_encoding=True)
        for name in ("Content-Type", "X-ClickHouse-User", "X-ClickHouse-Key", "Content-Length"):
            if handler.headers.get(name):
                connection.putheader(name, handler.headers[name])
        connection.endheaders()
        if late:
            connection.send(body[:-10])
            late()
        connection.send(body[-10:] if late else body)
        if len(body) < int(handler.headers.get("Content-Length", 0)):
            connection.close()
            return None
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
