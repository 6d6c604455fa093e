// Recordings that have no clock in common, as of different days, are in one file without anything
// to be compared between them. Those whose times do not even touch are looked at one at a time.

import type { Machine, Origin, RowId, Rows, TimeRange } from "./api";
import type { RowKey, ViewState } from "./view";

export interface Recording {
	/** Hosts first. */
	names: string[];
	machines: RowId[];
	range: TimeRange;
	/** Of the clock that its times are by: the outermost host's. */
	origin: Origin;
}

function spanOf(machine: Machine): TimeRange | null {
	const { begin, end } = machine;
	return begin !== null && end !== null && begin < end ? { start: begin, end } : null;
}

/** The machines by the stretches of time that they have rows in, the first ones first. */
export function findRecordings(rows: Rows): Recording[] {
	const spans = rows.machines.flatMap((machine) => {
		const range = spanOf(machine);
		return range ? [{ machine, range }] : [];
	});
	const found: (TimeRange & { machines: Machine[] })[] = [];

	for (const { machine, range } of spans.sort((a, b) => a.range.start - b.range.start)) {
		const last = found.at(-1);
		if (last && range.start < last.end) {
			last.end = Math.max(last.end, range.end);
			last.machines.push(machine);
		} else {
			found.push({ ...range, machines: [machine] });
		}
	}
	return found.map(({ start, end, machines }) => {
		machines.sort((a, b) => Number(a.parent !== null) - Number(b.parent !== null));
		return {
			names: machines.map((m) => m.name),
			machines: machines.map((m) => m.id),
			range: { start, end },
			origin: machines[0]?.time_origin ?? null,
		};
	});
}

function keyOf(machine: RowId): RowKey {
	return `m${machine}`;
}

/** What to change so that one of them is seen alone, or with null all of them. */
export function showing(
	all: readonly Recording[],
	one: Recording | null,
	state: Readonly<ViewState>,
	duration: number,
): Pick<ViewState, "range" | "hidden"> {
	const keys = (of: readonly Recording[]) => of.flatMap((r) => r.machines.map(keyOf));
	const known = new Set(keys(all));
	const own = state.hidden.filter((key) => !known.has(key));
	return {
		range: one ? { ...one.range } : { start: 0, end: duration },
		hidden: one ? [...own, ...keys(all.filter((r) => r !== one))] : own,
	};
}

/** The one that all of what is shown lies in; null: more than one. */
export function shownAlone(all: readonly Recording[], range: TimeRange): Recording | null {
	return all.find((r) => r.range.start <= range.start && range.end <= r.range.end) ?? null;
}
