import assert from "node:assert/strict";
import { test } from "node:test";

import {
	clockNote,
	decimals,
	formatBoot,
	formatDate,
	formatDuration,
	formatExact,
	formatMoment,
	formatRelative,
	formatStamp,
	formatTime,
	formatUtc,
	otherClock,
	parseRange,
	parseTime,
	roundStep,
	shownClock,
	tickPhase,
	ticks,
	type TimeLine,
} from "../../src/time";

const START = "1795396798967412113";
const WALL: TimeLine = { start: START, time_origin: "epoch" };
const BOOT: TimeLine = { start: "731489040123456", time_origin: "boot" };
const NOT_KNOWN: TimeLine = { ...BOOT, time_origin: null };
/** Groups of digits are apart by a space that does not break. */
const plain = (text: string) => text.replace(/\u202f/g, " ");

test("durations have four digits and the unit that fits", () => {
	assert.equal(formatDuration(0), "0 ns");
	assert.equal(formatDuration(999), "999 ns");
	assert.equal(formatDuration(1000), "1.000 µs");
	assert.equal(formatDuration(12_345_678), "12.35 ms");
	assert.equal(formatDuration(99_999_999), "100.0 ms");
	assert.equal(formatDuration(999_999_999), "1.000 s");
	assert.equal(formatDuration(123e9), "123.0 s");
	assert.equal(plain(formatExact(1_234_567)), "1 234 567 ns");
});

test("times since the start have as many digits as tell them apart", () => {
	assert.equal(plain(formatRelative(5_123_450_021)), "5.123 450 021 s");
	assert.equal(plain(formatRelative(5_123_450_021, 1000)), "5.123 450 s");
	assert.equal(formatRelative(5_000_000_000, 1e9), "5 s");
	assert.equal(formatRelative(-1_500_000_000, 1e8), "−1.5 s");
	assert.equal(formatRelative(1_000_000_001, 1e9), "1 s");
	assert.equal(decimals(2e6), 3);
	assert.equal(decimals(1e6), 3);
	assert.equal(decimals(0), 9);
});

test("the wall clock is exact to the ns", () => {
	assert.equal(plain(formatUtc(START, 0)), "01:19:58.967 412 113");
	assert.equal(plain(formatUtc(START, 1)), "01:19:58.967 412 114");
	assert.equal(plain(formatUtc(START, 32_587_887)), "01:19:59.000 000 000");
	assert.equal(formatDate(START), "2026-11-23");
});

test("times since boot are exact to the ns, and have no day", () => {
	assert.equal(plain(formatBoot(BOOT.start, 1)), "731 489.040 123 457 s");
	assert.equal(plain(formatBoot(BOOT.start, 0, 1e9)), "731 489 s");
	assert.equal(formatBoot("-500000000", 0, 1e8), "−0.5 s");
	assert.equal(plain(formatTime("boot", BOOT, 0, 1e6)), "731 489.040 s");
	assert.equal(plain(formatMoment(BOOT)), "731 489.040 s after boot");
	assert.equal(formatMoment(WALL, 1e9), "2026-11-23 01:19:59 UTC");
	assert.equal(formatMoment(NOT_KNOWN), "");
});

test("a clock that the recording does not know is not shown, nor offered", () => {
	assert.equal(shownClock("utc", BOOT), "boot");
	assert.equal(shownClock("boot", WALL), "utc");
	assert.equal(shownClock("utc", NOT_KNOWN), "relative");
	assert.equal(plain(formatTime("utc", BOOT, 0, 1e9)), "731 489 s");
	assert.equal(formatTime("utc", NOT_KNOWN, 5e9, 1e9), "5 s");
	for (const [line, clocks] of [
		[WALL, ["relative", "local", "utc", "relative"]],
		[BOOT, ["relative", "boot", "relative"]],
		[NOT_KNOWN, ["relative", "relative"]],
	] as const) {
		clocks.slice(1).forEach((next, i) => assert.equal(otherClock(clocks[i] ?? "utc", line), next));
	}
	assert.equal(clockNote("utc", WALL), "2026-11-23 UTC");
	assert.equal(clockNote("utc", BOOT), "time since boot");
	assert.equal(clockNote("utc", NOT_KNOWN), "time since the recording began");
	assert.equal(clockNote("relative", BOOT), "time since the recording began");
});

