import assert from "node:assert/strict";
import { test } from "node:test";

import type { Machine, Rows } from "../../src/api";
import { findRecordings, showing, shownAlone } from "../../src/recordings";
import { initialState } from "../../src/view";

function machine(id: number, name: string, parent: number | null, span: [number, number] | null): Machine {
	const [begin, end] = span ?? [null, null];
	const role = parent === null ? "host" : "guest";
	const time_origin = name === "host" ? "epoch" : name === "host#2" ? "boot" : null;
	return { id, name, role, parent, begin, end, time_origin };
}

function rows(...machines: Machine[]): Rows {
	const states = { vcpu: [], thread: [], cpu: [] };
	return { machines, vcpus: [], threads: [], cpus: [], containers: [], warnings: [], states };
}

const TWO_DAYS = rows(
	machine(0, "g1", 1, [1000, 1100]),
	machine(2, "g3", 3, [10, 200]),
	machine(4, "never seen", 3, null),
	machine(1, "host", null, [1000, 1100]),
	machine(3, "host#2", null, [0, 200]),
);

test("machines on one clock are one recording, others are others, by time", () => {
	assert.deepEqual(findRecordings(TWO_DAYS), [
		{ names: ["host#2", "g3"], machines: [3, 2], range: { start: 0, end: 200 }, origin: "boot" },
		{ names: ["host", "g1"], machines: [1, 0], range: { start: 1000, end: 1100 }, origin: "epoch" },
	]);
	const one = rows(machine(0, "g", 1, [5, 9]), machine(1, "h", null, [0, 9]));
	assert.equal(findRecordings(one).length, 1);
	assert.deepEqual(findRecordings(rows()), []);
});

test("one is shown without the rows of the others, and what the reader hid stays hidden", () => {
	const all = findRecordings(TWO_DAYS);
	const state = { ...initialState(), hidden: ["m3", "t17"] };
	assert.deepEqual(showing(all, all[0] ?? null, state, 1100), {
		range: { start: 0, end: 200 },
		hidden: ["t17", "m1", "m0"],
	});
	assert.deepEqual(showing(all, null, state, 1100), {
		range: { start: 0, end: 1100 },
		hidden: ["t17"],
	});
});

test("which one is shown follows the range", () => {
	const all = findRecordings(TWO_DAYS);
	assert.equal(shownAlone(all, { start: 1010, end: 1020 }), all[1]);
	assert.equal(shownAlone(all, { start: 0, end: 1100 }), null);
	assert.equal(shownAlone(all, { start: 300, end: 400 }), null);
});
