// From states to pixels: each column of pixels of a row gets the state that had most of its time,
// so that a state that fills a column is what is drawn there.

import type { Lane, TimeRange } from "../api";
import { DIMMED } from "./palette";

/** A column's paint where nothing is known of it (not loaded). */
export const BLANK = 255;

/** What the server said of a lane in a range. */
export interface Tile {
	range: TimeRange;
	/** ns per pixel that it was asked for with. */
	resolution: number;
	lane: Lane;
}

export function stateEnd(lane: Lane, i: number): number {
	return i + 1 < lane.begin.length ? (lane.begin[i + 1] as number) : lane.end;
}

/** What a state's label says; "" where it has none. */
export function stateLabel(lane: Lane, i: number): string {
	const number = lane.label[i] as number;
	return number > 0 ? (lane.labels[number - 1] ?? "") : "";
}

/** Return: the number of the state at a time; -1 where the lane has none. */
export function stateIndex(lane: Lane, time: number): number {
	let low = 0;
	let high = lane.begin.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((lane.begin[middle] as number) <= time) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low > 0 && time < stateEnd(lane, low - 1) ? low - 1 : -1;
}

/** Says which states of a lane a search matches. */
export type Match = (lane: Lane, i: number) => boolean;

const matchAll: Match = () => true;

/**
 * The state with most of the time in [from, to), of those from state `i` on; a match hides what is
 * none.
 */
function mostOf(
	lane: Lane,
	i: number,
	from: number,
	to: number,
	match: Match,
	time: Float64Array,
): number {
	time.fill(0);
	for (; i < lane.begin.length && (lane.begin[i] as number) < to; i++) {
		const part = Math.min(stateEnd(lane, i), to) - Math.max(lane.begin[i] as number, from);
		const paint = (lane.state[i] as number) + (match(lane, i) ? 0 : DIMMED);
		if (part > 0) {
			time[paint] = (time[paint] as number) + part;
		}
	}
	return largest(time, 0, DIMMED) ?? largest(time, DIMMED, 2 * DIMMED) ?? BLANK;
}

function largest(time: Float64Array, from: number, to: number): number | null {
	let best: number | null = null;
	for (let i = from; i < to; i++) {
		if ((time[i] as number) > (best === null ? 0 : (time[best] as number))) {
			best = i;
		}
	}
	return best;
}

/**
 * Writes each column's paint (a state, plus DIMMED where the search does not match) where the tile
 * reaches. `columns` is as long as the row has pixels, which show `range`.
 */
export function fillColumns(
	columns: Uint8Array,
	range: TimeRange,
	tile: Tile,
	match: Match = matchAll,
): void {
	const { lane } = tile;
	const per = (range.end - range.start) / columns.length;
	const from = Math.max(range.start, lane.begin[0] ?? Infinity);
	const to = Math.min(range.end, lane.end);
	const last = Math.min(Math.ceil((to - range.start) / per), columns.length);
	const time = new Float64Array(2 * DIMMED);
	let c = Math.max(Math.floor((from - range.start) / per), 0);
	let i = Math.max(stateIndex(lane, from), 0);

	while (c < last && from < to) {
		const begin = range.start + c * per;
		while (i + 1 < lane.begin.length && stateEnd(lane, i) <= begin) {
			i++;
		}
		// As many columns as this state fills are one fill.
		const whole = Math.min(Math.floor((stateEnd(lane, i) - range.start) / per + 1e-6), last);
		if ((lane.begin[i] as number) <= begin + per * 1e-6 && whole > c) {
			columns.fill((lane.state[i] as number) + (match(lane, i) ? 0 : DIMMED), c, whole);
			c = whole;
		} else {
			columns[c] = mostOf(lane, i, begin, begin + per, match, time);
			c++;
		}
	}
}
