// What the panels compute.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Truth, type Lane, type Rows, type Statistics, type Warning } from "../../src/api";
import { formatCount, formatShare } from "../../src/format";
import { Palette } from "../../src/graph/palette";
import { buildTree, shownRows } from "../../src/graph/tree";
import { foldByName, keepStrokes, MAX_LINES, shortNumber } from "../../src/panels/chart_data";
import { statisticsCsv, toCsv } from "../../src/panels/csv";
import { stateLines, toSvg, type Picture } from "../../src/panels/picture";
import { parseQuery, queryText, searches, searchFrom } from "../../src/panels/search";
import { sumStates } from "../../src/panels/statistics";
import { sortRows } from "../../src/panels/table";
import { arrange, tableRange } from "../../src/panels/tables";
import { summary, title } from "../../src/panels/warnings";
import type { TimeLine } from "../../src/time";
import { initialState } from "../../src/view";

const STATES = new Set(["stolen", "wait-cpu", "guest", "preempted"]);

function style(name: string, color: string) {
	return { name, help: `${name} it was`, color, sets: [] };
}

/** A host with a guest of one vCPU and two threads. */
const ROWS: Rows = {
	machines: [
		{ id: 0, name: "g1", role: "guest", parent: 1, begin: 0, end: 100, time_origin: "epoch" },
		{ id: 1, name: "host", role: "host", parent: null, begin: 0, end: 100, time_origin: "epoch" },
	],
	vcpus: [{ id: 10, machine: 0, index: 0, host: 1, tid: 7, times: [0, 5, 5] }],
	threads: [
		{
			id: 20,
			machine: 0,
			process: 0,
			tid: 3,
			pid: 3,
			comm: "web",
			vcpu: null,
			container: null,
			times: [0, 9, 1],
		},
		{
			id: 21,
			machine: 0,
			process: 0,
			tid: 4,
			pid: 4,
			comm: "guestd",
			vcpu: null,
			container: null,
			times: [0, 3, 7],
		},
	],
	cpus: [{ id: 30, machine: 1, cpu: 0, times: [0, 4, 6] }],
	containers: [],
	warnings: [],
	states: {
		vcpu: [
			style("unknown", "#ffffff"),
			style("guest", "#009e73"),
			style("preempted", "#d55e00"),
		],
		thread: [style("unknown", "#ffffff"), style("user", "#009e73"), style("stolen", "#d55e00")],
		cpu: [style("unknown", "#ffffff"), style("idle", "#d9d9d9"), style("vm", "#009e73")],
	},
};

function lane(
	row: number,
	begin: number[],
	state: number[],
	end: number,
	truth: number[] = state.map(() => 0),
): Lane {
	return {
		row,
		begin: Float64Array.from(begin),
		label: new Uint16Array(begin.length),
		state: Uint8Array.from(state),
		truth: Uint8Array.from(truth),
		end,
		labels: [],
	};
}

test("a query is told apart into states, a length and text", () => {
	assert.deepEqual(parseQuery("stolen >1.5ms lw-write", STATES), {
		text: "lw-write",
		states: ["stolen"],
		min: 1.5e6,
	});
	assert.deepEqual(parseQuery("  Preempted guest ", STATES), {
		text: "",
		states: ["preempted", "guest"],
		min: 0,
	});
	assert.deepEqual(parseQuery("my server", STATES), { text: "my server", states: [], min: 0 });
	assert.deepEqual(parseQuery(">20µs", STATES), { text: "", states: [], min: 20_000 });
	assert.equal(parseQuery(">1.0007us", STATES)?.min, 1001);
	assert.equal(parseQuery("   ", STATES), null);
});

test("a query as text is the same query", () => {
	for (const text of [
		"stolen >1500us lw-write",
		"guest preempted",
		">1s",
		"NPF",
		">7ns wait-cpu x y",
	]) {
		const query = parseQuery(text, STATES);
		assert.deepEqual(parseQuery(queryText(query), STATES), query);
	}
	assert.equal(queryText(null), "");
});

test("a name is searched for in its row, and as a label everywhere else", () => {
	const tree = buildTree(ROWS);
	const query = { text: "web", states: [], min: 5 };
	const asked = searches(tree, ROWS, query, 100, "next");
	assert.deepEqual(
		asked.map(({ output, items, label }) => [output, items, label]),
		[
			["vcpus", [10], "web"],
			["threads", [20], undefined],
			["threads", [20, 21], "web"],
			["cpus", [30], "web"],
		],
	);
	assert.ok(asked.every((s) => s.from === 100 && s.direction === "next" && s.min === 5));
});

