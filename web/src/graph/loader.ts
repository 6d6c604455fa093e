// Gets lanes from the server for what is looked at. While the view moves, what is there is
// stretched; when it rests, one request per output gets what is missing, wider than the view so
// that panning has something to show. An answer that nobody waits for any more is cancelled.

import { isAbort, type ExperimentApi, type GraphOutput, type RowId, type TimeRange } from "../api";
import type { Tile } from "./pixels";

const SETTLE_MS = 70;
const RETRY_MS = 2000;
/** How much more than the view is asked for, on either side. */
const MARGIN = 0.5;
/** Per row: the coarsest (for zooming out) and the newest. */
const TILES_PER_ROW = 4;
/** Rows of which something is kept; those not seen for longest go. */
const MAX_ROWS = 300;

export interface Wanted {
	range: TimeRange;
	/** Pixels that the range has. */
	pixels: number;
	rows: readonly { id: RowId; output: GraphOutput }[];
}

const OUTPUTS: readonly GraphOutput[] = ["vcpus", "cpus", "threads"];

interface Request {
	stop: AbortController;
	range: TimeRange;
	resolution: number;
	rows: ReadonlySet<RowId>;
}

function covers(outer: TimeRange, inner: TimeRange): boolean {
	return outer.start <= inner.start && outer.end >= inner.end;
}

function widened(range: TimeRange, duration: number): TimeRange {
	const margin = (range.end - range.start) * MARGIN;
	return {
		start: Math.floor(Math.max(range.start - margin, 0)),
		end: Math.ceil(Math.min(range.end + margin, duration)),
	};
}

export class Loader {
	private tiles = new Map<RowId, Tile[]>();
	private running = new Map<GraphOutput, Request>();
	private timer: ReturnType<typeof setTimeout> | undefined;
	private wanted: Wanted | null = null;
	private rested: (() => void)[] = [];
	private closed = false;

	/**
	 * `changed` is called when there is more to draw, `failed` with what went wrong, or null
	 * when all is well again.
	 */
	constructor(
		private readonly api: ExperimentApi,
		private readonly duration: number,
		private readonly changed: () => void,
		private readonly failed: (message: string | null) => void,
	) {}

	close(): void {
		this.closed = true;
		clearTimeout(this.timer);
		this.running.forEach((request) => request.stop.abort());
		this.running.clear();
		this.rest();
	}

	/** Says what is looked at now. */
	want(wanted: Wanted): void {
		const first = this.wanted === null;
		this.wanted = wanted;
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.settle(), first ? 0 : SETTLE_MS);
	}

	get busy(): boolean {
		return this.timer !== undefined || this.running.size > 0;
	}

	/** Resolves when all that is looked at is there. */
	settled(): Promise<void> {
		return this.busy ? new Promise((resolve) => this.rested.push(resolve)) : Promise.resolve();
	}

	/** What there is of a row, the best last: to be drawn in this order. */
	of(row: RowId, range: TimeRange): readonly Tile[] {
		const all = this.tiles.get(row) ?? [];
		return all
			.filter((tile) => tile.range.end > range.start && tile.range.start < range.end)
			.sort((a, b) => b.resolution - a.resolution);
	}

	private settle(): void {
		this.timer = undefined;
		OUTPUTS.forEach((output) => this.request(output));
		if (!this.busy) {
			this.rest();
		}
	}

	private rest(): void {
		this.rested.splice(0).forEach((resolve) => resolve());
	}

	/** Rows that what is there does not show as fine as they are looked at. */
	private missing(wanted: Wanted, output: GraphOutput): RowId[] {
		const resolution = (wanted.range.end - wanted.range.start) / wanted.pixels;
		const fine = (tile: Tile) =>
			tile.resolution <= resolution * 1.01 && covers(tile.range, wanted.range);
		return wanted.rows
			.filter((row) => row.output === output && !(this.tiles.get(row.id) ?? []).some(fine))
			.map((row) => row.id);
	}

	private request(output: GraphOutput): void {
		const wanted = this.wanted as Wanted;
		const rows = this.missing(wanted, output);
		const running = this.running.get(output);
		const resolution = (wanted.range.end - wanted.range.start) / wanted.pixels;

		if (rows.length === 0) {
			return;
		}
		if (running) {
			const useful =
				covers(running.range, wanted.range) && running.resolution <= resolution * 1.01;
			if (useful && rows.every((row) => running.rows.has(row))) {
				return;
			}
			running.stop.abort();
		}
		const range = widened(wanted.range, this.duration);
		const request = { stop: new AbortController(), range, resolution, rows: new Set(rows) };
		this.running.set(output, request);
		void this.fetch(output, request, rows);
	}

	private async fetch(
		output: GraphOutput,
		request: Request,
		rows: readonly RowId[],
	): Promise<void> {
		const { range, resolution, stop } = request;
		const pixels = Math.max(
			Math.min(Math.ceil((range.end - range.start) / resolution), 65536),
			1,
		);
		try {
			const lanes = await this.api.lanes(output, range, pixels, rows, stop.signal);
			lanes.forEach((lane) => this.keep({ range, resolution, lane }));
			this.failed(null);
		} catch (e) {
			if (!isAbort(e) && !this.closed) {
				this.failed(e instanceof Error ? e.message : String(e));
				this.timer ??= setTimeout(() => this.settle(), RETRY_MS);
			}
		}
		if (this.running.get(output) === request) {
			this.running.delete(output);
			this.changed();
		}
		if (!this.busy) {
			this.rest();
		}
	}

	private keep(tile: Tile): void {
		const row = tile.lane.row;
		const kept = (this.tiles.get(row) ?? []).filter(
			// What the new one shows better is not needed any more.
			(old) => !(covers(tile.range, old.range) && tile.resolution <= old.resolution),
		);
		const coarsest = kept.reduce<Tile | null>(
			(best, old) => (best === null || old.resolution > best.resolution ? old : best),
			null,
		);
		const recent = kept.filter((old) => old !== coarsest).slice(-(TILES_PER_ROW - 2));
		this.tiles.delete(row);
		this.tiles.set(row, [...(coarsest ? [coarsest] : []), ...recent, tile]);
		for (const oldest of this.tiles.keys()) {
			if (this.tiles.size <= MAX_ROWS) {
				break;
			}
			this.tiles.delete(oldest);
		}
	}
}
