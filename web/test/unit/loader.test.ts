import assert from "node:assert/strict";
import { test } from "node:test";

import type { ExperimentApi, GraphOutput, Lane, RowId, TimeRange } from "../../src/api";
import { Loader } from "../../src/graph/loader";

interface Asked {
	output: GraphOutput;
	range: TimeRange;
	pixels: number;
	items: readonly RowId[];
	signal: AbortSignal;
	answer: () => void;
	fail: (e: unknown) => void;
}

const lane = (row: RowId, range: TimeRange): Lane => ({
	row,
	begin: Float64Array.of(range.start),
	state: Uint8Array.of(1),
	label: Uint16Array.of(0),
	truth: Uint8Array.of(0),
	end: range.end,
	labels: [],
});

/** A server that answers when the test says so. */
function server() {
	const asked: Asked[] = [];
	const api = {
		lanes: (
			output: GraphOutput,
			range: TimeRange,
			pixels: number,
			items: RowId[],
			signal: AbortSignal,
		) =>
			new Promise<Lane[]>((resolve, reject) => {
				const answer = () => resolve(items.map((row) => lane(row, range)));
				signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
				asked.push({ output, range, pixels, items, signal, answer, fail: reject });
			}),
	} as unknown as ExperimentApi;
	return { asked, api };
}

const rows = [
	{ id: 1, output: "vcpus" },
	{ id: 2, output: "vcpus" },
	{ id: 3, output: "threads" },
] as const;
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
const HOUR = 3600e9;

function setUp() {
	const { asked, api } = server();
	const failures: (string | null)[] = [];
	const loader = new Loader(
		api,
		HOUR,
		() => undefined,
		(message) => failures.push(message),
	);
	return { asked, loader, failures };
}

test("while the view moves nothing is asked; when it rests, once per output", async () => {
	const { asked, loader } = setUp();
	loader.want({ range: { start: 0, end: HOUR }, pixels: 1000, rows });
	await sleep(10);
	asked.forEach((a) => a.answer());
	await loader.settled();
	assert.deepEqual(
		asked.map((a) => [a.output, a.items]),
		[
			["vcpus", [1, 2]],
			["threads", [3]],
		],
	);
	for (let i = 1; i <= 20; i++) {
		loader.want({ range: { start: i * 1e9, end: HOUR - i * 1e9 }, pixels: 1000, rows });
		await sleep(3);
	}
	assert.equal(asked.length, 2);
	await sleep(120);
	assert.equal(asked.length, 4);
	loader.close();
});

test("what is there is drawn meanwhile, the best last, and is not asked for again", async () => {
	const { asked, loader } = setUp();
	const whole = { start: 0, end: HOUR };
	const part = { start: 100e9, end: 110e9 };
	loader.want({ range: whole, pixels: 1000, rows });
	await sleep(10);
	asked.forEach((a) => a.answer());
	await loader.settled();
	loader.want({ range: part, pixels: 1000, rows });
	assert.equal(loader.of(1, part).length, 1);
	await sleep(120);
	asked.forEach((a) => a.answer());
	await loader.settled();
	const tiles = loader.of(1, part);
	assert.equal(tiles.length, 2);
	assert.ok((tiles[0]?.resolution ?? 0) > (tiles[1]?.resolution ?? 0));
	// A little to the side is in what was got around the view; and all of it is there still.
	const before = asked.length;
	loader.want({ range: { start: 102e9, end: 112e9 }, pixels: 1000, rows });
	await loader.settled();
	loader.want({ range: whole, pixels: 1000, rows });
	await loader.settled();
	assert.equal(asked.length, before);
	loader.close();
});

test("an answer that nobody waits for any more is cancelled", async () => {
	const { asked, loader, failures } = setUp();
	loader.want({ range: { start: 0, end: 1e9 }, pixels: 1000, rows });
	await sleep(10);
	loader.want({ range: { start: 50e9, end: 51e9 }, pixels: 1000, rows });
	await sleep(120);
	assert.deepEqual(
		asked.map((a) => a.signal.aborted),
		[true, true, false, false],
	);
	asked.forEach((a) => a.answer());
	await loader.settled();
	assert.equal(loader.of(1, { start: 50e9, end: 51e9 }).length, 1);
	assert.ok(failures.every((message) => message === null));
	loader.close();
});

test("a failure is said, and said to be over", async () => {
	const { asked, loader, failures } = setUp();
	loader.want({ range: { start: 0, end: 1e9 }, pixels: 1000, rows: rows.slice(0, 1) });
	await sleep(10);
	asked[0]?.fail(new Error("The server does not answer"));
	await sleep(10);
	assert.deepEqual(failures, ["The server does not answer"]);
	loader.want({ range: { start: 0, end: 1e9 }, pixels: 1000, rows: rows.slice(0, 1) });
	await sleep(120);
	asked[1]?.answer();
	await loader.settled();
	assert.deepEqual(failures, ["The server does not answer", null]);
	loader.close();
});

test("memory is bounded however many rows are looked at", async () => {
	const { asked, loader } = setUp();
	const range = { start: 0, end: 1e9 };
	for (let first = 0; first < 2000; first += 100) {
		const some = Array.from({ length: 100 }, (_, i) => ({
			id: first + i,
			output: "threads" as const,
		}));
		loader.want({ range, pixels: 100, rows: some });
		await sleep(first === 0 ? 5 : 80);
		asked.forEach((a) => a.answer());
		await loader.settled();
	}
	const kept = Array.from({ length: 2000 }, (_, id) => loader.of(id, range).length).filter(
		(n) => n > 0,
	);
	assert.ok(kept.length <= 300 && kept.length >= 100);
	loader.close();
});