test("a state is only searched for where it is one", () => {
	const asked = searches(
		buildTree(ROWS),
		ROWS,
		{ text: "", states: ["stolen", "vm"], min: 0 },
		0,
		"previous",
	);
	assert.deepEqual(
		asked.map(({ output, states }) => [output, states]),
		[
			["threads", ["stolen"]],
			["cpus", ["vm"]],
		],
	);
});

test("a search goes on from the selection, unless the view has left it", () => {
	const range = { start: 100, end: 200 };
	assert.equal(searchFrom(range, { start: 150, end: 160 }, "next"), 150);
	assert.equal(searchFrom(range, { start: 50, end: 60 }, "next"), 100);
	assert.equal(searchFrom(range, { start: 250, end: 260 }, "previous"), 200);
	assert.equal(searchFrom(range, null, "previous"), 200);
});

test("states are summed up within the range", () => {
	const sums = sumStates(lane(10, [0, 10, 30, 40], [1, 2, 1, 0], 100), { start: 5, end: 50 });
	assert.deepEqual(sums, [
		{ state: 2, sum: 20, each: { count: 1, min: 20, mean: 20, max: 20 } },
		{ state: 1, sum: 15, each: { count: 2, min: 5, mean: 7.5, max: 10 } },
		{ state: 0, sum: 10, each: { count: 1, min: 10, mean: 10, max: 10 } },
	]);
});

test("gathered states are not counted one by one", () => {
	const sums = sumStates(lane(10, [0, 10], [1, 2], 30, [Truth.Exact, Truth.Gathered]), {
		start: 0,
		end: 30,
	});
	assert.deepEqual(
		sums.map((s) => [s.state, s.sum, s.each]),
		[
			[2, 20, null],
			[1, 10, null],
		],
	);
});

const TABLE: Statistics = {
	columns: [
		{ name: "row", title: "", type: "row", help: "" },
		{ name: "name", title: "Name", type: "text", help: "" },
		{ name: "total", title: "Total", type: "ns", help: "" },
		{ name: "max_at", title: "Longest at", type: "time", help: "" },
	],
	rows: [
		[1, "t10", 5, 9007199254740991],
		[2, "t9", 50, null],
		[3, 'a "b", c', 7, 1],
	],
};

test("tables are sorted by number and by name, and what has no value comes last", () => {
	const ids = (column: string, descending: boolean) =>
		sortRows(TABLE, { column, descending }).map((row) => row[0]);
	assert.deepEqual(ids("total", true), [2, 3, 1]);
	assert.deepEqual(ids("name", false), [3, 2, 1]);
	assert.deepEqual(ids("max_at", false), [3, 1, 2]);
	assert.deepEqual(ids("max_at", true), [1, 3, 2]);
	assert.deepEqual(ids("none", true), [1, 2, 3]);
});

test("what explains least stands last, with its numbers", () => {
	const column = (name: string) => ({ name, title: name, type: "ns" as const, help: "" });
	const table = {
		columns: ["total", "unknown", "user", "irq", "stolen"].map(column),
		rows: [[10, 1, 2, 3, 4]],
	};
	const { columns, rows } = arrange(table);
	assert.deepEqual(
		columns.map((c) => c.name),
		["total", "user", "stolen", "irq", "unknown"],
	);
	assert.deepEqual(rows, [[10, 2, 4, 3, 1]]);
});

test("tables become CSV that reads back", () => {
	assert.equal(
		statisticsCsv(TABLE, (time) => `at ${time}`),
		"name,total_ns,max_at_ns,max_at\r\nt10,5,9007199254740991,at 9007199254740991\r\n" +
			't9,50,,\r\n"a ""b"", c",7,1,at 1\r\n',
	);
	assert.equal(toCsv(["a"], [["x\ny"]]), 'a\r\n"x\ny"\r\n');
});

test("tables are about the selection, unless it is a moment", () => {
	const range = { start: 0, end: 100 };
	assert.deepEqual(tableRange({ range, selection: { start: 10, end: 20 } }), {
		start: 10,
		end: 20,
	});
	assert.equal(tableRange({ range, selection: { start: 10, end: 10 } }), range);
	assert.equal(tableRange({ range, selection: null }), range);
});

