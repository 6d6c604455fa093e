// page.test.mjs VMSCOPE RECORDING BUILT: the page in a real browser, on a real recording. What is
// drawn has to be what SQL says. BUILT is where build_page.py built the page that is in VMSCOPE.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
	cpSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { findChromium, sleep } from "./chromium.mjs";
import { Browser, openPage, pixels, randomNumbers, Server, settle, Sql, view } from "./harness.mjs";

const [program, recording, built] = process.argv.slice(2);
const POINTS = 500;
const WIDTH = 1280;
const HEIGHT = 800;

const dir = mkdtempSync(join(tmpdir(), "vmscope-page-"));
const file = join(dir, "one.vms");
const wasBuilt = existsSync(join(built, "node_modules"));
const skip = !wasBuilt
	? "the page is not in the program"
	: findChromium()
		? false
		: "there is no Chromium";

let server;
let browser;
let sql;
let rows;
let experiment;
let vcpu;

before(async () => {
	if (skip) {
		return;
	}
	execFileSync(program, ["analyze", recording, "-o", file], { stdio: "ignore" });
	server = await Server.start(program, file);
	browser = await Browser.start({ width: WIDTH, height: HEIGHT });
	await browser.saveTo(dir);
	sql = new Sql(program, file);
	await openPage(browser, server.url);
	({ rows, experiment } = await browser.evaluate(() => {
		const { rows, experiment } = window.vmscope.phase;
		return { rows, experiment };
	}));
	vcpu = rows.vcpus[0].id;
});

/** Ends a server. The page is left before, as it would complain of a server that is gone. */
async function leave(server) {
	await browser.goto("about:blank");
	await server.stop();
}

