import assert from "node:assert/strict";
import { test } from "node:test";

import type { Arrows } from "../../src/api";
import { arrowsOf, MOST_DRAWN } from "../../src/graph/arrows";

test("a row has the arrows that come to it and those that go from it", () => {
	const all: Arrows = {
		from: [1, 2, 3, 1],
		to: [2, 3, 1, 4],
		start: [10, 20, 30, 40],
		end: [11, 22, 33, 44],
		more: false,
	};
	assert.deepEqual(arrowsOf(all, 3), [
		{ from: 2, to: 3, start: 20, end: 22 },
		{ from: 3, to: 1, start: 30, end: 33 },
	]);
	assert.deepEqual(arrowsOf(all, 5), []);
});

test("of very many arrows so many are drawn that they can still be told apart", () => {
	const n = 5 * MOST_DRAWN;
	const ones = new Array<number>(n).fill(1);
	const times = ones.map((_, i) => i);
	const drawn = arrowsOf({ from: ones, to: ones, start: times, end: times, more: true }, 1);
	assert.equal(drawn.length, MOST_DRAWN);
});
