// What the charts draw, out of what the server says: pure functions.

import type { RowId, Series } from "../api";

export interface Line {
	name: string;
	y: (number | null)[];
}

/** More lines than this cannot be told apart. */
export const MAX_LINES = 8;

function add(to: (number | null)[], y: readonly (number | null)[]): void {
	y.forEach((value, i) => {
		if (value !== null) {
			to[i] = (to[i] ?? 0) + value;
		}
	});
}

function weight(line: Line): number {
	return line.y.reduce<number>((all, value) => all + (value ?? 0), 0);
}

/** One line per name with the sum of all that are called so; the largest first, and the least of many as "others". */
export function sumByName(series: Series, nameOf: (id: RowId, name: string) => string): Line[] {
	const lines = new Map<string, Line>();
	for (const s of series.series) {
		const name = nameOf(s.id, s.name);
		const line = lines.get(name) ?? { name, y: new Array<number | null>(s.y.length).fill(null) };
		add(line.y, s.y);
		lines.set(name, line);
	}
	const sorted = [...lines.values()].filter((line) => weight(line) > 0).sort((a, b) => weight(b) - weight(a));
	if (sorted.length <= MAX_LINES) {
		return sorted;
	}
	const others: Line = { name: "others", y: new Array<number | null>(series.x.length).fill(null) };
	sorted.slice(MAX_LINES - 1).forEach((line) => add(others.y, line.y));
	return [...sorted.slice(0, MAX_LINES - 1), others];
}

/** Colours (0 to n - 1) of lines: those that had one keep it, so that a line is the same one wherever the view goes. */
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
	// Names that are not there now still have theirs for when they are back, as far as nobody took it.
	before.forEach((stroke, name) => !result.has(name) && free.has(stroke) && result.set(name, stroke));
	return result;
}

/** "1.5 k": numbers at an axis, where there is little room. */
export function shortNumber(value: number): string {
	for (const [unit, name] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]] as const) {
		if (Math.abs(value) >= unit) {
			return `${Number((value / unit).toPrecision(3))}${name}`;
		}
	}
	return String(Number(value.toPrecision(3)));
}
