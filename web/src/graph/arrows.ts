// The arrows of the selected row: who took a vCPU's CPU or whose it took, who woke a thread and
// whom it woke.

import type { Arrows, ExperimentApi, RowId, TimeRange } from "../api";
import { Deferred } from "./deferred";
import type { TreeNode } from "./tree";

const SETTLE_MS = 150;
/** More than this is a thicket, not a picture; of more the longest are drawn. */
export const MOST_DRAWN = 400;

export interface Arrow {
	from: RowId;
	to: RowId;
	start: number;
	end: number;
}

export function arrowsOf(arrows: Arrows, row: RowId): Arrow[] {
	const result: Arrow[] = [];
	for (let i = 0; i < arrows.start.length && result.length < MOST_DRAWN; i++) {
		const [from, to] = [arrows.from[i] as number, arrows.to[i] as number];
		if (from === row || to === row) {
			result.push({
				from,
				to,
				start: arrows.start[i] as number,
				end: arrows.end[i] as number,
			});
		}
	}
	return result;
}

export class ArrowLoader {
	arrows: readonly Arrow[] = [];
	private readonly deferred = new Deferred(SETTLE_MS);

	constructor(
		private readonly api: ExperimentApi,
		private readonly changed: () => void,
	) {}

	close(): void {
		this.deferred.close();
	}

	/** Resolves when what was wanted last is there. */
	settled(): Promise<void> {
		return this.deferred.settled();
	}

	/** Says which row's are to be shown, and when; null: none. */
	want(node: TreeNode | null, range: TimeRange): void {
		const output = node?.output === "vcpus" || node?.output === "threads" ? node.output : null;
		const key = output ? `${node?.id} ${range.start} ${range.end}` : "";
		if (!this.deferred.turnsTo(key)) {
			return;
		}
		if (!node || !output) {
			this.set([]);
			return;
		}
		this.deferred.ask(
			(signal) => this.load(output, node.id as RowId, range, signal),
			// The states are what matters; without an answer there are no arrows.
			() => this.set([]),
		);
	}

	private async load(
		output: "vcpus" | "threads",
		row: RowId,
		range: TimeRange,
		signal: AbortSignal,
	): Promise<void> {
		const found = await this.api.arrows(output, range, MOST_DRAWN, [row], signal);
		this.set(arrowsOf(found, row));
	}

	private set(arrows: readonly Arrow[]): void {
		this.arrows = arrows;
		this.changed();
	}
}
