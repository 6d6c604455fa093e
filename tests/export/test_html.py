#!/usr/bin/python3
"""test_html.py VMSCOPE SIM MAKE_FILES SAMPLES: the HTML report needs nothing else, runs nothing, and draws
and says what SQL says; as TAP."""
import collections
import functools
import html.parser
import json
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

import recordings
from recordings import CROWD, EMPTY, HOSTILE, SAMPLE, TWICE, WIDE, export, query, vmscope

STATES = ["guest", "hypervisor", "userspace", "preempted", "waiting", "throttled", "blocked", "polling", "halted",
          "absent"]  # from the bottom
LINKS = ["src", "href", "xlink:href", "srcset", "action", "formaction", "background", "poster", "data", "ping"]
MAX_SIZE = 2000000


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.elements, self.texts, self.stack = [], [], []
        with open(path, encoding="utf-8") as f:  # strictly
            self.source = f.read()
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.stack.append(tag)

    def handle_data(self, data):
        if self.stack[-1:] != ["style"]:
            self.texts.append(data)

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop() != tag:
            pass

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@functools.lru_cache(None)
def page(file, *args):
    return Page(export(file, "html", *args))


def check_alone(p):
    """Nothing is fetched, nothing runs."""
    tags = {tag for tag, _ in p.elements}
    assert not tags & {"script", "link", "iframe", "img", "object", "embed", "base", "form", "use", "image",
                       "foreignobject", "audio", "video"}, tags
    for tag, attrs in p.elements:
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in LINKS or value.startswith("#"), (tag, name, value)
            assert tag in ("meta", "html") or "url(" not in (value or ""), value
    style = re.search(r"<style>(.*?)</style>", p.source, re.S)[1]
    assert "url(" not in style and "@import" not in style and "<" not in style
    policy = next(a["content"] for a in p.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'", policy


def test_a_page_stands_alone():
    for file in (SAMPLE, CROWD, HOSTILE, EMPTY, TWICE, WIDE):
        check_alone(page(file))


def test_a_page_is_small_whatever_was_recorded():
    for file in (SAMPLE, CROWD, HOSTILE, WIDE):
        assert len(page(file).source.encode()) < MAX_SIZE, file
    assert len(page(SAMPLE).source) < 200000 and len(page(HOSTILE).source) < 50000
    assert "<" * 1000 + "\u2026" in page(HOSTILE).text
    assert "The busiest 40 of 150 are drawn." in page(WIDE).text


def test_every_link_has_its_anchor():
    """So that a ticket can point at a section, or at a finding."""
    p = page(SAMPLE)
    ids = [attrs["id"] for _, attrs in p.elements if attrs.get("id")]
    links = {attrs["href"] for _, attrs in p.elements if attrs.get("href")}
    assert len(set(ids)) == len(ids) and {"findings", "finding-1", "steal", "exits"} <= set(ids), ids
    assert links <= {f"#{i}" for i in ids} and len(links) > 9, links


def test_names_are_text_and_nothing_else():
    p = page(HOSTILE)
    check_alone(p)
    for name in ("</title><script>alert(1)</script>", "<script>thief</script>, pid 101", "<exit onload='x'>",
                 "\"><img src=x onerror=alert(1)>\ufffd\ufffd\ufffd", "</table><script>evidence</script>",
                 "<img src=//example.com/x.png>", "%s%n\ufffd", "<b>role", "\ufffd\ufffd\ufffd' onclick='x"):
        assert any(name in text for text in p.texts), name


def heights(path, columns):
    """The height of an area of steps at each column, of 100."""
    found, x, height = [], 0, 0
    for kind, value in re.findall(r"([MHVz ])(\d*)", path["d"].replace("M0 100", "")):
        if kind == "H":
            found += [height] * (int(value) - x)
            x = int(value)
        elif kind == "V":
            height = 100 - int(value)
    assert len(found) == columns, (len(found), columns)
    return found


def strips(p, family):
    """For each picture of these states: how many columns, and the top of each layer that is in it."""
    found = []
    for tag, attrs in p.elements:
        if tag == "svg":
            columns = int(attrs["viewbox"].split()[2])
            found.append((columns, {}))
        elif tag == "path":
            found[-1][1][attrs["class"].split()[0]] = heights(attrs, found[-1][0])
    return [(columns, tops) for columns, tops in found if any(c.startswith(family) for c in tops)]


def check_strip(file, vcpu, begin, end, strip):
    """At 40 columns each layer is as high as its share of the time, to one in a hundred."""
    columns, tops = strip
    for column in range(0, columns, max(columns // 40, 1)):
        first, last = (begin + (end - begin) * c // columns for c in (column, column + 1))
        times = {row["state"]: row["ns"] for row in query(
            file, f"SELECT state, sum(min(ts_end, {last}) - max(ts, {first})) AS ns FROM vcpu_state "
                  f"WHERE vcpu_id = {vcpu} AND ts < {last} AND ts_end > {first} GROUP BY state")}
        below = 0
        for state in STATES:
            below += times.get(state, 0)
            if f"vcpu-{state}" in tops:
                wanted, got = 100 * below / (last - first), tops[f"vcpu-{state}"][column]
                assert abs(wanted - got) <= 0.51, (column, state, wanted, got)
            else:
                assert not times.get(state), state


def test_pictures_of_vcpus_are_true():
    for file in (SAMPLE, CROWD):
        begin, end = query(file, "SELECT min(a) AS a, max(b) AS b FROM (SELECT min(first_ns) AS a, max(last_ns) AS b "
                                 "FROM cpu_state_total UNION ALL SELECT min(first_ns), max(last_ns) "
                                 "FROM thread_state_total)")[0].values()
        found = strips(page(file), "vcpu-")
        vcpus = [row["vcpu_id"] for row in query(file, "SELECT vcpu_id FROM vcpu_summary ORDER BY machine, vcpu_index")]
        assert len(found) == len(vcpus)
        for vcpu, strip in zip(vcpus, found):
            check_strip(file, vcpu, begin, end, strip)


def test_one_vm_alone():
    p = page(CROWD, "--vm", "g2")
    assert "only g2; " in plain(p.text) and len(strips(p, "vcpu-")) == 2
    assert strips(p, "vcpu-") == strips(page(CROWD), "vcpu-")[2:4]
    assert "only g2, vCPU 1; " in plain(page(CROWD, "--vm", "g2", "--vcpu", "1").text)
    assert strips(page(CROWD, "--vm", "g2", "--vcpu", "1"), "vcpu-") == strips(p, "vcpu-")[1:]
    tables = plain(p.source.split("<section id=steal>")[1].split("<section id=machines>")[0])
    assert "<td>g2" in tables and "<td>g1" not in tables and "<td>g3" not in tables
    for found in json.loads(vmscope("report", "--format", "json", CROWD, "findings")[0])["findings"]:
        assert (found["what"] in plain(p.text)) == (found["machine"] == "g2"), found


def test_what_exits_were_about():
    rows = json.loads(vmscope("report", "--format", "json", SAMPLE, "exit_details")[0])["exit_details"]
    text = plain(page(SAMPLE).text.split("What VM exits were about")[2])
    assert len(rows) > 5
    for row in rows[:12]:
        assert f"{row['machine']} {row['detail']} {shown(row['cost_ns'])} {row['count']} " in text, (row, text[:500])


def test_pictures_of_cpus_have_the_vms_in_them():
    """The areas are the shares of the time."""
    found = strips(page(SAMPLE), "cpu-")
    rows = query(SAMPLE, "SELECT * FROM cpu_summary WHERE machine = 'host' ORDER BY cpu")
    assert len(found) == len(rows)
    for row, (columns, tops) in zip(rows, found):
        vm = sum(tops["vm0"]) / columns / 100
        idle = (sum(tops["cpu-idle"]) - sum(tops["cpu-softirq"])) / columns / 100
        assert abs(vm - row["vm_ns"] / row["total_ns"]) < 0.003, (vm, row)
        assert abs(idle - row["idle_ns"] / row["total_ns"]) < 0.004, (idle, row)


def shown(ns):
    """As the report shows a time: four digits."""
    for factor, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "\xb5s")):
        if ns >= factor * 0.99995:
            x = ns / factor
            return f"{x:.{0 if x >= 1000 else 1 if x >= 100 else 2 if x >= 10 else 3}f} {unit}"
    return f"{ns} ns"


def plain(text):
    return text.replace("\xa0", " ")


def test_findings_are_those_of_the_report():
    text = plain(page(SAMPLE).text)
    report = json.loads(vmscope("report", "--format", "json", SAMPLE, "findings", "missing")[0])
    assert len(report["findings"]) >= 3
    for found in report["findings"]:
        for key in ("what", "where", "evidence", "against", "remedy", "look"):
            assert found[key] is None or found[key] in text, (found[key], text[:2000])
    for gap in report["missing"]:
        assert gap["event"] in text and gap["without"] in text, gap


def test_tables_have_what_sql_has():
    p = page(SAMPLE)
    text = plain(p.text)
    for row in query(SAMPLE, "SELECT * FROM steal_matrix ORDER BY steal_ns DESC LIMIT 4"):
        if row["occupant_comm"] == "taskset":  # alone in its process
            assert shown(row["steal_ns"]) in text
    for row in query(SAMPLE, "SELECT comm, tid, max_ns FROM wakeup_summary ORDER BY "
                             "vcpu_wake_ns + vcpu_run_ns + entry_ns + run_ns DESC LIMIT 5"):
        assert f"{row['comm']} ({row['tid']})" in text and shown(row["max_ns"]) in text, row


def test_percentiles_are_those_of_sql():
    text = plain(page(SAMPLE).text)
    for row in query(SAMPLE, "SELECT * FROM wakeup_summary ORDER BY vcpu_wake_ns + vcpu_run_ns + entry_ns + run_ns "
                             "DESC LIMIT 12"):
        name = f"{row['comm']} ({row['tid']}) {row['wakeups']}"
        assert f"{name} {shown(row['p50_ns'])} {shown(row['p99_ns'])} {shown(row['max_ns'])}" in text, row


def test_a_range_is_all_that_is_told():
    p = page(SAMPLE, "--begin", "+9.5", "--end", "+9.7")
    text = plain(p.text)
    assert "+9.500000 s to +9.700000 s of a recording" in text
    assert "9500 ms" in text and "200.0 ms" in text
    begin = query(SAMPLE, "SELECT min(first_ns) AS t FROM cpu_state_total")[0]["t"] + 9500000000
    check_strip(SAMPLE, 0, begin, begin + 200000000, strips(p, "vcpu-")[0])
    exits = query(SAMPLE, f"SELECT count(*) AS n FROM vm_exit WHERE name = 'MSR' AND ts >= {begin} "
                          f"AND ts < {begin + 200000000}")[0]["n"]
    assert re.search(rf"\bMSR [\d.]+ \S+ {exits}\b", text), exits


def test_nothing_recorded():
    assert "holds no time at all" in page(EMPTY).text


def test_the_same_on_the_standard_output():
    with open(export(SAMPLE, "html"), "rb") as f:
        assert recordings.vmscope("export", "--to", "html", SAMPLE)[0] == f.read()


def test_colours_are_those_of_the_states():
    style = re.search(r"<style>(.*?)</style>", page(SAMPLE).source, re.S)[1]
    assert ".vcpu-preempted{fill:#d55e00;" in style and ".cpu-user{fill:#56b4e9;" in style


def unfilter(kind, line, above, step):
    """A row of a PNG as it was before it was filtered."""
    for i, value in enumerate(line):
        left, up = line[i - step] if i >= step else 0, above[i]
        corner = above[i - step] if i >= step else 0
        near = min((abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner))
        line[i] = (value + (0, left, up, (left + up) // 2, near[2])[kind]) & 0xff
    return line


def pixels(path):
    """How often each colour is in a PNG of 8 bits a channel."""
    with open(path, "rb") as f:
        data = f.read()
    width, height, depth, color = struct.unpack(">IIBB", data[16:26])
    assert depth == 8 and color in (2, 6)
    step, at, packed = {2: 3, 6: 4}[color], 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    raw, line, found = zlib.decompress(packed), bytearray(width * step), collections.Counter()
    for y in range(height):
        begin = y * (width * step + 1)
        line = unfilter(raw[begin], bytearray(raw[begin + 1:begin + 1 + width * step]), line, step)
        found.update(bytes(line[x:x + 3]).hex() for x in range(0, len(line), step))
    return found


def test_a_browser_shows_it():
    """Its own policy lets the pictures and their colours through."""
    if not shutil.which("chromium"):
        raise recordings.tap.Skip("chromium is not installed")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                        "--disable-background-networking", "--disable-component-update", "--disable-sync",
                        f"--user-data-dir={profile}", "--hide-scrollbars", "--window-size=1180,1800",
                        f"--screenshot={profile}/shot.png", f"file://{export(SAMPLE, 'html')}"],
                       check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = pixels(f"{profile}/shot.png")
    assert found["009e73"] > 5000 and found["f0e442"] > 1000 and found["56b4e9"] > 1000, found.most_common(8)
    assert found["ffffff"] > 200000 or found["15181b"] > 200000


recordings.tap.run(dict(globals()))