after(async () => {
	await browser?.close();
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

/** The page as if it was opened for the first time, but for what the address says. */
const fresh = (hash = "") => openPage(browser, server.url, `e=${experiment.id}&${hash}`);
const change = async (patch) => {
	await browser.evaluate((patch) => window.vmscope.view.change(patch), patch);
	await settle(browser);
};
/** Where a row is drawn at a time. */
const spot = (row, time) =>
	browser.evaluate((row, time) => window.vmscope.pixelAt(row, time), row, time);

test("shows the machines, and says what the colours mean", { skip }, async () => {
	// Only rows that are seen are in the document: the window has to be high enough for all of
	// them.
	await browser.resize(WIDTH, 2 * HEIGHT);
	await settle(browser, 100);
	const names = await browser.evaluate(() =>
		[...document.querySelectorAll(".name-row .name")].map((e) => e.textContent),
	);
	await browser.resize(WIDTH, HEIGHT);
	for (const machine of rows.machines) {
		assert.ok(names.includes(machine.name), `${machine.name} in ${names}`);
	}
	assert.ok(names.includes("vCPU 0"));
	const legend = await browser.evaluate(() => document.querySelector("#legend").textContent);
	for (const state of [...rows.states.vcpu, ...rows.states.thread, ...rows.states.cpu]) {
		assert.ok(legend.includes(state.name) && legend.includes(state.help), state.name);
	}
	assert.match(await browser.evaluate(() => document.title), /one\.vms/);
});

test(`draws at ${POINTS} random places the state that SQL gives`, { skip }, async () => {
	const random = randomNumbers(5);
	const lanes = [...rows.vcpus, ...rows.cpus, ...rows.threads].map((row) => row.id);
	const drawn = [];
	let seen = 0;
	for (let turn = 0; drawn.length < POINTS && turn < 60; turn++) {
		// From everything down to some microseconds.
		const span = experiment.duration / 10 ** (random() * 6);
		const start = random() * (experiment.duration - span);
		const busy = lanes.slice(0, rows.vcpus.length + rows.cpus.length);
		const pinned = [
			...busy,
			...Array.from({ length: 6 }, () => lanes[Math.floor(random() * lanes.length)]),
		];
		await change({ range: { start, end: start + span }, pinned: [...new Set(pinned)] });
		const points = Array.from({ length: 30 }, () => ({
			row: pinned[Math.floor(random() * pinned.length)],
			time: Math.floor(start + random() * span),
		}));
		const answers = await browser.evaluate(
			(points) =>
				points.map(({ row, time }) => ({
					state: window.vmscope.stateAt(row, time),
					spot: window.vmscope.pixelAt(row, time),
				})),
			points,
		);
		// Where shorter states were gathered, one of them stands for many: no one state is
		// right.
		const exact = answers
			.map((a, i) => ({ ...a, ...points[i] }))
			.filter((a) => a.state?.truth === 0);
		const { range } = await view(browser);
		const pixel = (range.end - range.start) / 686;
		// The pixel is the state's when the state fills its column and both beside it.
		const full = exact.filter(
			(a) => a.spot && a.time - a.state.start > 2 * pixel && a.state.end - a.time > 2 * pixel,
		);
		const colors = await pixels(
			browser,
			full.map((a) => a.spot),
		);
		full.forEach((a, i) => (a.color = colors[i]));
		seen += full.filter((a) => !["dead", "unknown"].includes(a.state.state)).length;
		drawn.push(...exact);
	}
	drawn.length = Math.min(drawn.length, POINTS);
	assert.equal(drawn.length, POINTS);
	const said = sql.statesAt(rows, experiment.start, drawn);
	drawn.forEach(({ row, time, state, spot, color }, i) => {
		const where = `row ${row} at ${time}`;
		assert.deepEqual(
			{ state: state.state, start: state.start, end: state.end },
			said[i],
			where,
		);
		if (color && !["dead", "unknown"].includes(state.state)) {
			assert.equal(spot.state, state.state, where);
			assert.equal(color, spot.color, `the pixel of ${where}, ${state.state}`);
		}
	});
	assert.ok(seen > 100, `${seen} pixels were looked at`);
});

test("colours of different states are different on the screen", { skip }, async () => {
	for (const family of ["vcpu", "thread", "cpu"]) {
		const colors = rows.states[family].map((state) => state.color);
		assert.equal(new Set(colors).size, colors.length, family);
	}
});

test("zooms and pans by keys, and goes back", { skip }, async () => {
	await fresh();
	const before = (await view(browser)).range;
	const canGoBack = () =>
		browser.evaluate(() => !document.querySelector("#toolbar [title^=Back]").disabled);
	assert.equal(await canGoBack(), false);
	await browser.key("w");
	assert.equal(await canGoBack(), true);
	await browser.key("w");
	await browser.key("d");
	await settle(browser);
	const { range } = await view(browser);
	assert.ok(range.end - range.start < (before.end - before.start) / 2);
	assert.ok(range.start > 0);
	await sleep(700);
	await browser.key("s");
	assert.ok(
		(await view(browser)).range.end - (await view(browser)).range.start >
			range.end - range.start,
	);
	await browser.key("z", ["Control"]);
	assert.deepEqual((await view(browser)).range, range);
	await browser.key("0");
	assert.deepEqual((await view(browser)).range, before);
});

test("zooms at the pointer, down to single nanoseconds", { skip }, async () => {
	await fresh();
	const at = 12.6e9;
	const place = await spot(vcpu, at);
	const near = (time) =>
		browser.evaluate((row, time) => window.vmscope.pixelAt(row, time)?.x ?? null, vcpu, time);
	for (let i = 0; i < 5; i++) {
		await browser.mouse("mouseWheel", place.x, place.y, { keys: ["Control"], deltaY: -200 });
	}
	await settle(browser);
	const { range } = await view(browser);
	assert.ok(range.end - range.start < experiment.duration / 2);
	assert.ok(Math.abs((await near(at)) - place.x) < 30, "the time under the pointer stays there");
	const [{ ts }] = sql.rows(
		`SELECT ts - ${experiment.start} AS ts FROM vcpu_state WHERE vcpu_id = 0 AND state = 'guest' AND dur > 1000 LIMIT 1`,
	);
	await change({ range: { start: ts - 5, end: ts + 5 } });
	const drawn = await browser.evaluate(
		(row, ts) => [-3, -1, 1, 3].map((by) => window.vmscope.pixelAt(row, ts + by)?.state),
		vcpu,
		ts,
	);
	assert.deepEqual(drawn.slice(2), ["guest", "guest"]);
	assert.ok(drawn[1] !== "guest" && drawn[0] === drawn[1], `${drawn}`);
});

test("a selected range is summed up as SQL sums it", { skip }, async () => {
	await fresh(`r=${vcpu}&tab=vcpus`);
	const { y } = await spot(vcpu, 15e9);
	const [from, to] = [(await spot(vcpu, 15e9)).x, (await spot(vcpu, 16e9)).x];
	await browser.drag({ x: from, y }, { x: to, y });
	await browser.until(() => document.querySelectorAll("#details .sums li").length > 0);
	await settle(browser, 600);
	const { selection } = await view(browser);
	assert.ok(Math.abs(selection.start - 15e9) < 1e8 && Math.abs(selection.end - 16e9) < 1e8);
	const start = Math.floor(selection.start);
	const end = Math.ceil(selection.end);
	const wanted = sql.rows(
		`SELECT state, sum(min(ts - ${experiment.start} + dur, ${end}) - max(ts - ${experiment.start}, ${start})) AS ns,
		count(*) AS n FROM vcpu_state WHERE vcpu_id = 0 AND ts - ${experiment.start} < ${end} AND
		ts - ${experiment.start} + dur > ${start} GROUP BY state ORDER BY ns DESC`,
	);
	const shown = await browser.evaluate(() =>
		[...document.querySelectorAll("#details .sums li")].map((li) => [
			li.querySelector(".name").textContent,
			Number(li.querySelector(".total").title.replace(/\D/g, "")),
			Number(li.querySelector(".each span").textContent.replace(/\D/g, "")),
		]),
	);
	assert.deepEqual(
		shown.map(([name, , n]) => [name, n]),
		wanted.map((w) => [w.state, w.n]),
	);
	// The selection's ends are between two ns.
	shown.forEach(([name, ns], i) => assert.ok(Math.abs(ns - wanted[i].ns) <= 2, name));
	const about = await browser.evaluate(
		() => document.querySelector("#tables .about").textContent,
	);
	assert.match(about, /^selected: /);
	const table = await browser.evaluate(() => {
		const at = [...document.querySelectorAll("#tables th")].findIndex(
			(th) => th.textContent === "guest",
		);
		return document.querySelector("#tables tbody tr").cells[at].title;
	});
	const guest = wanted.find((w) => w.state === "guest").ns;
	assert.ok(Math.abs(Number(table.replace(/\D/g, "")) - guest) <= 2, "the table says the same");
});

test("a click says what was there", { skip }, async () => {
	await fresh();
	const time = 10.8e9;
	const { x, y } = await spot(vcpu, time);
	await browser.clickAt(x, y);
	await browser.until(() => document.querySelector("#details .state strong"));
	const { selection, row } = await view(browser);
	assert.equal(row, vcpu);
	const [said] = sql.statesAt(rows, experiment.start, [
		{ row: vcpu, time: Math.floor(selection.start) },
	]);
	const details = await browser.evaluate(() =>
		document.querySelector("#details").innerText.replace(/\u202f/g, ""),
	);
	assert.ok(details.includes(said.state), details);
	const digits = (ns) => `${Math.floor(ns / 1e9)}.${String(ns % 1e9).padStart(9, "0")}`;
	assert.ok(
		details.includes(digits(said.start)) && details.includes(digits(said.end)),
		`${details} ${said.start}`,
	);
});

test("a finding is shown where it was worst, at who it was, and told again there", { skip }, async () => {
	await fresh();
	await browser.until(() => document.querySelector("#details button.finding"));
	const [title, said] = await browser.evaluate(() => [
		document.querySelector("#details h2").textContent,
		[...document.querySelectorAll(".findings strong")].map((e) => e.textContent),
	]);
	assert.equal(title, "Why VMs were slow");
	const why = JSON.parse(
		execFileSync(program, ["why", file, "--format", "json"], { encoding: "utf8" }),
	);
	const wanted = JSON.stringify(why);
	said.forEach((text) => assert.ok(wanted.includes(JSON.stringify(text).slice(1, -1)), text));

	const { findings } = await (
		await fetch(new URL(`api/experiments/${experiment.id}/findings`, server.url), {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: "{}",
		})
	).json();
	const at = findings.findIndex((f) => f.culprit !== undefined);
	assert.ok(at >= 0, "a finding with a culprit");
	const before = await browser.evaluate(() => location.hash);
	await browser.evaluate((at) => document.querySelectorAll("button.finding")[at].click(), at);
	await settle(browser, 400);
	const { row, selection, range } = await view(browser);
	const { start, end, culprit, row: victim } = findings[at];
	assert.deepEqual([row, selection], [culprit, { start, end }]);
	assert.ok(range.start <= start && range.end >= end);
	// Both rows are framed at the stretch's begin.
	const places = await Promise.all([victim, culprit].map((id) => spot(id, (start + end) / 2)));
	assert.ok(places.every(Boolean), "both rows are seen");
	await browser.until(() => document.querySelector("#details .why strong"));
	const told = () => browser.evaluate(() => document.querySelector("#details .why").textContent);
	assert.match(await told(), /^g1 lost .* of the .* that it wanted to run, to /);

	// The browser's Back is where the reader was; a stretch that is clicked has its sentence.
	await browser.until((before) => location.hash !== before, before);
	await browser.evaluate(() => history.back());
	await browser.until((before) => location.hash === before, before);
	assert.equal((await view(browser)).row, null);
	const [lost] = sql.rows(
		`SELECT ts - ${experiment.start} AS ts, dur FROM vcpu_state WHERE state = 'preempted' AND dur < 500000 ORDER BY dur DESC LIMIT 1`,
	);
	await change({
		pinned: [vcpu],
		range: { start: lost.ts - lost.dur, end: lost.ts + 2 * lost.dur },
	});
	const { x, y } = await spot(vcpu, lost.ts + lost.dur / 2);
	await browser.clickAt(x, y);
	await browser.until(() => document.querySelector("#details .why strong"));
	assert.match(await told(), /^g1 lost .* 100\.0 % of the .* that it wanted to run, to /);
});

test("a search goes to the next, and back to the previous", { skip }, async () => {
	await fresh();
	await browser.key("/");
	await browser.type("preempted >1ms");
	await browser.key("Enter");
	const wanted = sql.rows(
		`SELECT ts - ${experiment.start} AS ts, dur FROM vcpu_state WHERE state = 'preempted' AND dur >= 1000000 ORDER BY ts LIMIT 3`,
	);
	await browser.until(() => window.vmscope.view.state.selection !== null);
	const selected = async () => (await view(browser)).selection;
	assert.deepEqual(await selected(), { start: wanted[0].ts, end: wanted[0].ts + wanted[0].dur });
	await browser.key("Escape");
	await sleep(300);
	assert.deepEqual(
		(await view(browser)).query,
		{ text: "", states: ["preempted"], min: 1e6 },
		"Escape leaves the field only",
	);
	await browser.key("n");
	await browser.until((ts) => window.vmscope.view.state.selection?.start === ts, wanted[1].ts);
	await browser.key("N", ["Shift"]);
	await browser.until((ts) => window.vmscope.view.state.selection?.start === ts, wanted[0].ts);
	await settle(browser);
	// What does not match is dimmed.
	const { range } = await view(browser);
	const [guest] = sql.rows(
		`SELECT ts - ${experiment.start} + dur / 2 AS t FROM vcpu_state WHERE vcpu_id = 0 AND state = 'guest' AND
		ts - ${experiment.start} > ${Math.floor(range.start)} AND ts + dur - ${experiment.start} < ${Math.floor(range.end)} ORDER BY dur DESC LIMIT 1`,
	);
	const place = await spot(vcpu, guest.t);
	const [dimmed] = await pixels(browser, [place]);
	await browser.evaluate(() => window.vmscope.view.change({ query: null }));
	await settle(browser);
	const [bright] = await pixels(browser, [place]);
	assert.equal(bright, rows.states.vcpu.find((s) => s.name === "guest").color);
	assert.notEqual(dimmed, bright);
});

test("a search for a name finds its row", { skip }, async () => {
	await fresh();
	const thread = rows.threads.find((t) => t.comm === "lw-cpu");
	await browser.click(".search");
	await browser.type("lw-cpu user");
	await browser.key("Enter");
	await browser.until((id) => window.vmscope.view.state.row === id, thread.id);
	const { selection } = await view(browser);
	const [first] = sql.rows(
		`SELECT min(ts) - ${experiment.start} AS ts FROM thread_state WHERE thread_id = ${thread.id % 2 ** 26} AND state = 'user'`,
	);
	assert.equal(selection.start, first.ts);
});

test("rows are filtered, hidden and pinned", { skip }, async () => {
	await fresh();
	const names = () =>
		browser.evaluate(() =>
			[...document.querySelectorAll(".names-rest .name-row .name")].map((e) => e.textContent),
		);
	await browser.key("f");
	await browser.type("lw-pipe");
	await browser.until(() => window.vmscope.view.state.filter === "lw-pipe");
	await settle(browser);
	const filtered = await names();
	assert.ok(filtered.includes("lw-pipe-b") && !filtered.includes("lw-cpu"), `${filtered}`);
	await change({ filter: "", row: vcpu });
	await browser.click("#details .icon-button[title^=Pin]");
	await settle(browser);
	assert.deepEqual((await view(browser)).pinned, [vcpu]);
	assert.ok(
		await browser.evaluate(() =>
			document.querySelector(".names-pinned").textContent.includes("vCPU 0"),
		),
	);
	await browser.click("#details .icon-button[title^=Hide]");
	await settle(browser);
	assert.ok(!(await names()).includes("vCPU 0"));
	await browser.click("#toolbar .chips .chip");
	await settle(browser);
	assert.ok((await names()).includes("vCPU 0"));
});

test("what is shown alone is what shares are of, and one clock says all times", { skip }, async () => {
	await fresh();
	const lostOf = () =>
		browser.evaluate(
			() => document.querySelector(".name-row.vcpu .lost")?.textContent ?? "none",
		);
	// Wanted and lost within a part: by SQL, cut at its ends.
	const part = { start: 10e9, end: 11e9 };
	await change({ range: part });
	const within = `max(0, min(ts + dur, ${experiment.start} + ${part.end}) - max(ts, ${experiment.start} + ${part.start}))`;
	const sum = (states) =>
		`sum(CASE WHEN state IN (${states.map((s) => `'${s}'`).join()}) THEN ${within} ELSE 0 END)`;
	const lost = ["preempted", "waiting", "throttled"];
	const [{ l, w }] = sql.rows(
		`SELECT ${sum(lost)} AS l, ${sum([...lost, "guest", "hypervisor", "userspace"])} AS w FROM vcpu_state WHERE vcpu_id = 0`,
	);
	const said = Number(/([\d.]+)/.exec(await lostOf())?.[1] ?? 0);
	assert.ok(Math.abs(said - (100 * l) / w) <= 0.5, `${await lostOf()} for ${(100 * l) / w}`);

	await change({ clock: "utc" });
	await browser.click(".tab", "VM exits");
	await browser.until(() => document.querySelector("#tables tbody .go"));
	const times = () =>
		browser.evaluate(() => [...document.querySelectorAll("#tables .go")].map((e) => e.textContent));
	assert.ok((await times()).every((time) => /^\d\d:\d\d:\d\d\./.test(time)), `${await times()}`);
	await change({ clock: "relative" });
	assert.ok((await times()).every((time) => / s$/.test(time)), `${await times()}`);
});

test("a filter drops what does not match, and vCPUs and CPUs stand alone", { skip }, async () => {
	await fresh("f=vCPU");
	const kinds = () =>
		browser.evaluate(() =>
			[...document.querySelectorAll(".names-rest .name-row")].map((e) => e.className.split(" ")[1]),
		);
	assert.deepEqual([...new Set(await kinds())].sort(), ["machine", "vcpu"]);
	await change({ filter: "" });
	await browser.click(".g-cores");
	await settle(browser);
	assert.deepEqual([...new Set(await kinds())].sort(), ["cpu", "machine", "vcpu"]);
	assert.ok((await browser.evaluate(() => location.hash)) && (await view(browser)).cores);
});

test("at 400 px nothing lies over anything else, and words are whole", { skip }, async () => {
	await fresh();
	await browser.resize(400, HEIGHT);
	await settle(browser, 300);
	const wrong = await browser.evaluate(() => {
		const box = (e) => e.getBoundingClientRect();
		const found = [];
		const parts = [...document.querySelectorAll("#graph, #charts, #tables, #details, #legend")];
		parts.forEach((a, i) =>
			parts.slice(i + 1).forEach((b) => {
				const over = Math.min(box(a).bottom, box(b).bottom) - Math.max(box(a).top, box(b).top);
				if (over > 1) found.push(`${a.id} over ${b.id} by ${over}`);
			}),
		);
		const about = box(document.querySelector(".about"));
		const tabs = box(document.querySelector(".tabs"));
		if (about.left < tabs.right - 1 && about.top < tabs.bottom - 1 && about.bottom > tabs.top + 1) {
			found.push("shown: lies over the tabs");
		}
		for (const e of document.querySelectorAll("#legend .name, #legend .help, .lines .name")) {
			if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") {
				found.push(`cut: ${e.textContent}`);
			}
		}
		if (document.documentElement.scrollWidth > 400) found.push("wider than the window");
		return found;
	});
	await browser.resize(WIDTH, HEIGHT);
	assert.deepEqual(wrong, []);
});

test("a table is sorted, and its worst exit is shown in the graph", { skip }, async () => {
	await fresh();
	await browser.click(".tab", "VM exits");
	await browser.click("#tables th button", "Longest");
	const [worst] = sql.rows(
		`SELECT ts - ${experiment.start} AS ts, dur, name FROM vm_exit ORDER BY dur DESC LIMIT 1`,
	);
	await browser.until(
		(name) => document.querySelector("#tables tbody tr")?.textContent.includes(name),
		worst.name,
	);
	await browser.click("#tables tbody tr .go");
	await settle(browser);
	const { selection, range, row } = await view(browser);
	assert.deepEqual(selection, { start: worst.ts, end: worst.ts + worst.dur });
	assert.ok(range.start < worst.ts && range.end > worst.ts + worst.dur);
	assert.equal(row, vcpu);
	// Every row of the column is at most the one before it.
	const longest = await browser.evaluate(() => {
		const at = [...document.querySelectorAll("#tables th")].findIndex((th) =>
			th.textContent.startsWith("Longest"),
		);
		return [...document.querySelectorAll("#tables tbody tr")].map((tr) =>
			Number(tr.cells[at].title.replace(/\D/g, "")),
		);
	});
	assert.deepEqual(
		longest,
		[...longest].sort((a, b) => b - a),
	);
});

test("a table is copied as CSV, and a link to the view", { skip }, async () => {
	await fresh();
	await browser.click(".tab", "VM exits");
	await browser.until(() => document.querySelectorAll("#tables tbody tr").length > 3);
	await browser.click("#tables .tools [title^=Copy]");
	await browser.until(() => document.querySelector("#status").textContent.includes("copied"));
	const lines = (await browser.clipboard()).trim().split(/\r?\n/);
	const wanted = sql.rows(
		"SELECT name, count(*) AS n, sum(dur) AS ns FROM vm_exit GROUP BY name",
	);
	const [head, ...cells] = lines.map((line) => line.split(","));
	const at = (name) => head.indexOf(name);
	const copied = cells.map((row) => [
		row[at("reason")],
		Number(row[at("count")]),
		Number(row[at("total_ns")]),
	]);
	const sort = (rows) => rows.sort((a, b) => a[0].localeCompare(b[0]));
	assert.deepEqual(sort(copied), sort(wanted.map(({ name, n, ns }) => [name, n, ns])));
	await browser.click("#toolbar [title^='Copy a link']");
	await browser.until(() => document.querySelector("#status").textContent.includes("Link"));
	assert.equal(await browser.clipboard(), await browser.evaluate(() => location.href));
});

test("the table is made higher, and the graph lower", { skip }, async () => {
	await fresh();
	const heights = () =>
		browser.evaluate(() =>
			[".tables-body", "#graph"].map((s) => document.querySelector(s).offsetHeight),
		);
	const [table, graph] = await heights();
	const { x, y } = await browser.place(".split");
	await browser.drag({ x, y }, { x, y: y - 80 });
	assert.deepEqual(await heights(), [table + 80, graph - 80]);
});

test("exits are drawn as often as they were", { skip }, async () => {
	await fresh(`t=13000000000-14000000000`);
	const series = await browser.until(() => {
		const names = [...document.querySelectorAll(".chart:first-child .lines .name")].map(
			(e) => e.textContent,
		);
		return names.length > 0 && names;
	});
	const wanted = sql.rows(
		`SELECT name, count(*) AS n FROM vm_exit WHERE ts - ${experiment.start} BETWEEN 13000000000 AND 14000000000 GROUP BY name ORDER BY n DESC`,
	);
	assert.equal(series[0], wanted[0].name);
	assert.deepEqual([...series].sort(), wanted.map((w) => w.name).sort());
});

test("charts stand under the graph's time axis", { skip }, async () => {
	await fresh();
	// Charts come a moment after the graph, and take their margins from it.
	await browser.until(() => {
		const over = document.querySelector(".chart .u-over")?.getBoundingClientRect();
		const rows = document.querySelector(".g-rows").getBoundingClientRect();
		const isBelow = (edge) => Math.abs(over[edge] - rows[edge]) <= 1;
		return over && isBelow("left") && isBelow("right");
	});
	await settle(browser, 300);
	const { x, y } = await browser.place(".chart .u-over");
	await browser.mouse("mouseMoved", x, y);
	const time = await browser.until(() => window.vmscope.view.hover.time);
	assert.ok(Math.abs(time - experiment.duration / 2) < experiment.duration / 300);
	await browser.drag({ x: x - 100, y }, { x: x + 100, y });
	const { selection } = await view(browser);
	assert.ok(selection.end - selection.start > experiment.duration / 5);
});

test("a link shows the same again", { skip }, async () => {
	await fresh();
	const thread = rows.threads.find((t) => t.comm === "lw-pipe").id;
	await change({
		range: { start: 11e9, end: 12.5e9 },
		selection: { start: 11.1e9, end: 11.2e9 },
		row: thread,
		pinned: [vcpu, thread],
		query: { text: "", states: ["wait-cpu"], min: 1000 },
		filter: "lw",
		tab: "threads",
		clock: "utc",
	});
	await browser.until(() => location.hash.includes("utc"));
	const first = await view(browser);
	const link = await browser.evaluate(() => location.href);
	const before = await browser.evaluate((row) => window.vmscope.stateAt(row, 11.15e9), thread);
	await browser.goto("about:blank");
	await browser.goto(link);
	await browser.until(() => window.vmscope?.phase.kind === "ready");
	await settle(browser);
	assert.deepEqual(await view(browser), first);
	assert.deepEqual(
		await browser.evaluate((row) => window.vmscope.stateAt(row, 11.15e9), thread),
		before,
	);
	assert.equal(
		await browser.evaluate(() => document.querySelector(".search").value),
		"wait-cpu >1us",
	);
});

test("the view is exported as PNG, SVG and CSV", { skip }, async () => {
	await fresh("t=10000000000-11000000000");
	const saved = async (format) => {
		await browser.click("[popovertarget=export-menu]");
		await browser.click(`[data-format=${format}]`);
		const name = join(dir, `vmscope-one.vms.${format}`);
		for (
			let i = 0;
			i < 100 &&
			!(existsSync(name) && !readdirSync(dir).some((f) => f.endsWith(".crdownload")));
			i++
		) {
			await sleep(50);
		}
		return readFileSync(name);
	};
	const png = await saved("png");
	assert.equal(png.subarray(1, 4).toString(), "PNG");
	assert.ok(png.readUInt32BE(16) > 2000 && png.readUInt32BE(20) > 500);
	const svg = (await saved("svg")).toString();
	assert.ok(
		svg.includes("vCPU 0") &&
			svg.includes(rows.states.vcpu.find((s) => s.name === "guest").color),
	);
	// One entry per name, no row without anything, and no tick beyond the edge.
	const drawn = await browser.evaluate((svg) => {
		const doc = new DOMParser().parseFromString(svg, "image/svg+xml");
		const legend = [...doc.querySelectorAll("rect[width='14']")].map(
			(box) => box.nextElementSibling.textContent,
		);
		const holder = document.body.appendChild(document.createElement("div"));
		holder.innerHTML = svg;
		const width = Number(doc.documentElement.getAttribute("width"));
		const right = Math.max(...[...holder.querySelectorAll("text")].map((t) => t.getBBox().x + t.getBBox().width));
		holder.remove();
		return { legend, width, right };
	}, svg);
	assert.equal(new Set(drawn.legend).size, drawn.legend.length, `${drawn.legend}`);
	assert.ok(drawn.right <= drawn.width, `text to ${drawn.right} of ${drawn.width}`);
	const problem = await browser.evaluate(
		(svg) =>
			new DOMParser().parseFromString(svg, "image/svg+xml").querySelector("parsererror")
				?.textContent ?? "",
		svg,
	);
	assert.equal(problem, "");
	const lines = (await saved("csv"))
		.toString()
		.trim()
		.split("\r\n")
		.map((line) => line.split(","));
	assert.deepEqual(lines[0], [
		...["row", "begin_ns", "end_ns", "state", "label", "truth", "begin", "end"],
	]);
	const exact = lines.filter((line) => line[0].endsWith("vCPU 0") && line[5] === "exact");
	assert.ok(exact.length > 5);
	const said = sql.statesAt(
		rows,
		experiment.start,
		exact.map((line) => ({ row: vcpu, time: Number(line[1]) })),
	);
	// Labels are there however short a state is, and times by the clock of the host, too.
	const short = exact.filter((line) => line[3] === "hypervisor" && line[2] - line[1] < 1e5);
	assert.ok(short.length > 0, "no short state");
	const named = sql.rows(
		`SELECT ts - ${experiment.start} AS ts, exit_name AS name FROM vcpu_state WHERE vcpu_id = 0 AND exit_name IS NOT NULL`,
	);
	const names = new Map(named.map(({ ts, name }) => [ts, name]));
	short.forEach((line) => assert.equal(line[4], names.get(Number(line[1])) ?? "", `${line}`));
	assert.match(exact[0][6], /^10\.\d{9}$|^9\.\d{9}$/);
	exact.forEach((line, i) =>
		assert.deepEqual(
			[said[i].start, said[i].end, said[i].state],
			[Number(line[1]), Number(line[2]), line[3]],
		),
	);
});

test("light and dark", { skip }, async () => {
	await fresh();
	const ground = async () => (await pixels(browser, [{ x: 700, y: 12 }]))[0];
	const brightness = (color) =>
		parseInt(color.slice(1, 3), 16) +
		parseInt(color.slice(3, 5), 16) +
		parseInt(color.slice(5, 7), 16);
	assert.ok(brightness(await ground()) > 600);
	const place = await spot(vcpu, 10.8e9);
	await browser.key("t");
	await settle(browser, 100);
	assert.ok(brightness(await ground()) < 150);
	assert.deepEqual(await pixels(browser, [place]), [
		rows.states.vcpu.find((s) => s.name === "guest").color,
	]);
	await fresh();
	assert.ok(brightness(await ground()) < 150, "the choice is remembered");
	await browser.key("t");
	await settle(browser, 100);
	assert.ok(brightness(await ground()) > 600);
	await browser.key("t");
	await browser.dark(true);
	await settle(browser, 100);
	assert.ok(brightness(await ground()) < 150, "as the system says");
	await browser.dark(false);
});

test("the help has every key, and Escape closes it", { skip }, async () => {
	await fresh();
	await browser.key("?");
	const text = await browser.until(
		() => document.querySelector("dialog.help[open]")?.textContent,
	);
	for (const key of ["w or i", "Ctrl+Z", "Shift+N", "Double click"]) {
		assert.ok(text.includes(key), key);
	}
	await browser.key("Escape");
	await browser.until(() => !document.querySelector("dialog[open]"));
});

test("another recording is opened, and analyzed before it is shown", { skip }, async () => {
	await fresh();
	await browser.key("o");
	await browser.click("dialog[open] input[name=path]");
	await browser.type("/nonexistent");
	await browser.key("Enter");
	const said = await browser.until(
		() => document.querySelector("dialog[open] .error")?.textContent,
	);
	assert.ok(said.length > 5, said);
	const copy = join(dir, "other");
	cpSync(recording, copy, { recursive: true });
	await browser.evaluate(
		() => (document.querySelector("dialog[open] input[name=path]").value = ""),
	);
	await browser.click("dialog[open] input[name=path]");
	await browser.type(copy);
	await browser.key("Enter");
	await browser.until(
		(id) => window.vmscope.phase.kind === "ready" && window.vmscope.phase.experiment.id !== id,
		experiment.id,
	);
	// So near that no state stands for others.
	await change({ range: { start: 15.2995e9, end: 15.3005e9 } });
	const [other] = await browser.evaluate(
		(row, time) => [window.vmscope.stateAt(row, time)],
		vcpu,
		15.3e9,
	);
	assert.equal(
		other.state,
		sql.statesAt(rows, experiment.start, [{ row: vcpu, time: 15300000000 }])[0].state,
	);
});

test("says what was wrong with a recording", { skip }, async () => {
	const shown = () => {
		const button = document.querySelector(".warnings");
		return button.hidden ? "" : button.textContent;
	};
	assert.equal(await browser.evaluate(shown), "");
	const unsynced = join(dir, "unsynced.vms");
	execFileSync(program, ["analyze", "--sync", "none", recording, "-o", unsynced], {
		stdio: "ignore",
	});
	const { id } = await (
		await fetch(new URL("api/open", server.url), {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ path: unsynced }),
		})
	).json();
	await openPage(browser, server.url, `e=${id}`);
	assert.equal(await browser.evaluate(shown), "1 warning");
	await browser.click(".warnings");
	const said = await browser.evaluate(() => document.querySelector("dialog[open]").textContent);
	assert.match(said, /warning.*g1: clock-not-synchronized.*--clock-offset/s);
	// What it says is not of another recording.
	await browser.evaluate((hash) => (location.hash = hash), `e=${experiment.id}`);
	await browser.until(
		(id) => window.vmscope.phase.kind === "ready" && window.vmscope.phase.experiment.id === id,
		experiment.id,
	);
	await browser.until(() => !document.querySelector("dialog[open]"));
});

