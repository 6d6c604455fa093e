// Which threads did anything in the range that is looked at: the others may be left out, since most
// threads of a machine sleep most of the time.

import {
	isAbort,
	type ExperimentApi,
	type RowId,
	type StateStyle,
	type Statistics,
} from "../api";
import type { ViewState } from "../view";
import { isQuiet } from "./tree";

const SETTLE_MS = 120;

/** The rows with time in any state but those in which a thread does nothing. */
export function activeRows(table: Statistics, states: readonly StateStyle[]): Set<RowId> {
	const quiet = new Set(states.filter(isQuiet).map((state) => state.name));
	const row = table.columns.findIndex((column) => column.type === "row");
	const busy = table.columns.flatMap((column, i) =>
		column.type === "ns" && column.name !== "total" && !quiet.has(column.name)
			? [i]
			: [],
	);
	const active = table.rows.filter((cells) => busy.some((i) => Number(cells[i]) > 0));
	return new Set(active.map((cells) => cells[row] as RowId));
}

/**
 * Return: the threads to show, of which the selected one is always one; null: all, because nobody
 * asked for less.
 */
export async function rowsInUse(
	api: ExperimentApi,
	states: readonly StateStyle[],
	state: Pick<ViewState, "active" | "range" | "row">,
	signal?: AbortSignal,
): Promise<ReadonlySet<RowId> | null> {
	if (!state.active) {
		return null;
	}
	const active = activeRows(await api.statistics("threads", state.range, signal), states);
	return state.row === null ? active : active.add(state.row);
}

export class ActivityLoader {
	/** null: not known, or not asked for: then all rows count. */
	active: ReadonlySet<RowId> | null = null;
	private timer: ReturnType<typeof setTimeout> | undefined;
	private stop: AbortController | null = null;
	private asked = "";
	private pending: Promise<void> = Promise.resolve();

	constructor(
		private readonly api: ExperimentApi,
		/** Of threads. */
		private readonly states: readonly StateStyle[],
		private readonly changed: () => void,
	) {}

	close(): void {
		clearTimeout(this.timer);
		this.stop?.abort();
	}

	/** Resolves when what was wanted last is known. */
	settled(): Promise<void> {
		return this.pending;
	}

	/** Says what is looked at now. */
	want(state: Pick<ViewState, "active" | "range" | "row">): void {
		const { active, range, row } = state;
		const key = active ? `${range.start} ${range.end} ${row}` : "";
		if (key === this.asked) {
			return;
		}
		this.asked = key;
		this.close();
		if (!active) {
			this.set(null);
			return;
		}
		const stop = new AbortController();
		this.stop = stop;
		this.pending = new Promise((resolve) => {
			stop.signal.addEventListener("abort", () => resolve());
			this.timer = setTimeout(
				() => void this.load(state, stop.signal).then(resolve),
				SETTLE_MS,
			);
		});
	}

	private async load(
		state: Pick<ViewState, "active" | "range" | "row">,
		signal: AbortSignal,
	): Promise<void> {
		try {
			this.set(await rowsInUse(this.api, this.states, state, signal));
		} catch (e) {
			if (!isAbort(e)) {
				this.set(null);
			}
		}
	}

	private set(active: ReadonlySet<RowId> | null): void {
		this.active = active;
		this.changed();
	}
}
