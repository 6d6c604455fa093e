// Which threads did anything in the range that is looked at: the others may be left out, since most
// threads of a machine sleep most of the time.

import type { ExperimentApi, RowId, StateStyle, Statistics } from "../api";
import type { ViewState } from "../view";
import { Deferred } from "./deferred";
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
	private readonly deferred = new Deferred(SETTLE_MS);

	constructor(
		private readonly api: ExperimentApi,
		/** Of threads. */
		private readonly states: readonly StateStyle[],
		private readonly changed: () => void,
	) {}

	close(): void {
		this.deferred.close();
	}

	/** Resolves when what was wanted last is known. */
	settled(): Promise<void> {
		return this.deferred.settled();
	}

	/** Says what is looked at now. */
	want(state: Pick<ViewState, "active" | "range" | "row">): void {
		const { active, range, row } = state;
		const key = active ? `${range.start} ${range.end} ${row}` : "";
		if (!this.deferred.turnsTo(key)) {
			return;
		}
		if (!active) {
			this.set(null);
			return;
		}
		this.deferred.ask(
			async (signal) =>
				this.set(await rowsInUse(this.api, this.states, state, signal)),
			() => this.set(null),
		);
	}

	private set(active: ReadonlySet<RowId> | null): void {
		this.active = active;
		this.changed();
	}
}
