// What the charts draw, out of what the server says: pure functions.

import type { RowId, Series } from "../api";

export interface Line {
	name: string;
	y: (number | null)[];
}

/** More lines than this cannot be told apart. */
export const MAX_LINES = 8;

/**
 * How lines become one: counts are added up, shares have a mean, and of the longest times the
 * longest is kept.
 */
export type Fold = "sum" | "mean" | "max";

const OTHERS: Record<Fold, string> = {
	sum: "others",
	mean: "others, mean",
	max: "others, longest",
};

function fold(lines: readonly Line[], how: Fold, n: number): (number | null)[] {
	return Array.from({ length: n }, (_, i) => {
		const values = lines
			.map((line) => line.y[i])
			.filter((y): y is number => y !== null && y !== undefined);
		if (values.length === 0) {
			return null;
		}
		if (how === "max") {
			return values.reduce((a, b) => Math.max(a, b));
		}
		const sum = values.reduce((a, b) => a + b);
		return how === "sum" ? sum : sum / values.length;
	});
}

function weight(line: Line): number {
	return line.y.reduce<number>((all, value) => all + (value ?? 0), 0);
}

/**
 * One line per name of all that are called so; the largest first, and the least of many as
 * "others".
 */
export function foldByName(
	series: Series,
	how: Fold,
	nameOf: (id: RowId, name: string) => string,
): Line[] {
	const n = series.x.length;
	const groups = new Map<string, Line[]>();
	for (const s of series.series) {
		const name = nameOf(s.id, s.name);
		groups.set(name, [...(groups.get(name) ?? []), { name, y: s.y }]);
	}
	const sorted = [...groups]
		.map(([name, lines]) => ({ name, y: fold(lines, how, n) }))
		.filter((line) => weight(line) > 0)
		.sort((a, b) => weight(b) - weight(a));
	if (sorted.length <= MAX_LINES) {
		return sorted;
	}
	const others = { name: OTHERS[how], y: fold(sorted.slice(MAX_LINES - 1), how, n) };
	return [...sorted.slice(0, MAX_LINES - 1), others];
}

/**
 * Colours (0 to n - 1) of lines: those that had one keep it, so that a line is the same one
 * wherever the view goes.
 */
export function keepStrokes(
	before: ReadonlyMap<string, number>,
	names: readonly string[],
	n: number,
): ReadonlyMap<string, number> {
	const result = new Map<string, number>();
	const free = new Set(Array.from({ length: n }, (_, i) => i));
	for (const name of names) {
		const stroke = before.get(name);
		if (stroke !== undefined && free.delete(stroke)) {
			result.set(name, stroke);
		}
	}
	for (const name of names) {
		const [stroke] = free;
		if (!result.has(name) && stroke !== undefined) {
			free.delete(stroke);
			result.set(name, stroke);
		}
	}
	// Names that are not there now still have theirs for when they are back, as far as nobody
	// took it.
	before.forEach(
		(stroke, name) => !result.has(name) && free.has(stroke) && result.set(name, stroke),
	);
	return result;
}

/** "1.5 k": numbers at an axis, where there is little room. */
export function shortNumber(value: number): string {
	for (const [unit, name] of [
		[1e9, " G"],
		[1e6, " M"],
		[1e3, " k"],
	] as const) {
		if (Math.abs(value) >= unit) {
			return `${Number((value / unit).toPrecision(3))}${name}`;
		}
	}
	return String(Number(value.toPrecision(3)));
}
