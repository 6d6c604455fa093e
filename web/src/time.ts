// Times and durations for people, and the ticks of a time axis. Times are ns since the experiment's
// start. Only of a clock that counts from the Epoch dates and times of day are known.

import type { Experiment, Origin, TimeRange } from "./api";
import type { Clock } from "./view";

/** When an experiment starts, and by what clock. */
export type TimeLine = Pick<Experiment, "start" | "time_origin">;

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

/** "5.123 450 s". */
function formatSeconds(ns: bigint, step: number): string {
	const size = ns < 0n ? -ns : ns;
	const whole = size / 1_000_000_000n;
	const fraction = String(size - whole * 1_000_000_000n)
		.padStart(9, "0")
		.slice(0, decimals(step));
	const sign = ns < 0n ? "−" : "";
	return `${sign}${groupWhole(String(whole))}${fraction ? `.${groupFraction(fraction)}` : ""} s`;
}

/** "5.123 450 s" since the start. */
export function formatRelative(time: number, step = 1): string {
	return formatSeconds(BigInt(Math.round(time)), step);
}

/** "731.489 040 s" since the clock's origin. `start`: ns since that, as text. */
export function formatBoot(start: string, time: number, step = 1): string {
	return formatSeconds(BigInt(start) + BigInt(Math.round(time)), step);
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

/** The clock that there is in place of the time since the recording began. */
function ownClock(origin: Origin): Clock {
	return origin === "epoch" ? "utc" : origin === "boot" ? "boot" : "relative";
}

/** The clock that is shown: the reader may have chosen one that this recording does not know. */
export function shownClock(clock: Clock, { time_origin }: TimeLine): Clock {
	return clock === "relative" ? clock : ownClock(time_origin);
}

/** What the reader changes to from what is shown. */
export function otherClock(clock: Clock, line: TimeLine): Clock {
	return shownClock(clock, line) === "relative" ? ownClock(line.time_origin) : "relative";
}

/** A time as the clock that the reader chose says it. */
export function formatTime(clock: Clock, line: TimeLine, time: number, step = 1): string {
	switch (shownClock(clock, line)) {
		case "utc":
			return formatUtc(line.start, time, step);
		case "boot":
			return formatBoot(line.start, time, step);
		default:
			return formatRelative(time, step);
	}
}

/**
 * A time that stands alone: "2026-11-23 07:12:31 UTC", "731.489 s after boot"; "" where it means
 * nothing.
 */
export function formatMoment({ start, time_origin }: TimeLine, time = 0): string {
	switch (time_origin) {
		case "epoch":
			return `${formatDate(start, time)} ${formatUtc(start, time, 1e9)} UTC`;
		case "boot":
			return `${formatBoot(start, time, 1e6)} after boot`;
		default:
			return "";
	}
}

/** What times alone do not say: which day it is, or what they count from. */
export function clockNote(clock: Clock, line: TimeLine): string {
	switch (shownClock(clock, line)) {
		case "utc":
			return `${formatDate(line.start)} UTC`;
		case "boot":
			return "time since boot";
		default:
			return "time since the recording began";
	}
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
export function tickPhase(clock: Clock, line: TimeLine, step: number): number {
	const isRelative = shownClock(clock, line) === "relative";
	return isRelative ? 0 : Number(BigInt(line.start) % BigInt(Math.round(step)));
}