test("lines of the same name are added up, and the least become others", () => {
	const series = Array.from({ length: 12 }, (_, i) => ({
		id: i,
		name: `r${i % 10}`,
		y: [i, null, 1],
	}));
	const lines = foldByName({ x: [0, 1, 2], unit: "", series }, "sum", (_, name) => name);
	assert.equal(lines.length, MAX_LINES);
	assert.deepEqual(lines[0], { name: "r1", y: [12, null, 2] });
	assert.equal(lines[MAX_LINES - 1]?.name, "others");
	const all = lines.reduce((sum, line) => sum + (line.y[0] ?? 0), 0);
	assert.equal(all, 66);
});

test("shares are not added up, and of the longest the longest counts", () => {
	const series = Array.from({ length: 10 }, (_, i) => ({
		id: i,
		name: `v${i}`,
		y: [i * 10, i === 0 ? null : 5],
	}));
	const last = (how: "mean" | "max") =>
		foldByName({ x: [0, 1], unit: "", series }, how, (_, name) => name)[MAX_LINES - 1];
	// The first is 0 all over and not there; the next two are the least.
	assert.deepEqual(last("mean"), { name: "others, mean", y: [15, 5] });
	assert.deepEqual(last("max"), { name: "others, longest", y: [20, 5] });
});

test("a line keeps its colour", () => {
	const first = keepStrokes(new Map(), ["a", "b"], 3);
	assert.deepEqual(
		[...first],
		[
			["a", 0],
			["b", 1],
		],
	);
	const second = keepStrokes(first, ["c", "b"], 3);
	assert.equal(second.get("b"), 1);
	assert.notEqual(second.get("c"), 1);
	assert.equal(keepStrokes(second, ["b", "c", "d", "e"], 3).get("e"), undefined);
});

test("numbers are short at axes and exact elsewhere", () => {
	assert.deepEqual([0, 999, 1500, 2_000_000, 0.25].map(shortNumber), [
		"0",
		"999",
		"1.5 k",
		"2 M",
		"0.25",
	]);
	assert.equal(formatCount(1234567), "1\u202f234\u202f567");
	assert.equal(formatShare(1, 3), "33.3 %");
	assert.equal(formatShare(1, 100000), "< 0.1 %");
	assert.equal(formatShare(0, 5), "");
});

function picture(): Picture {
	const tree = buildTree(ROWS);
	const { rows } = shownRows(tree, initialState());
	return {
		title: "a & <b>",
		line: { start: "1795396679191196227", time_origin: "epoch" },
		clock: "relative",
		range: { start: 0, end: 100 },
		rows,
		lanes: new Map([[10, lane(10, [0, 50], [1, 2], 100)]]),
		palette: new Palette(ROWS.states, false, "#ffffff"),
		colors: { ground: "#ffffff", text: "#000000", quiet: "#666666", grid: "#eeeeee" },
	};
}

test("the drawing has each state where it was, and is well-formed", () => {
	const { svg } = toSvg(picture());
	assert.ok(svg.includes("a &#38; &#60;b&#62;"));
	assert.match(svg, /<path fill="#009e73" d="M230 \d+h620v15h-620z"\/>/);
	assert.match(svg, /<path fill="#d55e00" d="M850 \d+h620v15h-620z"\/>/);
	assert.ok(!/NaN|undefined|null/.test(svg));
});

test("the states of a view are lines of a table", () => {
	assert.deepEqual(stateLines(picture()), [
		["g1 › vCPU 0", 0, 50, "guest", "", "exact", "0.000000000", "0.000000050"],
		["g1 › vCPU 0", 50, 100, "preempted", "", "exact", "0.000000050", "0.000000100"],
	]);
});

test("warnings are counted without what is only good to know, and say where and when", () => {
	const lost: Warning = {
		name: "events-lost",
		severity: "damage",
		machine: 0,
		count: 12,
		first: 1.5e9,
		help: "",
		detail: null,
	};
	const known: Warning = { ...lost, severity: "info", machine: null, count: 1, first: null };

	assert.equal(summary([]), "");
	assert.equal(summary([known]), "");
	assert.equal(summary([lost, known]), "1 warning");
	assert.equal(summary([lost, lost]), "2 warnings");
	const line: TimeLine = { start: "7000000000", time_origin: "boot" };
	assert.match(title(lost, ROWS, "relative", line), /^g1: events-lost, 12 times, first at 1\.5/);
	assert.match(title(lost, ROWS, "boot", line), /^g1: events-lost, 12 times, first at 8\.5/);
	assert.equal(title(known, ROWS, "relative", line), "events-lost");
});