/** A copy of the recording whose clocks count from boot, as those of most tracers do. */
function sinceBoot() {
	const copy = join(dir, "since-boot");
	cpSync(recording, copy, { recursive: true });
	for (const machine of ["host", "g1"]) {
		const metadata = join(copy, machine, "kernel", "metadata");
		const text = readFileSync(metadata, "latin1");
		const without = text.replace(/(?<=offset = )\d{19}(?=;)/, "0".repeat(19));
		assert.notEqual(without, text);
		writeFileSync(metadata, without, "latin1");
	}
	const results = join(dir, "boot.vms");
	execFileSync(program, ["analyze", copy, "-o", results], { stdio: "ignore" });
	return results;
}

/** Presses Tab until what has the focus is as wanted. */
async function tabTo(selector) {
	for (let i = 0; i < 200; i++) {
		await browser.key("Tab");
		if (await browser.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)) {
			return;
		}
	}
	assert.fail(`Tab does not come to ${selector}`);
}

test("a whole inquiry by keyboard alone: the worst stretch, why, and its export", { skip }, async () => {
	await fresh();
	await browser.until(() => document.querySelector("#details button.finding"));
	await tabTo("button.finding");
	await browser.key("Enter");
	await settle(browser, 400);
	await browser.until(() => document.querySelector("#details .why strong"));
	const { selection } = await view(browser);
	assert.ok(selection && selection.end > selection.start);
	// The range that is shown is typed over, by the host's clock in UTC.
	await change({ clock: "utc" });
	await browser.key("g");
	const iso = (time) => new Date(Number((BigInt(experiment.start) + BigInt(time)) / 1_000_000n)).toISOString().slice(11, 23);
	const [from, to] = [Math.floor(selection.start / 1e6) * 1e6, Math.ceil(selection.end / 1e6) * 1e6 + 2e6];
	await browser.type(`${iso(from)} .. ${iso(to)}`);
	await browser.key("Enter");
	await settle(browser);
	const { range } = await view(browser);
	assert.ok(Math.abs(range.start - from) < 1e6 && Math.abs(range.end - to) < 1e6, `${range.start} ${from}`);
	await browser.key("m");
	await browser.type("the stall");
	await browser.key("Enter");
	assert.deepEqual((await view(browser)).notes.map((n) => n.text), ["the stall"]);
	await tabTo("[popovertarget=export-menu]");
	await browser.key("Enter");
	await tabTo("[data-format=csv]");
	const name = join(dir, "vmscope-one.vms.csv");
	rmSync(name, { force: true });
	await browser.key("Enter");
	for (let i = 0; i < 100 && !existsSync(name); i++) {
		await sleep(50);
	}
	assert.match(readFileSync(name, "utf8"), /^row,begin_ns,.*\r\n.*vCPU 0/s);
});

