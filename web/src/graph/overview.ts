// The strip above the axis: the whole experiment, how much was going on in it and how much was
// stolen, and which part of it is looked at. The window is moved and sized with the pointer.

import { isAbort, type ExperimentApi, type Series, type TimeRange } from "../api";
import type { View } from "../view";
import { context, sizeCanvas, timeToX, xToTime, type Colors } from "./scene";

const POINTS = 400;
const EDGE_GRIP = 6;
/** The window is at least this wide, however short the range. */
const MIN_WINDOW = 3;

type Grip = "move" | "start" | "end" | "new";

/** The largest value of all series at each point. */
function envelope(series: Series): number[] {
	return series.x.map((_, i) => Math.max(0, ...series.series.map((s) => s.y[i] ?? 0)));
}

export class Overview {
	private activity: number[] = [];
	private steal: number[] = [];
	private drag: { grip: Grip; from: number; range: TimeRange } | null = null;
	private stop = new AbortController();

	constructor(
		private readonly canvas: HTMLCanvasElement,
		private readonly view: View,
		private readonly changed: () => void,
	) {
		canvas.addEventListener("pointerdown", (e) => this.begin(e), { signal: this.stop.signal });
		canvas.addEventListener("pointermove", (e) => this.move(e), { signal: this.stop.signal });
		canvas.addEventListener("pointerup", () => this.end(), { signal: this.stop.signal });
		canvas.addEventListener("pointercancel", () => (this.drag = null), {
			signal: this.stop.signal,
		});
		canvas.addEventListener("dblclick", () => view.change({ range: this.whole() }), {
			signal: this.stop.signal,
		});
	}

	close(): void {
		this.stop.abort();
	}

	/** Gets what it shows; a strip without its curves still is one. */
	async load(api: ExperimentApi): Promise<void> {
		try {
			const all = this.whole();
			const { signal } = this.stop;
			this.activity = envelope(await api.series("histogram", all, POINTS, null, signal));
			this.steal = envelope(await api.series("steal", all, POINTS, null, signal));
		} catch (e) {
			if (!isAbort(e)) {
				this.activity = [];
			}
		}
		this.changed();
	}

	paint(width: number, height: number, ratio: number, colors: Colors): void {
		const ctx = context(this.canvas);
		sizeCanvas(this.canvas, width, height, ratio);
		ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
		ctx.clearRect(0, 0, width, height);
		ctx.fillStyle = colors.band;
		ctx.fillRect(0, 2, width, height - 4);
		paintArea(ctx, this.activity, width, height, colors.line, Math.max(...this.activity, 1));
		paintArea(ctx, this.steal, width, height, colors.alarm, 100);
		this.paintWindow(ctx, width, height, colors);
	}

	private paintWindow(
		ctx: CanvasRenderingContext2D,
		width: number,
		height: number,
		colors: Colors,
	): void {
		const [from, to] = this.windowX(width);
		ctx.fillStyle = colors.ground;
		ctx.globalAlpha = 0.5;
		ctx.fillRect(0, 0, from, height);
		ctx.fillRect(to, 0, width - to, height);
		ctx.globalAlpha = 1;
		ctx.strokeStyle = colors.accent;
		ctx.lineWidth = 1.5;
		ctx.beginPath();
		ctx.roundRect(from + 0.75, 1.75, Math.max(to - from - 1.5, 1), height - 3.5, 3);
		ctx.stroke();
	}

	private whole(): TimeRange {
		return { start: 0, end: this.view.duration };
	}

	private windowX(width: number): [number, number] {
		const { range } = this.view.state;
		const from = timeToX(this.whole(), width, range.start);
		const to = timeToX(this.whole(), width, range.end);
		const missing = Math.max(MIN_WINDOW - (to - from), 0) / 2;
		return [from - missing, to + missing];
	}

	private grip(x: number): Grip {
		const [from, to] = this.windowX(this.canvas.clientWidth);
		const wide = to - from > 4 * EDGE_GRIP;
		if (Math.abs(x - from) < EDGE_GRIP && (wide || x < from)) {
			return "start";
		}
		if (Math.abs(x - to) < EDGE_GRIP && (wide || x > to)) {
			return "end";
		}
		const everything = from < 1 && to > this.canvas.clientWidth - 1;
		return x > from && x < to && !everything ? "move" : "new";
	}

	private begin(e: PointerEvent): void {
		if (e.button === 0) {
			this.drag = {
				grip: this.grip(e.offsetX),
				from: e.offsetX,
				range: this.view.state.range,
			};
			this.canvas.setPointerCapture(e.pointerId);
		}
	}

	private move(e: PointerEvent): void {
		if (!this.drag) {
			const cursors = {
				move: "grab",
				start: "ew-resize",
				end: "ew-resize",
				new: "crosshair",
			};
			this.canvas.style.cursor = cursors[this.grip(e.offsetX)];
			return;
		}
		const { grip, from, range } = this.drag;
		const at = (x: number) => xToTime(this.whole(), this.canvas.clientWidth, x);
		const by = at(e.offsetX) - at(from);
		if (grip === "move") {
			this.view.change({ range: { start: range.start + by, end: range.end + by } });
		} else if (grip === "start") {
			this.view.change({
				range: { start: Math.min(range.start + by, range.end - 1), end: range.end },
			});
		} else if (grip === "end") {
			this.view.change({
				range: { start: range.start, end: Math.max(range.end + by, range.start + 1) },
			});
		} else if (Math.abs(e.offsetX - from) > 2) {
			const ends = [at(from), at(e.offsetX)].sort((a, b) => a - b) as [number, number];
			this.view.change({ range: { start: ends[0], end: ends[1] } });
		}
	}

	/** A click beside the window brings it there. */
	private end(): void {
		const { drag } = this;
		this.drag = null;
		const same = drag && drag.range === this.view.state.range;
		if (drag && same && drag.grip === "new") {
			const span = drag.range.end - drag.range.start;
			const middle = xToTime(this.whole(), this.canvas.clientWidth, drag.from);
			this.view.change({ range: { start: middle - span / 2, end: middle + span / 2 } });
		}
	}
}

function paintArea(
	ctx: CanvasRenderingContext2D,
	values: readonly number[],
	width: number,
	height: number,
	color: string,
	top: number,
): void {
	const per = width / Math.max(values.length, 1);
	ctx.fillStyle = color;
	values.forEach((value, i) => {
		const h = Math.min(value / top, 1) * (height - 8);
		ctx.fillRect(i * per, height - 3 - h, per + 0.5, h);
	});
}
