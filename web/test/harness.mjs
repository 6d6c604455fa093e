// What the tests of the page share: a server of their own, what SQL says, and a browser that shows
// the page.

import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { Browser } from "./chromium.mjs";

/** Kinds of rows with states, by the first part of their id, as docs/server.md has them. */
const VCPU = 1;
const THREAD = 2;
const CPU = 3;
const INDEX_BITS = 26;

export class Server {
	static async start(program, ...args) {
		const server = new Server();
		server.child = spawn(program, ["serve", "--port", "0", ...args], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		const [line] = await Promise.race([
			new Promise((done) =>
				createInterface(server.child.stdout).once("line", (text) => done([text])),
			),
			new Promise((_, fail) =>
				server.child.once("exit", () => fail(new Error("the server ended at once"))),
			),
		]);
		server.url = /http:\S+/.exec(line)[0];
		return server;
	}

	stop() {
		return new Promise((done) => {
			this.child.once("exit", done);
			this.child.kill("SIGTERM");
		});
	}
}

/** Numbers that look random and are the same in every run. */
export function randomNumbers(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

export class Sql {
	constructor(program, file) {
		this.program = program;
		this.file = file;
	}

	/** Times are beyond what a double holds exactly: ask for them as `ts - START`. */
	rows(statement) {
		const out = execFileSync(
			this.program,
			["query", this.file, statement, "--format", "json"],
			{ maxBuffer: 1 << 28 },
		);
		return JSON.parse(out);
	}

	/** The condition that selects a row's lane, and its table. */
	lane(rows, id) {
		const kind = Math.floor(id / 2 ** INDEX_BITS);
		const index = id % 2 ** INDEX_BITS;
		if (kind === VCPU) {
			return { table: "vcpu_state", where: `vcpu_id = ${index}` };
		}
		if (kind === THREAD) {
			return { table: "thread_state", where: `thread_id = ${index}` };
		}
		if (kind !== CPU) {
			throw new Error(`${id} has no states`);
		}
		const cpu = rows.cpus.find((c) => c.id === id);
		return { table: "cpu_state", where: `machine_id = ${cpu.machine} AND cpu = ${cpu.cpu}` };
	}

	/** The states at [{row, time}, ...], times since `start`: [{state, start, end}, ...]. */
	statesAt(rows, start, points) {
		const found = [];
		for (let first = 0; first < points.length; first += 100) {
			const selects = points.slice(first, first + 100).map(({ row, time }, i) => {
				const { table, where } = this.lane(rows, row);
				const t = `(${start} + ${time})`;
				return `SELECT ${first + i} AS n, state, ts - ${start} AS ts, dur FROM ${table} WHERE ${where} AND ts <= ${t} AND ts + dur > ${t}`;
			});
			for (const { n, state, ts, dur } of this.rows(selects.join(" UNION ALL "))) {
				found[n] = { state, start: ts, end: ts + dur };
			}
		}
		return found;
	}
}

/** The page of an experiment, ready and drawn. */
export async function openPage(browser, url, hash = "") {
	await browser.goto("about:blank");
	await browser.goto(url + (hash && `#${hash}`));
	await browser.until(() => window.vmscope?.phase.kind === "ready");
	await settle(browser);
}

/** Waits until what is looked at is drawn, and panels have caught up. */
export async function settle(browser, ms = 0) {
	await browser.evaluate(async (ms) => {
		await new Promise((done) => setTimeout(done, ms));
		await window.vmscope.settled();
	}, ms);
}

export async function view(browser) {
	return browser.evaluate(() => window.vmscope.view.state);
}

/** Colours "#rrggbb" of what is seen at places, as a screenshot shows them. */
export async function pixels(browser, spots) {
	const png = (await browser.screenshot()).toString("base64");
	return browser.evaluate(
		async (png, spots) => {
			const image = new Image();
			image.src = `data:image/png;base64,${png}`;
			await image.decode();
			const canvas = new OffscreenCanvas(image.width, image.height);
			const ctx = canvas.getContext("2d", { willReadFrequently: true });
			ctx.drawImage(image, 0, 0);
			return spots.map(({ x, y }) => {
				const [r, g, b] = ctx.getImageData(Math.floor(x), Math.floor(y), 1, 1).data;
				return `#${((r << 16) | (g << 8) | b).toString(16).padStart(6, "0")}`;
			});
		},
		png,
		spots,
	);
}

export { Browser };
