// What a row did in a range, per state: a pure function of its lane.

import { Truth, type Lane, type TimeRange } from "../api";
import { stateEnd } from "../graph/pixels";

export interface StateSum {
	state: number;
	sum: number;
	/**
	 * How often, and how long each; null where short ones were gathered, so that they cannot be
	 * told apart.
	 */
	each: { count: number; min: number; mean: number; max: number } | null;
}

/** States that reach beyond the range count with what lies in it. The largest sum comes first. */
export function sumStates(lane: Lane, range: TimeRange): StateSum[] {
	const sums = new Map<number, { sum: number; count: number; min: number; max: number }>();
	let exact = true;
	for (let i = 0; i < lane.begin.length; i++) {
		const begin = Math.max(lane.begin[i] ?? 0, range.start);
		const length = Math.min(stateEnd(lane, i), range.end) - begin;
		if (length <= 0) {
			continue;
		}
		const state = lane.state[i] ?? 0;
		const s = sums.get(state) ?? { sum: 0, count: 0, min: Infinity, max: 0 };
		s.sum += length;
		s.count++;
		s.min = Math.min(s.min, length);
		s.max = Math.max(s.max, length);
		sums.set(state, s);
		exact &&= lane.truth[i] === Truth.Exact;
	}
	return [...sums]
		.map(([state, s]) => ({
			state,
			sum: s.sum,
			each: exact ? { count: s.count, min: s.min, mean: s.sum / s.count, max: s.max } : null,
		}))
		.sort((a, b) => b.sum - a.sum);
}

export function isExact(lane: Lane): boolean {
	return lane.truth.every((truth) => truth === Truth.Exact);
}
