import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeLanes, type Lane } from "../../src/api";
import { BLANK, fillColumns, stateEnd, stateIndex, type Tile } from "../../src/graph/pixels";
import { DIMMED } from "../../src/graph/palette";

interface Given {
	row: number;
	states: readonly (readonly [begin: number, state: number, label?: number, truth?: number])[];
	end: number;
}

/** A reply as docs/server.md says it is. */
function encode(lanes: readonly Given[], labels: readonly string[]): ArrayBuffer {
	const text = new TextEncoder().encode(JSON.stringify(labels));
	const m = lanes.reduce((n, lane) => n + lane.states.length, 0);
	const data = new ArrayBuffer(16 + lanes.length * 16 + m * 12 + text.length);
	const view = new DataView(data);
	[0x314c4d56, lanes.length, m, text.length].forEach((word, i) =>
		view.setUint32(i * 4, word, true),
	);
	const begins = 16 + lanes.length * 16;
	let k = 0;
	lanes.forEach((lane, i) => {
		view.setInt32(16 + i * 16, lane.row, true);
		view.setUint32(20 + i * 16, lane.states.length, true);
		view.setFloat64(24 + i * 16, lane.end, true);
		for (const [begin, state, label = 0, truth = 0] of lane.states) {
			view.setFloat64(begins + k * 8, begin, true);
			view.setUint16(begins + m * 8 + k * 2, label, true);
			view.setUint8(begins + m * 10 + k, state);
			view.setUint8(begins + m * 11 + k, truth);
			k++;
		}
	});
	new Uint8Array(data).set(text, begins + m * 12);
	return data;
}

function laneOf(given: Given, labels: readonly string[] = []): Lane {
	return decodeLanes(encode([given], labels))[0] as Lane;
}

function tileOf(lane: Lane): Tile {
	return { range: { start: lane.begin[0] ?? 0, end: lane.end }, resolution: 1, lane };
}

function fill(lane: Lane, start: number, end: number, pixels: number): number[] {
	const columns = new Uint8Array(pixels).fill(BLANK);
	fillColumns(columns, { start, end }, tileOf(lane));
	return [...columns];
}

test("a reply of lanes is cut as it was put together", () => {
	const given = [
		{
			row: 67108864,
			states: [
				[0, 1],
				[2 ** 40 + 1, 4, 1, 0],
				[2 ** 41, 2, 2, 1],
			],
			end: 2 ** 42 + 3,
		},
		{ row: 5, states: [], end: 0 },
		{ row: 134217728, states: [[7, 9, 1, 2]], end: 11 },
	] as const;
	const [first, none, last] = decodeLanes(encode(given, ["qemu ü", "NPF"])) as [Lane, Lane, Lane];
	assert.equal(first.row, 67108864);
	assert.deepEqual([...first.begin], [0, 2 ** 40 + 1, 2 ** 41]);
	assert.deepEqual([...first.state], [1, 4, 2]);
	assert.deepEqual([...first.label], [0, 1, 2]);
	assert.deepEqual([...first.truth], [0, 0, 1]);
	assert.equal(first.end, 2 ** 42 + 3);
	assert.equal(none.begin.length, 0);
	assert.equal(last.row, 134217728);
	assert.deepEqual([...last.begin], [7]);
	assert.equal(last.labels[(last.label[0] as number) - 1], "qemu ü");
});

test("a damaged reply is refused", () => {
	const good = encode([{ row: 1, states: [[0, 1]], end: 5 }], []);
	assert.throws(() => decodeLanes(new ArrayBuffer(3)));
	assert.throws(() => decodeLanes(good.slice(0, good.byteLength - 1)));
	new DataView(good).setUint32(20, 4, true);
	assert.throws(() => decodeLanes(good));
	assert.throws(() =>
		decodeLanes(new TextEncoder().encode('{"title": "Not a reply"}').buffer as ArrayBuffer),
	);
});