test("a link opens the same view of the same recording elsewhere", { skip }, async () => {
	await fresh(`t=10000000000-11000000000&r=${vcpu}&n=10500000000~here&c=1`);
	await settle(browser, 300);
	const link = await browser.evaluate(() => location.hash);
	const seen = await view(browser);
	const elsewhere = mkdtempSync(join(tmpdir(), "vmscope-elsewhere-"));
	const moved = join(elsewhere, "another-name.vms");
	cpSync(file, moved);
	const other = await Server.start(program, moved);
	try {
		await openPage(browser, other.url, link.slice(1));
		const { experiment: id, ...rest } = await view(browser);
		const { experiment: before, ...wanted } = seen;
		assert.notEqual(id, before);
		assert.deepEqual(rest, wanted);
	} finally {
		await leave(other);
		rmSync(elsewhere, { recursive: true });
	}
});

test("axe finds no violation: light, dark, on a phone, with a dialog", { skip }, async () => {
	const axe = readFileSync(join(built, "node_modules", "axe-core", "axe.min.js"), "utf8");
	const check = async (what) => {
		await settle(browser, 300);
		await browser.send("Runtime.evaluate", { expression: `${axe};0` });
		const found = await browser.evaluate(async () =>
			(await window.axe.run(document)).violations.map((v) => `${v.id}: ${v.nodes[0].html}`),
		);
		assert.deepEqual(found, [], what);
	};
	try {
		await fresh();
		await browser.until(() => document.querySelector("#details button.finding"));
		await check("findings");
		await change({ row: vcpu, selection: { start: 10e9, end: 11e9 }, query: { text: "", states: ["preempted"], min: 0 }, tab: "vcpus" });
		await browser.until(() => /hit/.test(document.querySelector(".hit-count").textContent));
		await check("a row, a range and a search");
		await change({ theme: "dark", tab: "recording" });
		await check("dark, events");
		await browser.key("?");
		await check("help");
		await browser.key("Escape");
		await change({ theme: "light", tab: "exits" });
		await browser.resize(400, HEIGHT);
		await check("on a phone");
	} finally {
		await browser.resize(WIDTH, HEIGHT);
		await change({ theme: "auto" });
	}
});

