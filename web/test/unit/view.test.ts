import assert from "node:assert/strict";
import { test } from "node:test";

import {
	clampRange,
	fromHash,
	initialState,
	toHash,
	View,
	zoomRange,
	type ViewState,
} from "../../src/view";

const everything: ViewState = {
	...initialState(),
	experiment: "c6cb8ad9-ff4f-810f-a3e7-a45cfd58654b",
	range: { start: 15_900_000_001, end: 16_200_000_007 },
	selection: { start: 16_000_000_000, end: 16_000_000_001 },
	row: 67108865,
	pinned: [67108865, 201326592],
	hidden: ["m2", "t134217730"],
	toggled: ["q0"],
	filter: "lw-cpu & co",
	active: true,
	query: { text: "a+b, c=d #é", states: ["preempted", "wait-cpu"], min: 1500 },
	tab: "exits",
	clock: "utc",
};

test("a link brings back what was looked at, to the ns", () => {
	const { theme, ...read } = { ...initialState(), ...fromHash(`#${toHash(everything)}`) };
	const { theme: own, ...written } = everything;
	assert.equal(theme, own);
	assert.deepEqual(read, written);
});

test("a link says only what is not as it begins with", () => {
	assert.equal(toHash({ ...initialState(), experiment: "e1" }), "e=e1");
	assert.equal(fromHash(toHash({ ...initialState(), tab: "" })).tab, "");
});

test("an address that makes no sense is no address", () => {
	const read = fromHash("#t=9-5&s=-1-x&r=abc&pin=1,zwei,3&clock=sundial&qm=NaN&%%%");
	assert.deepEqual(read.range, { start: 0, end: 0 });
	assert.equal(read.selection, null);
	assert.equal(read.row, null);
	assert.deepEqual(read.pinned, [1, 3]);
	assert.equal(read.clock, "relative");
	assert.equal(read.query, null);
});

test("the range stays within the recording and does not become nothing", () => {
	assert.deepEqual(clampRange({ start: -50, end: 50 }, 1000), { start: 0, end: 100 });
	assert.deepEqual(clampRange({ start: 950, end: 1050 }, 1000), { start: 900, end: 1000 });
	assert.deepEqual(clampRange({ start: -5000, end: 5000 }, 1000), { start: 0, end: 1000 });
	assert.deepEqual(clampRange({ start: 500, end: 500.5 }, 1000), { start: 500, end: 510 });
});

test("zooming keeps the time under the pointer where it is", () => {
	const zoomed = zoomRange({ start: 100, end: 300 }, 0.5, 150);
	assert.deepEqual(zoomed, { start: 125, end: 225 });
	assert.equal((150 - zoomed.start) / (zoomed.end - zoomed.start), (150 - 100) / 200);
});

function viewAt(clock: { ms: number }): View {
	const view = new View({ experiment: "e" }, () => clock.ms);
	view.setDuration(1_000_000);
	return view;
}

test("a turn of the wheel is one step back, and back is back again", () => {
	const clock = { ms: 0 };
	const view = viewAt(clock);
	for (let i = 1; i <= 5; i++) {
		clock.ms += 20;
		view.change({ range: { start: i * 10, end: 1_000_000 - i * 10 } });
	}
	clock.ms += 20;
	view.change({ selection: { start: 5, end: 9 } });
	view.undo();
	assert.equal(view.state.selection, null);
	assert.deepEqual(view.state.range, { start: 50, end: 999_950 });
	view.undo();
	assert.deepEqual(view.state.range, { start: 0, end: 1_000_000 });
	assert.equal(view.canUndo, false);
	view.redo();
	view.redo();
	assert.deepEqual(view.state.selection, { start: 5, end: 9 });
	assert.equal(view.canRedo, false);
});

test("what is done after going back takes the place of what was gone back from", () => {
	const clock = { ms: 0 };
	const view = viewAt(clock);
	view.change({ row: 1 });
	clock.ms += 1000;
	view.change({ row: 2 });
	view.undo();
	clock.ms += 1000;
	view.change({ row: 3 });
	assert.equal(view.canRedo, false);
	view.undo();
	assert.equal(view.state.row, 1);
});

test("what cannot be undone is no step", () => {
	const view = viewAt({ ms: 0 });
	view.change({ filter: "x", theme: "dark" });
	assert.equal(view.canUndo, false);
});

test("listeners hear what changed, and nothing when nothing did", () => {
	const view = viewAt({ ms: 0 });
	const heard: string[][] = [];
	const end = view.subscribe((_, changed) => heard.push([...changed]));
	view.change({ row: 7, filter: "" });
	view.change({ row: 7 });
	end();
	view.change({ row: 8 });
	assert.deepEqual(heard, [["row"]]);
});

test("going to what is short zooms in until it can be seen, to what fits keeps the zoom", () => {
	const view = viewAt({ ms: 0 });
	view.goTo({ row: 4, start: 500_000, end: 500_010 });
	const { range, selection, row } = view.state;
	assert.equal(row, 4);
	assert.deepEqual(selection, { start: 500_000, end: 500_010 });
	assert.ok(range.start < 500_000 && range.end > 500_010);
	assert.ok(range.end - range.start <= 100);
	view.goTo({ start: 700_000, end: 700_020 });
	assert.equal(view.state.range.end - view.state.range.start, range.end - range.start);
});

test("another experiment has none of the last one's rows, times and steps", () => {
	const view = viewAt({ ms: 0 });
	view.change({ row: 3, pinned: [3], range: { start: 1, end: 100 }, clock: "utc" });
	view.choose("f");
	assert.deepEqual(view.state, { ...initialState(), experiment: "f", clock: "utc" });
	assert.equal(view.canUndo, false);
	view.setDuration(50);
	assert.deepEqual(view.state.range, { start: 0, end: 50 });
});

test("a link's range survives until the experiment's length is known", () => {
	const view = new View({ experiment: "e", range: { start: 10, end: 40 } });
	view.setDuration(1000);
	assert.deepEqual(view.state.range, { start: 10, end: 40 });
});
