// Times and durations for people, and the ticks of a time axis. Times are ns since the experiment's
// start.

import type { TimeRange } from "./api";
import type { Clock } from "./view";

/** Stands between groups of three digits; numbers do not break at it. */
const GROUP = "\u202f";

const UNITS: readonly [number, string][] = [
	[1e9, "s"],
	[1e6, "ms"],
	[1e3, "µs"],
];

/** "12.35 ms": four digits, in the unit that fits; whole ns below 1 µs. */
export function formatDuration(ns: number, digits = 4): string {
	for (const [unit, name] of UNITS) {
		// What rounds up to 1000 of a unit belongs to the next one.
		if (Math.abs(ns) >= unit * (1 - 0.5 * 10 ** -digits)) {
			return `${fixed(Number((ns / unit).toPrecision(digits)), digits)} ${name}`;
		}
	}
	return `${Math.round(ns)} ns`;
}

function fixed(value: number, digits: number): string {
	const whole = Math.max(Math.floor(Math.log10(Math.abs(value))) + 1, 1);
	return value.toFixed(Math.max(digits - whole, 0));
}

/** The exact number of ns: "12 345 678 ns". */
export function formatExact(ns: number): string {
	return `${groupWhole(String(Math.round(ns)))} ns`;
}

function groupWhole(digits: string): string {
	return digits.replace(/\B(?=(\d{3})+$)/g, GROUP);
}

function groupFraction(digits: string): string {
	return digits.replace(/(\d{3})(?=\d)/g, `$1${GROUP}`);
}

/** How many decimals of a second tell times apart that are `step` ns from each other. */
export function decimals(step: number): number {
	return Math.min(Math.max(9 - Math.floor(Math.log10(Math.max(step, 1)) + 1e-9), 0), 9);
}

/** "5.123 450 s" since the start. */
export function formatRelative(time: number, step = 1): string {
	const ns = Math.round(time);
	const places = decimals(step);
	const whole = Math.floor(Math.abs(ns) / 1e9);
	const fraction = String(Math.abs(ns) - whole * 1e9)
		.padStart(9, "0")
		.slice(0, places);
	const sign = ns < 0 ? "−" : "";
	return `${sign}${groupWhole(String(whole))}${fraction ? `.${groupFraction(fraction)}` : ""} s`;
}

/** "07:12:31.123 450" UTC. `start`: ns since the Epoch, as text. */
export function formatUtc(start: string, time: number, step = 1): string {
	const ns = BigInt(start) + BigInt(Math.round(time));
	const seconds = ns / 1_000_000_000n;
	const places = decimals(step);
	const fraction = String(ns - seconds * 1_000_000_000n)
		.padStart(9, "0")
		.slice(0, places);
	const clock = new Date(Number(seconds) * 1000).toISOString().slice(11, 19);
	return fraction ? `${clock}.${groupFraction(fraction)}` : clock;
}

/** "2026-11-23". */
export function formatDate(start: string, time = 0): string {
	const seconds = (BigInt(start) + BigInt(Math.round(time))) / 1_000_000_000n;
	return new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
}

/** A time as the clock that the reader chose says it. */
export function formatTime(clock: Clock, start: string, time: number, step = 1): string {
	return clock === "utc" ? formatUtc(start, time, step) : formatRelative(time, step);
}

// ---- ticks --------------------------------------------------------------------------------------

/** Steps longer than this follow the clock, not the decimal system. */
const LONG_STEPS = [
	1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400,
];

/** The shortest round step that is at least `least` ns. */
export function roundStep(least: number): number {
	if (least > 1e9) {
		return (
			(LONG_STEPS.find((s) => s * 1e9 >= least) ?? Math.ceil(least / 86400e9) * 86400) * 1e9
		);
	}
	const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)) + 1e-9);
	const factor = [1, 2, 5, 10].find((f) => f * power >= least * (1 - 1e-9)) ?? 10;
	return factor * power;
}

/** Times in the range that are round by the clock whose zero is `phase` ns before the start. */
export function ticks(range: TimeRange, step: number, phase = 0): number[] {
	const result: number[] = [];
	const offset = phase % step;
	for (let k = Math.ceil((range.start + offset) / step); ; k++) {
		const at = k * step - offset;
		if (at > range.end || result.length > 1000) {
			return result;
		}
		result.push(at);
	}
}

/** What to give `ticks` as phase, so that they are round by the clock that is shown. */
export function tickPhase(clock: Clock, start: string, step: number): number {
	return clock === "utc" ? Number(BigInt(start) % BigInt(Math.round(step))) : 0;
}