test("events of the recording stand beside the lanes, and lead to their moment", { skip }, async () => {
	// Where the recording was is not served: that is said, and asked for.
	await fresh("tab=recording");
	await browser.until(() => /the recording of .* was at/.test(document.querySelector("#tables").innerText));
	const served = await Server.start(program, "--root", recording, file);
	try {
		const [{ ts }] = sql.rows(
			`SELECT ts - ${experiment.start} AS ts FROM vm_exit ORDER BY ts LIMIT 1 OFFSET 3000`,
		);
		const part = { start: ts, end: ts + 3e6 };
		const { id } = (await (await fetch(new URL("api/experiments", served.url))).json())[0];
		await openPage(browser, served.url, `e=${id}&tab=recording&t=${part.start}-${part.end}&c=1`);
		await browser.until(() => document.querySelectorAll(".event-line").length > 2);
		const out = execFileSync(program, ["events", "--format", "json", "--filter", "*", join(recording, "host")], {
			maxBuffer: 1 << 28,
			encoding: "utf8",
			stdio: ["ignore", "pipe", "ignore"],
		});
		const start = BigInt(experiment.start);
		const wanted = out
			.split("\n")
			.filter(Boolean)
			// Times have more digits than a double.
			.map((line) => [Number(BigInt(/"ts":(\d+)/.exec(line)[1]) - start), /"name":"([^"]+)"/.exec(line)?.[1]])
			.filter(([time, name]) => name && time >= part.start && time < part.end);
		const host = rows.machines.find((m) => m.parent === null).id;
		const marks = await browser.evaluate(() => window.vmscope.view.marks);
		assert.deepEqual(
			marks.filter((m) => m.machine === host).map((m) => [m.time, m.name]).sort(),
			wanted.sort(),
		);
		assert.match(
			await browser.evaluate(() => document.querySelector(".event-line .fields").textContent),
			/\w+=/,
		);
		await browser.click(".event-line:nth-child(2)");
		await settle(browser, 300);
		const { selection } = await view(browser);
		assert.deepEqual(selection, { start: marks[1].time, end: marks[1].time });
		await change({ selection: { start: marks[3].time, end: marks[3].time } });
		await browser.until(() => document.querySelector(".event-line.chosen")?.dataset.index === "3");
		await change({ query: { text: "sched_switch", states: [], min: 0 } });
		await browser.until(() =>
			[...document.querySelectorAll(".event-line .name")].every((e) => e.textContent === "sched_switch"),
		);
	} finally {
		await leave(served);
	}
});

