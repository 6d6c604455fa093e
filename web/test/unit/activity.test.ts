import assert from "node:assert/strict";
import { test } from "node:test";

import type { Column, StateSet, StateStyle } from "../../src/api";
import { activeRows } from "../../src/graph/activity";

const column = (name: string, type: Column["type"]): Column => ({
	name,
	title: name,
	type,
	help: "",
});

const style = (name: string, set: StateSet): StateStyle => ({
	name,
	help: "",
	color: "#123456",
	sets: [set],
});

const STATES = [
	style("unknown", "unknown"),
	style("user", "ran"),
	style("blocked", "idle"),
	style("dead", "absent"),
];

test("a thread is active that was in any state but asleep, gone or unknown", () => {
	const columns = [
		column("row", "row"),
		column("tid", "number"),
		column("total", "ns"),
		column("unknown", "ns"),
		column("user", "ns"),
		column("wait-cpu", "ns"),
		column("blocked", "ns"),
		column("dead", "ns"),
	];
	const rows = [
		[1, 9, 100, 0, 100, 0, 0, 0],
		[2, 9, 100, 40, 0, 0, 30, 30],
		[3, 9, 100, 0, 0, 1, 99, 0],
		[4, 9, 100, null, null, null, 100, null],
	];
	assert.deepEqual(activeRows({ columns, rows }, STATES), new Set([1, 3]));
});