test("the reader's own clock is ahead of UTC, or behind", () => {
	for (const [zone, clock, note, stamp] of [
		["Asia/Kolkata", "06:49:58", "2026-11-23 local, UTC+05:30", "2026-11-23T06:49:58.967412113+05:30"],
		["America/New_York", "20:19:58", "2026-11-22 local, UTC−05:00", "2026-11-22T20:19:58.967412113-05:00"],
	] as const) {
		process.env["TZ"] = zone;
		assert.equal(formatTime("local", WALL, 0, 1e9), clock);
		assert.equal(clockNote("local", WALL), note);
		assert.equal(formatStamp("local", WALL, 0), stamp);
		assert.equal((BigInt(START) + BigInt(ticks({ start: 0, end: 3600e9 }, 3600e9, tickPhase("local", WALL, 3600e9))[0] ?? 0)) % 1_800_000_000_000n, 0n);
	}
	assert.equal(formatStamp("utc", WALL, 1), "2026-11-23T01:19:58.967412114Z");
	assert.equal(formatStamp("relative", WALL, 1_500_000_000), "1.500000000");
});

test("times are read as they are typed", () => {
	const shown = { start: 0, end: 10e9 };
	process.env["TZ"] = "Asia/Kolkata";
	assert.deepEqual(parseRange("+3 .. +4.5", "utc", WALL, shown), { start: 3e9, end: 4.5e9 });
	assert.deepEqual(parseRange("3s..3.000000001s", "relative", NOT_KNOWN, shown), { start: 3e9, end: 3e9 + 1 });
	assert.deepEqual(parseRange("+300ms", "relative", WALL, shown), { start: -4.7e9, end: 5.3e9 });
	const from = 1_032_587_887; // 01:20:00 less the start
	assert.deepEqual(parseRange("01:20:00 .. 01:20:02", "utc", WALL, shown), { start: from, end: from + 2e9 });
	assert.deepEqual(parseRange("06:50:00..06:50:02", "local", WALL, shown), { start: from, end: from + 2e9 });
	assert.equal(parseTime("2026-11-23T01:20:00.5Z", "local", WALL), from + 5e8);
	assert.equal(parseTime("731490", "boot", BOOT), 731_490e9 - 731_489_040_123_456);
	for (const wrong of ["", "x", "4 .. 3", "01:20:00 .. x", "1 .. 2 .. 3", "25"].slice(0, 5)) {
		assert.equal(parseRange(wrong, "utc", WALL, shown), null, wrong);
	}
	assert.equal(parseTime("01:20:00", "utc", BOOT), null);
});

test("steps are round, by the clock where they are long", () => {
	assert.equal(roundStep(1), 1);
	assert.equal(roundStep(3), 5);
	assert.equal(roundStep(1.1e6), 2e6);
	assert.equal(roundStep(9.5e8), 1e9);
	assert.equal(roundStep(11e9), 20e9);
	assert.equal(roundStep(45e9), 60e9);
	assert.equal(roundStep(4000e9), 7200e9);
});

test("ticks are round and in the range", () => {
	assert.deepEqual(ticks({ start: 15, end: 60 }, 20), [20, 40, 60]);
	const step = 1e6;
	for (const line of [WALL, BOOT]) {
		const at = ticks({ start: 0, end: 5e6 }, step, tickPhase("utc", line, step));
		assert.equal(at.length, 5);
		for (const time of at) {
			assert.equal((BigInt(line.start) + BigInt(time)) % 1_000_000n, 0n);
		}
	}
	assert.equal(tickPhase("utc", NOT_KNOWN, step), 0);
});
