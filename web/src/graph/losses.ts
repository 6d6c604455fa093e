// How much of the time that they wanted to run rows had no CPU, in the range that is looked at.

import {
	isIn,
	type ExperimentApi,
	type RowId,
	type Rows,
	type StateStyle,
	type Statistics,
	type TimeRange,
} from "../api";
import { Deferred } from "./deferred";
import { isQuiet } from "./tree";

const SETTLE_MS = 150;

/** Of each row of a table with a column per state: the share lost of the time that was wanted. */
export function sharesLost(
	table: Statistics,
	states: readonly StateStyle[],
): Map<RowId, number> {
	const column = (name: string) => table.columns.findIndex((c) => c.name === name);
	const at = (is: (s: StateStyle) => boolean) =>
		states.filter(is).flatMap(({ name }) => (column(name) < 0 ? [] : [column(name)]));
	const lost = at((s) => isIn(s, "lost"));
	const wanted = at((s) => !isQuiet(s));
	const row = table.columns.findIndex((c) => c.type === "row");
	const sum = (cells: Statistics["rows"][0], of: number[]) =>
		of.reduce((all, i) => all + Number(cells[i] ?? 0), 0);
	return new Map(
		table.rows.map((cells) => {
			const whole = sum(cells, wanted);
			return [cells[row] as RowId, whole > 0 ? sum(cells, lost) / whole : 0];
		}),
	);
}

export class LossLoader {
	/** null: of everything, which the rows themselves say. */
	lost: ReadonlyMap<RowId, number> | null = null;
	private readonly deferred = new Deferred(SETTLE_MS);

	constructor(
		private readonly api: ExperimentApi,
		private readonly states: Rows["states"],
		private readonly changed: () => void,
	) {}

	close(): void {
		this.deferred.close();
	}

	/** Resolves when what was wanted last is known. */
	settled(): Promise<void> {
		return this.deferred.settled();
	}

	/** Says what is looked at now, of how much. */
	want(range: TimeRange, duration: number): void {
		const all = range.start <= 0 && range.end >= duration;
		const key = all ? "" : `${range.start} ${range.end}`;
		if (!this.deferred.turnsTo(key)) {
			return;
		}
		if (all) {
			this.lost = null;
			this.changed();
			return;
		}
		this.deferred.ask(
			(signal) => this.load(range, signal),
			() => this.deferred.forget(), // the next change asks again
		);
	}

	private async load(range: TimeRange, signal: AbortSignal): Promise<void> {
		const [vcpus, threads] = await Promise.all([
			this.api.statistics("vcpus", range, signal),
			this.api.statistics("threads", range, signal),
		]);
		this.lost = new Map([
			...sharesLost(vcpus, this.states.vcpu),
			...sharesLost(threads, this.states.thread),
		]);
		this.changed();
	}
}