test("without a time of day, times are since boot", { skip }, async () => {
	const boot = await Server.start(program, sinceBoot());
	const note = () => browser.evaluate(() => document.querySelector(".g-clock").textContent);
	// The details follow the view a moment later.
	const from = (before) =>
		browser.until((before) => {
			const text = document.querySelector("#details dd")?.textContent.replace(/\u202f/g, "");
			return text !== before && text;
		}, before);
	try {
		await openPage(browser, boot.url);
		const { start, time_origin } = await browser.evaluate(() => window.vmscope.phase.experiment);
		assert.equal(time_origin, "boot");
		assert.equal(await note(), "time since the recording began");
		await change({ row: vcpu, selection: { start: 10e9, end: 10e9 } });
		const relative = await from(null);
		await browser.click(".g-clock");
		await browser.until(() => location.hash.includes("clock=boot"));
		assert.equal(await note(), "time since boot");
		const since = await from(relative);
		const ns = (text) => BigInt(text.replace(/[^\d]/g, ""));
		assert.match(since, /^\d+\.\d{9} s$/);
		assert.equal(ns(since) - ns(relative), BigInt(start));
		await browser.click(".g-clock");
		await browser.until(() => !location.hash.includes("clock"));
		// A link that was made for another recording.
		await openPage(browser, boot.url, "clock=utc");
		assert.equal(await note(), "time since boot");
		await browser.key("o");
		const listed = await browser.until(
			() => document.querySelector("dialog[open] .experiments")?.textContent,
		);
		assert.match(listed, /44\.216 s after boot, 20\.19 s/);
		const all = await browser.evaluate(() => document.body.innerText);
		assert.ok(!/1970|UTC/.test(all), all);
	} finally {
		await leave(boot);
	}
});

test("nothing was complained about, and nothing came from elsewhere", { skip }, async () => {
	const urls = [];
	browser.on("Network.requestWillBeSent", ({ request }) => urls.push(request.url));
	await fresh();
	await browser.key("w");
	await settle(browser, 500);
	// A refused path is an answer that the browser notes.
	const complaints = browser.complaints.filter((text) => !/api\/open|\/events/.test(text));
	assert.deepEqual(complaints, []);
	assert.ok(urls.length > 5);
	const foreign = urls.filter(
		(url) => !url.startsWith(server.url) && !/^(data|blob|about):/.test(url),
	);
	assert.deepEqual(foreign, []);
	const reply = await fetch(server.url);
	assert.match(reply.headers.get("content-security-policy"), /default-src 'self'/);
});

test("says when the server is gone", { skip }, async () => {
	const short = await Server.start(program, file);
	await openPage(browser, short.url);
	await short.stop();
	await browser.evaluate(() =>
		window.vmscope.view.change({ range: { start: 1e9, end: 1.001e9 } }),
	);
	await browser.until(() => /does not answer|server is gone/i.test(document.body.innerText));
});