test("a time belongs to the state that began at or before it", () => {
	const lane = laneOf({
		row: 1,
		states: [
			[10, 1],
			[20, 2],
			[30, 3],
		],
		end: 40,
	});
	const at = [9, 10, 19.9, 20, 39, 40].map((time) => stateIndex(lane, time));
	assert.deepEqual(at, [-1, 0, 0, 1, 2, -1]);
	assert.equal(stateEnd(lane, 1), 30);
	assert.equal(stateEnd(lane, 2), 40);
});

test("a state that fills a column is what is drawn there", () => {
	const lane = laneOf({
		row: 1,
		states: [
			[0, 1],
			[40, 2],
			[50, 3],
		],
		end: 100,
	});
	assert.deepEqual(fill(lane, 0, 100, 10), [1, 1, 1, 1, 2, 3, 3, 3, 3, 3]);
});

test("a column with several states has the one with most of its time", () => {
	// Two short ones of state 5 are more than one of state 6 together.
	const lane = laneOf({
		row: 1,
		states: [
			[0, 5],
			[3, 6],
			[7, 5],
			[10, 1],
		],
		end: 20,
	});
	assert.deepEqual(fill(lane, 0, 20, 2), [5, 1]);
	const other = laneOf({
		row: 1,
		states: [
			[0, 5],
			[3, 6],
			[9, 5],
		],
		end: 10,
	});
	assert.deepEqual(fill(other, 0, 10, 1), [6]);
});

test("beyond what is known nothing is drawn", () => {
	const lane = laneOf({ row: 1, states: [[20, 1]], end: 40 });
	assert.deepEqual(fill(lane, 0, 60, 6), [BLANK, BLANK, 1, 1, BLANK, BLANK]);
	assert.deepEqual(fill(lane, 100, 200, 2), [BLANK, BLANK]);
	assert.deepEqual(fill(laneOf({ row: 1, states: [], end: 0 }), 0, 10, 2), [BLANK, BLANK]);
});

test("columns far narrower than a ns, and ranges far from zero, are right", () => {
	const base = 2 ** 45;
	const lane = laneOf({
		row: 1,
		states: [
			[base, 1],
			[base + 5, 2],
		],
		end: base + 10,
	});
	const columns = fill(lane, base, base + 10, 2000);
	assert.ok(columns.slice(0, 1000).every((s) => s === 1));
	assert.ok(columns.slice(1000).every((s) => s === 2));
});

test("whatever the zoom, each column agrees with a slow count of its time", () => {
	const states: [number, number][] = [];
	let seed = 7;
	const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
	for (let at = 0; at < 10_000; at += 1 + random(40)) {
		states.push([at, random(9)]);
	}
	const lane = laneOf({ row: 1, states, end: 10_050 });
	for (const [start, end, pixels] of [
		[0, 10_000, 333],
		[123, 4567, 1000],
		[50, 60, 64],
		[0, 10_050, 7],
	] as const) {
		fill(lane, start, end, pixels).forEach((drawn, c) => {
			const per = (end - start) / pixels;
			const [from, to] = [start + c * per, start + (c + 1) * per];
			const time = new Array<number>(9).fill(0);
			states.forEach(([begin, state], i) => {
				const part = Math.min(stateEnd(lane, i), to) - Math.max(begin, from);
				time[state] = (time[state] as number) + Math.max(part, 0);
			});
			const most = Math.max(...time);
			assert.ok((time[drawn] as number) > most - 1e-6 * per, `column ${c} of ${pixels}`);
		});
	}
});

test("what a search matches is seen even among more of something else", () => {
	const lane = laneOf({
		row: 1,
		states: [
			[0, 1],
			[8, 2],
			[10, 1],
		],
		end: 20,
	});
	const columns = new Uint8Array(2);
	fillColumns(columns, { start: 0, end: 20 }, tileOf(lane), (l, i) => l.state[i] === 2);
	assert.deepEqual([...columns], [2, 1 + DIMMED]);
});
