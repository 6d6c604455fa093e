// Times and durations for people, and the ticks of a time axis. Times are ns since the experiment's
// start. Only of a clock that counts from the Epoch dates and times of day are known.

import type { Experiment, TimeRange } from "./api";
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

/** How far the reader's clock was ahead of UTC at a time, in ns. */
function zoneAhead(start: string, time: number): number {
	const ms = Number((BigInt(start) + BigInt(Math.round(time))) / 1_000_000n);
	return -new Date(ms).getTimezoneOffset() * 60e9;
}

/** The start as it would be if the reader's clock was UTC's. */
function localStart(start: string, time: number): string {
	return String(BigInt(start) + BigInt(zoneAhead(start, time)));
}

/** "UTC+01:00". */
function zoneName(start: string, time = 0): string {
	const minutes = Math.round(zoneAhead(start, time) / 60e9);
	const [sign, size] = [minutes < 0 ? "−" : "+", Math.abs(minutes)];
	const two = (n: number) => String(n).padStart(2, "0");
	return `UTC${sign}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** The clocks of a recording, in the order in which they are offered. */
export function clocksOf({ time_origin }: TimeLine): readonly Clock[] {
	switch (time_origin) {
		case "epoch":
			return ["relative", "local", "utc"];
		case "boot":
			return ["relative", "boot"];
		default:
			return ["relative"];
	}
}

/** The clock that is shown: the reader may have chosen one that this recording does not know. */
export function shownClock(clock: Clock, line: TimeLine): Clock {
	const known = clocksOf(line);
	return known.includes(clock) ? clock : (known.at(-1) ?? "relative");
}

/** What the reader changes to from what is shown. */
export function otherClock(clock: Clock, line: TimeLine): Clock {
	const known = clocksOf(line);
	return known[(known.indexOf(shownClock(clock, line)) + 1) % known.length] ?? "relative";
}

/** A time as the clock that the reader chose says it. */
export function formatTime(clock: Clock, line: TimeLine, time: number, step = 1): string {
	switch (shownClock(clock, line)) {
		case "utc":
			return formatUtc(line.start, time, step);
		case "local":
			return formatUtc(localStart(line.start, time), time, step);
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

/** A time that another program reads, to the ns, by the clock that is shown. */
export function formatStamp(clock: Clock, line: TimeLine, time: number): string {
	const whole = BigInt(line.start) + BigInt(Math.round(time));
	const fraction = String(((whole % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
	const shown = shownClock(clock, line);
	if (shown === "utc" || shown === "local") {
		const start = shown === "local" ? localStart(line.start, time) : line.start;
		const zone = shown === "local" ? zoneName(line.start, time).slice(3) : "Z";
		const clockTime = formatUtc(start, time, 1e9);
		const day = formatDate(start, time);
		return `${day}T${clockTime}.${fraction.padStart(9, "0")}${zone.replace("−", "-")}`;
	}
	const ns = shown === "boot" ? whole : BigInt(Math.round(time));
	return `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
}

/** What times alone do not say: which day it is, or what they count from. */
export function clockNote(clock: Clock, line: TimeLine): string {
	switch (shownClock(clock, line)) {
		case "utc":
			return `${formatDate(line.start)} UTC`;
		case "local":
			return `${formatDate(localStart(line.start, 0))} local, ${zoneName(line.start)}`;
		case "boot":
			return "time since boot";
		default:
			return "time since the recording began";
	}
}

// ---- what is typed ------------------------------------------------------------------------------

const UNIT_NS: Record<string, number> = { "": 1e9, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };
const DAY = 86_400_000_000_000n;

/** ns of a decimal number of units, exact. */
function parseDecimal(whole: string, fraction: string, unit: number): bigint {
	const digits = Math.round(Math.log10(unit));
	return BigInt(whole + fraction.padEnd(digits, "0").slice(0, digits));
}

/** A time of day, with or without its date, by the clock that is shown. */
function parseClock(text: string, clock: Clock, line: TimeLine): number | null {
	const parts =
		/^(?:(\d{4}-\d\d-\d\d)[T ])?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z)?$/.exec(text);
	if (!parts || line.time_origin !== "epoch") {
		return null;
	}
	const [, date, hour, minute, second = "0", fraction = "", zulu] = parts;
	const start = BigInt(line.start);
	const utc = Boolean(zulu) || shownClock(clock, line) === "utc";
	const ahead = utc ? 0n : BigInt(zoneAhead(line.start, 0));
	const of = BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1_000_000_000n;
	const own = start + ahead;
	const day = date ? BigInt(Date.parse(`${date}T00:00:00Z`)) * 1_000_000n : own - (own % DAY);
	let at = day + of + BigInt(fraction.padEnd(9, "0")) - ahead;
	// Without a date it is the day on which the recording is nearest.
	if (!date && at < start - DAY / 2n) {
		at += DAY;
	}
	return Number(at - start);
}

/** A time as people type it: "+4.5", "+300ms", "14:02:10.5"; null: it is none. */
export function parseTime(text: string, clock: Clock, line: TimeLine): number | null {
	const typed = text.trim().replace(/[\u202f\u00a0]/g, "");
	const parts = /^(\+?)\s*(\d+)(?:\.(\d{1,9}))?\s*(s|ms|us|µs|ns|)$/.exec(typed);
	if (!parts) {
		return parseClock(typed, clock, line);
	}
	const [, plus, whole = "0", fraction = "", unit = ""] = parts;
	const ns = parseDecimal(whole, fraction, UNIT_NS[unit] ?? 1e9);
	const boot = !plus && shownClock(clock, line) === "boot";
	return Number(boot ? ns - BigInt(line.start) : ns);
}

/** A range as people type it; of one time, as much around it as is shown now. */
export function parseRange(
	text: string,
	clock: Clock,
	line: TimeLine,
	shown: TimeRange,
): TimeRange | null {
	const parts = text.split(/\s*(?:\.\.+|…)\s*/);
	const [start, end] = parts.map((part) => parseTime(part, clock, line));
	if (parts.length > 2 || start === null || start === undefined || end === null) {
		return null;
	}
	if (end === undefined) {
		const half = (shown.end - shown.start) / 2;
		return { start: start - half, end: start + half };
	}
	return end > start ? { start, end } : null;
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
	const shown = shownClock(clock, line);
	const start = shown === "local" ? localStart(line.start, 0) : line.start;
	return shown === "relative" ? 0 : Number(BigInt(start) % BigInt(Math.round(step)));
}
