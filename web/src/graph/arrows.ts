// The arrows of the selected row: who took a vCPU's CPU or whose it took, who woke a thread and
// whom it woke.

import { isAbort, type Arrows, type ExperimentApi, type RowId, type TimeRange } from "../api";
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
	private timer: ReturnType<typeof setTimeout> | undefined;
	private stop: AbortController | null = null;
	private asked = "";
	private pending: Promise<void> = Promise.resolve();

	constructor(
		private readonly api: ExperimentApi,
		private readonly changed: () => void,
	) {}

	close(): void {
		clearTimeout(this.timer);
		this.stop?.abort();
	}

	/** Resolves when what was wanted last is there. */
	settled(): Promise<void> {
		return this.pending;
	}

	/** Says which row's are to be shown, and when; null: none. */
	want(node: TreeNode | null, range: TimeRange): void {
		const output = node?.output === "vcpus" || node?.output === "threads" ? node.output : null;
		const key = output ? `${node?.id} ${range.start} ${range.end}` : "";
		if (key === this.asked) {
			return;
		}
		this.asked = key;
		this.close();
		if (!node || !output) {
			this.set([]);
			return;
		}
		const stop = new AbortController();
		this.stop = stop;
		this.pending = new Promise((resolve) => {
			const load = () => this.load(output, node.id as RowId, range, stop.signal);
			stop.signal.addEventListener("abort", () => resolve());
			this.timer = setTimeout(() => void load().then(resolve), SETTLE_MS);
		});
	}

	private async load(
		output: "vcpus" | "threads",
		row: RowId,
		range: TimeRange,
		signal: AbortSignal,
	): Promise<void> {
		try {
			const found = await this.api.arrows(output, range, MOST_DRAWN, [row], signal);
			this.set(arrowsOf(found, row));
		} catch (e) {
			if (!isAbort(e)) {
				// The states are what matters; without an answer there are no
				// arrows.
				this.set([]);
			}
		}
	}

	private set(arrows: readonly Arrow[]): void {
		this.arrows = arrows;
		this.changed();
	}
}
