// page.mjs VMSCOPE FILE [MAX-MS]: how smooth the page is on a results file (bench/server makes
// large ones): what a frame costs while the view zooms and moves (CPU time of the page's thread;
// the browser paints in others), milliseconds from one frame to the next, and from when the view
// rests until all of it is drawn. In a headless Chromium without GPU, 1920 x 1080; a frame cannot
// be shorter than 16.7 ms. Fails if the cost of a frame is above MAX-MS at some zoom.

import { Browser } from "../web/test/chromium.mjs";
import { openPage, Server } from "../web/test/harness.mjs";

const FRAMES = 60;
const ROUNDS = 3;

/**
 * Runs in the page: a step of the view per frame. Return: ms between frames, and until all is
 * drawn.
 */
async function measure(span, frames, mode) {
	const { view } = window.vmscope;
	const whole = view.duration;
	const start = (whole - span) * 0.4;
	const at = (i) => {
		const by = mode === "pan" ? (span * i) / frames : 0;
		const shown =
			mode === "zoom" ? span * 4 ** (Math.sin((i / frames) * 2 * Math.PI) - 1) : span;
		return { start: start + by, end: start + by + shown };
	};
	view.change({ range: at(0) });
	await window.vmscope.settled();
	const times = [];
	let last = await new Promise((done) => requestAnimationFrame(done));
	for (let i = 1; i <= frames; i++) {
		view.change({ range: at(i) });
		const now = await new Promise((done) => requestAnimationFrame(done));
		times.push(now - last);
		last = now;
	}
	const rested = performance.now();
	await window.vmscope.settled();
	return { times, settled: performance.now() - rested };
}

/** CPU time that the page's thread has taken, in ms. */
async function cpuTime() {
	const { metrics } = await browser.send("Performance.getMetrics");
	return metrics.find((metric) => metric.name === "TaskDuration").value * 1000;
}

function quantile(values, share) {
	return [...values].sort((a, b) => a - b)[
		Math.min(Math.floor(values.length * share), values.length - 1)
	];
}

const [program, file, limit = "Infinity"] = process.argv.slice(2);
const server = await Server.start(program, file);
const browser = await Browser.start({ width: 1920, height: 1080 });
let worst = 0;
try {
	await openPage(browser, server.url);
	await browser.send("Performance.enable", { timeDomain: "threadTicks" });
	const duration = await browser.evaluate(() => window.vmscope.view.duration);
	console.log(
		"what       ns shown  |  CPU a frame  |  frame to frame: median    95 %   longest  |  until drawn",
	);
	for (let zoom = 1; zoom <= 1e5; zoom *= 10) {
		for (const mode of ["zoom", "pan"]) {
			const rounds = [];
			const before = await cpuTime();
			for (let i = 0; i < ROUNDS; i++) {
				rounds.push(await browser.evaluate(measure, duration / zoom, FRAMES, mode));
			}
			const times = rounds.flatMap((round) => round.times);
			const [median, most, longest] = [0.5, 0.95, 1].map((share) => quantile(times, share));
			const cost = ((await cpuTime()) - before) / (ROUNDS * FRAMES);
			const settled = quantile(
				rounds.map((round) => round.settled),
				0.5,
			);
			worst = Math.max(worst, cost);
			console.log(
				[
					`${mode.padEnd(5)} ${String(Math.round(duration / zoom)).padStart(13)}  |`,
					`${cost.toFixed(1).padStart(8)} ms  |`,
					`${median.toFixed(1).padStart(22)}${most.toFixed(1).padStart(8)}${longest.toFixed(1).padStart(10)}  |`,
					`${settled.toFixed(0).padStart(9)} ms`,
				].join(" "),
			);
		}
	}
	console.log(`a frame costs at most ${worst.toFixed(1)} ms`);
} finally {
	await browser.close();
	await server.stop();
}
process.exitCode = worst > Number(limit) ? 1 : 0;
