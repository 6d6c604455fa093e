// graph.test.mjs VMSCOPE RECORDING BUILT: the time graph under pointer and keys in a real browser.
// BUILT is where build_page.py built the page that is in VMSCOPE.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { findChromium, sleep } from "./chromium.mjs";
import { Browser, openPage, Server, settle, Sql, view } from "./harness.mjs";

const [program, recording, built] = process.argv.slice(2);
const ROWS_PER_KIND = 2 ** 26;

const dir = mkdtempSync(join(tmpdir(), "vmscope-graph-"));
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
let start;
let duration;
let vcpu;

before(async () => {
	if (skip) {
		return;
	}
	execFileSync(program, ["analyze", recording, "-o", file], { stdio: "ignore" });
	server = await Server.start(program, file);
	browser = await Browser.start({ width: 1280, height: 800 });
	sql = new Sql(program, file);
	await openPage(browser, server.url);
	({ rows, start, duration } = await browser.evaluate(() => {
		const { rows, experiment } = window.vmscope.phase;
		return { rows, start: experiment.start, duration: experiment.duration };
	}));
	vcpu = rows.vcpus[0].id;
});

after(async () => {
	await browser?.close();
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

beforeEach(async () => {
	if (!skip) {
		await openPage(browser, server.url, "t=10000000000-12000000000");
	}
});

const change = async (patch) => {
	await browser.evaluate((patch) => window.vmscope.view.change(patch), patch);
	await settle(browser);
};
const spot = (time, row = vcpu) =>
	browser.evaluate((row, time) => window.vmscope.pixelAt(row, time), row, time);
const range = async () => (await view(browser)).range;
const selection = async () => (await view(browser)).selection;
const near = (a, b, by) => Math.abs(a - b) <= by;
/** What two pixels of the graph are in time, when it shows 2 s. */
const SLACK = 8e6;

/** The vCPU's states around a time, as SQL has them. */
function states(time, n) {
	return sql.rows(
		`SELECT ts - ${start} AS start, ts - ${start} + dur AS end, state FROM vcpu_state
		WHERE vcpu_id = 0 AND ts + dur > ${start} + ${time} ORDER BY ts LIMIT ${n}`,
	);
}

test("dragging with Ctrl or the middle button moves what is shown", { skip }, async () => {
	const [a, b] = [await spot(11e9), await spot(10.5e9)];
	await browser.drag(a, b, { keys: ["Control"] });
	assert.ok(near((await range()).start, 10.5e9, SLACK), JSON.stringify(await range()));
	assert.ok(near((await range()).end, 12.5e9, SLACK));
	await browser.drag(b, a, { button: "middle" });
	assert.ok(near((await range()).start, 10e9, SLACK));
	assert.equal(await selection(), null);
});

test("dragging with the right button zooms, and z to the selection", { skip }, async () => {
	const [a, b] = [await spot(11.6e9), await spot(11.2e9)];
	await browser.drag(a, b, { button: "right" });
	const zoomed = await range();
	assert.ok(near(zoomed.start, 11.2e9, SLACK) && near(zoomed.end, 11.6e9, SLACK));
	await change({ selection: { start: 11.3e9, end: 11.4e9 } });
	await browser.key("z");
	const closer = await range();
	assert.ok(near(closer.start, 11.3e9, 5e6) && near(closer.end, 11.4e9, 5e6));
	await browser.key("z", ["Control"]);
	assert.deepEqual(await range(), zoomed);
	await browser.key("y", ["Control"]);
	assert.deepEqual(await range(), closer);
});

test("Shift+click moves the nearer end of the selection", { skip }, async () => {
	const { y } = await spot(11e9);
	const x = async (time) => (await spot(time)).x;
	await browser.drag({ x: await x(10.8e9), y }, { x: await x(11e9), y });
	await browser.clickAt(await x(11.5e9), y, { keys: ["Shift"] });
	let now = await selection();
	assert.ok(near(now.start, 10.8e9, SLACK) && near(now.end, 11.5e9, SLACK), JSON.stringify(now));
	await browser.clickAt(await x(10.2e9), y, { keys: ["Shift"] });
	now = await selection();
	assert.ok(near(now.start, 10.2e9, SLACK) && near(now.end, 11.5e9, SLACK), JSON.stringify(now));
});

test(
	"a double click selects a state to the ns, and . and , go on from there",
	{ skip },
	async () => {
		const [{ mid }] = sql.rows(
			`SELECT ts - ${start} + dur / 2 AS mid FROM vcpu_state WHERE vcpu_id = 0 AND
		ts - ${start} BETWEEN 10000000000 AND 11900000000 ORDER BY dur DESC LIMIT 1`,
		);
		const [first, second, third] = states(mid, 3);
		const { x, y } = await spot(mid);
		await browser.clickAt(x, y, { count: 2 });
		const is = (wanted) =>
			browser.until(({ start, end }) => {
				const { selection } = window.vmscope.view.state;
				return selection?.start === start && selection.end === end;
			}, wanted);
		await is(first);
		await browser.key(".");
		await is(second);
		await browser.key(".");
		await is(third);
		await browser.key(",");
		await is(second);
		const shown = await range();
		assert.ok(shown.start <= second.start && shown.end > second.start, "it is in view");
	},
);

test("what is under a resting pointer follows the view", { skip }, async () => {
	const { x, y } = await spot(10.5e9);
	await browser.mouse("mouseMoved", x, y);
	for (let i = 0; i < 4; i++) {
		await browser.key("w");
		await settle(browser, 150);
		const { time, row } = await browser.evaluate(() => window.vmscope.view.hover);
		assert.ok(near((await spot(time)).x, x, 1.5), `after ${i + 1} steps`);
		assert.equal(row, vcpu);
	}
	assert.ok(
		near(
			(await range()).start + ((await range()).end - (await range()).start) / 4,
			10.5e9,
			SLACK,
		),
	);
	const { tip, drawn } = await browser.evaluate(
		(row) => ({
			tip: document.querySelector(".tooltip").textContent,
			drawn: window.vmscope.stateAt(row, window.vmscope.view.hover.time).state,
		}),
		vcpu,
	);
	assert.ok(tip.startsWith(drawn), tip);
});

test("keys walk through the rows, open, close, pin and hide them", { skip }, async () => {
	const current = () =>
		browser.evaluate(() => document.querySelector(".name-row.current .name")?.textContent);
	await browser.clickAt((await spot(11e9)).x, (await spot(11e9)).y);
	await browser.until(() => document.querySelector(".name-row.current"));
	await browser.key("ArrowDown");
	await settle(browser);
	assert.equal(await current(), "CPU 0");
	await browser.key("ArrowLeft");
	await browser.key("ArrowLeft");
	await settle(browser);
	assert.equal(await current(), "vCPU 0");
	const shown = () =>
		browser.evaluate(() => document.querySelectorAll(".names-rest .name-row").length);
	const closed = await shown();
	await browser.key("ArrowRight");
	await settle(browser);
	assert.ok((await shown()) > closed);
	await browser.key("p");
	await settle(browser);
	assert.deepEqual((await view(browser)).pinned, [vcpu]);
	await browser.key("h");
	await settle(browser);
	assert.equal((await view(browser)).hidden.length, 1);
	assert.deepEqual((await view(browser)).pinned, []);
});

test("a row that a link selects is in view, however deep it is", { skip }, async () => {
	const quiet = rows.threads.filter((t) => t.machine === rows.machines.at(-1).id).at(-1).id;
	await openPage(browser, server.url, `r=${quiet}&t=10000000000-12000000000`);
	await settle(browser, 300);
	assert.notEqual(await spot(11e9, quiet), null);
});

test("the selected thread has the arrows of its wake-ups", { skip }, async () => {
	const thread = rows.threads.find((t) => t.comm === "lw-pipe" && t.times[1] > 1e6).id;
	const id = thread - 2 * ROWS_PER_KIND;
	const [{ ts }] = sql.rows(
		`SELECT ts - ${start} AS ts FROM wakeup WHERE thread_id = ${id} AND run_ns IS NOT NULL
		AND waker_thread_id IS NOT NULL ORDER BY ts LIMIT 1`,
	);
	await change({ row: thread, range: { start: ts - 1e6, end: ts + 20e6 } });
	const { start: from, end: to } = await range();
	const wanted = sql.rows(
		`SELECT ts - ${start} AS start, ts - ${start} + run_ns AS end,
		waker_thread_id + ${2 * ROWS_PER_KIND} AS "from", thread_id + ${2 * ROWS_PER_KIND} AS "to"
		FROM wakeup WHERE (thread_id = ${id} OR waker_thread_id = ${id})
		AND run_ns IS NOT NULL AND ts - ${start} >= ${from} AND ts - ${start} < ${to}`,
	);
	const lanes = new Set(rows.threads.map((t) => t.id));
	const both = wanted.filter((a) => lanes.has(a.from) && lanes.has(a.to));
	const shown = await browser.evaluate(() => window.vmscope.graph.arrowsShown);
	const text = (a) => `${a.start} ${a.end} ${a.from} ${a.to}`;
	assert.ok(shown.length > 0);
	assert.deepEqual(shown.map(text).sort(), both.map(text).sort());
	await change({ row: null });
	assert.deepEqual(await browser.evaluate(() => window.vmscope.graph.arrowsShown), []);
});

test("of the threads those are left that did anything", { skip }, async () => {
	await change({ range: { start: 10e9, end: 10.02e9 } });
	await browser.key("e");
	await settle(browser);
	const busy = sql.rows(
		`SELECT DISTINCT thread_id + ${2 * ROWS_PER_KIND} AS id FROM thread_state
		WHERE state NOT IN ('unknown', 'blocked', 'dead')
		AND ts - ${start} < 10020000000 AND ts + dur - ${start} > 10000000000`,
	);
	// All groups open, nothing scrolled: then what is placed is all there is.
	const groups = await browser.evaluate(() => {
		const { view, graph } = window.vmscope;
		const closed = [...graph.tree.byKey.values()].filter(
			(n) => n.children.length > 0 && !n.open,
		);
		view.change({ toggled: closed.filter((n) => n.key.startsWith("t")).map((n) => n.key) });
		return closed.length;
	});
	assert.ok(groups > 0);
	await browser.resize(1280, 3000);
	await settle(browser, 200);
	const shown = await browser.evaluate(() =>
		window.vmscope.graph
			.scene()
			.layout.placed.filter((p) => p.node.output === "threads")
			.map((p) => p.node.id),
	);
	await browser.resize(1280, 800);
	const wanted = busy.map((b) => b.id);
	const parents = new Set(
		rows.threads.filter((t) => wanted.includes(t.id)).map((t) => t.process),
	);
	for (const id of wanted) {
		assert.ok(shown.includes(id), `${id} ran`);
	}
	for (const id of shown) {
		assert.ok(wanted.includes(id) || parents.has(id), `${id} did nothing`);
	}
});

test("the strip above moves and sizes what is shown", { skip }, async () => {
	const strip = await browser.evaluate(() => {
		const { x, y, width, height } = document
			.querySelector(".g-overview")
			.getBoundingClientRect();
		return { x, y: y + height / 2, width };
	});
	const at = (time) => ({ x: strip.x + (time / duration) * strip.width, y: strip.y });
	const pixel = (2 * duration) / strip.width;
	await browser.drag(at(11e9), at(14e9));
	assert.ok(near((await range()).start, 13e9, pixel) && near((await range()).end, 15e9, pixel));
	await browser.drag(at(15e9), at(17e9));
	assert.ok(near((await range()).start, 13e9, pixel) && near((await range()).end, 17e9, pixel));
	await browser.drag(at(2e9), at(5e9));
	assert.ok(near((await range()).start, 2e9, pixel) && near((await range()).end, 5e9, pixel));
	await browser.clickAt(at(9e9).x, strip.y);
	assert.ok(
		near((await range()).start, 7.5e9, pixel) && near((await range()).end, 10.5e9, pixel),
	);
});

test("nothing moves when something else is looked at", { skip }, async () => {
	const heights = () =>
		browser.evaluate(() =>
			["graph", "charts", "tables"].map((id) => document.getElementById(id).offsetHeight),
		);
	const first = await heights();
	for (const [i, thread] of rows.threads.slice(0, 5).entries()) {
		const from = 1e9 + i * 3.5e9;
		await change({ row: thread.id, range: { start: from, end: from + 10 ** (4 + i) } });
		await settle(browser, 150);
		assert.deepEqual(await heights(), first);
	}
});

test("pixels are as many as the screen has", { skip }, async () => {
	for (const scale of [2, 1.25]) {
		await browser.resize(1280, 800, scale);
		// Without a picture of it a browser that nobody sees does not draw.
		await browser.screenshot();
		await settle(browser, 100);
		const [wide, css] = await browser.evaluate(() => {
			const canvas = document.querySelector(".g-rows");
			return [canvas.width, canvas.getBoundingClientRect().width];
		});
		assert.equal(wide, Math.round(css * scale));
	}
	await browser.resize(1280, 800);
});

test("wheels: rows scroll, Shift goes through time, Ctrl zooms", { skip }, async () => {
	const { x, y } = await spot(11e9);
	await browser.mouse("mouseWheel", x, y, { deltaY: 60 });
	await browser.until(() => document.querySelector(".g-scroller").scrollTop > 0);
	assert.deepEqual(await range(), { start: 10e9, end: 12e9 });
	await browser.mouse("mouseWheel", x, y, { deltaY: 100, keys: ["Shift"] });
	await sleep(50);
	const moved = await range();
	assert.ok(moved.start > 10e9 && near(moved.end - moved.start, 2e9, 1));
	await browser.mouse("mouseWheel", x, y, { deltaY: 100, keys: ["Control"] });
	await sleep(50);
	assert.ok((await range()).end - (await range()).start > 2.1e9);
	const before = await range();
	const axis = await browser.place(".g-axis");
	await browser.mouse("mouseWheel", axis.x, axis.y, { deltaY: -100 });
	await sleep(50);
	const after = await range();
	const middle = (r) => (r.start + r.end) / 2;
	assert.ok(after.end - after.start < before.end - before.start);
	assert.ok(near(middle(after), middle(before), SLACK), "around the time under the pointer");
});

test("nothing was complained about", { skip }, async () => {
	assert.deepEqual(browser.complaints, []);
});
