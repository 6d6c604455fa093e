// What the pointer does to the time graph: selects, pans, zooms, points. It knows places, not rows
// or states.

import type { TimeRange } from "../api";
import { zoomRange, type View } from "../view";
import { xToTime } from "./scene";

/** Nearer than this is a click, not a drag. */
const SLACK = 4;
/** A notch of the wheel. */
const WHEEL_ZOOM = 0.0022;
const LINE_HEIGHT = 22;

export interface PointerActions {
	/** In the canvas. */
	click: (x: number, y: number) => void;
	doubleClick: (x: number, y: number) => void;
	/** null: not over the graph. */
	point: (at: { x: number; y: number } | null) => void;
	zoomBox: (range: TimeRange | null) => void;
	scroll: (by: number) => void;
}

type Mode = "select" | "pan" | "zoom";

interface Drag {
	mode: Mode;
	x: number;
	y: number;
	/** The view's range when it began. */
	range: TimeRange;
	/** Where a selection that is extended begins. */
	anchor: number;
	moved: boolean;
}

function ordered(a: number, b: number): TimeRange {
	return { start: Math.round(Math.min(a, b)), end: Math.round(Math.max(a, b)) };
}

/** The end of a selection that stays when the other one is moved to `time`. */
export function anchorOf(selection: TimeRange, time: number): number {
	return Math.abs(time - selection.start) < Math.abs(time - selection.end)
		? selection.end
		: selection.start;
}

function wheelFactor(e: WheelEvent): number {
	const unit = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_HEIGHT : 1;
	return Math.exp(e.deltaY * unit * WHEEL_ZOOM);
}

/** Over what only shows time the wheel has nothing else to do than to zoom. */
export function bindWheelZoom(
	canvas: HTMLCanvasElement,
	view: View,
	timeAt: (x: number) => number,
): void {
	canvas.addEventListener(
		"wheel",
		(e) => {
			e.preventDefault();
			const { range } = view.state;
			const at = Math.min(Math.max(timeAt(e.offsetX), range.start), range.end);
			view.change({ range: zoomRange(range, wheelFactor(e), at) });
		},
		{ passive: false },
	);
}

export class Pointer {
	private drag: Drag | null = null;
	private readonly stop = new AbortController();

	constructor(
		private readonly canvas: HTMLCanvasElement,
		private readonly view: View,
		private readonly actions: PointerActions,
	) {
		const { signal } = this.stop;
		canvas.addEventListener("pointerdown", (e) => this.begin(e), { signal });
		canvas.addEventListener("pointermove", (e) => this.move(e), { signal });
		canvas.addEventListener("pointerup", (e) => this.end(e), { signal });
		canvas.addEventListener("pointercancel", () => this.cancel(), { signal });
		canvas.addEventListener("pointerleave", () => actions.point(null), { signal });
		canvas.addEventListener("contextmenu", (e) => e.preventDefault(), { signal });
		canvas.addEventListener("dblclick", (e) => actions.doubleClick(e.offsetX, e.offsetY), {
			signal,
		});
		canvas.addEventListener("wheel", (e) => this.wheel(e), { signal, passive: false });
		// The middle button would scroll by itself.
		canvas.addEventListener("mousedown", (e) => e.button === 1 && e.preventDefault(), {
			signal,
		});
	}

	close(): void {
		this.stop.abort();
	}

	cancel(): void {
		this.drag = null;
		this.actions.zoomBox(null);
	}

	private time(x: number, range = this.view.state.range): number {
		return xToTime(range, this.canvas.clientWidth, x);
	}

	private begin(e: PointerEvent): void {
		const mode =
			e.button === 2 ? "zoom" : e.button === 1 || e.ctrlKey || e.metaKey ? "pan" : "select";
		const { range, selection } = this.view.state;
		const time = this.time(e.offsetX);
		const extend = mode === "select" && e.shiftKey && selection !== null;
		this.drag = {
			mode,
			x: e.offsetX,
			y: e.offsetY,
			range,
			anchor: extend ? anchorOf(selection, time) : time,
			moved: extend,
		};
		this.canvas.setPointerCapture(e.pointerId);
		if (extend) {
			this.view.change({ selection: ordered(this.drag.anchor, time) });
		}
	}

	private move(e: PointerEvent): void {
		this.actions.point({ x: e.offsetX, y: e.offsetY });
		const { drag } = this;
		if (!drag) {
			return;
		}
		drag.moved ||= Math.hypot(e.offsetX - drag.x, e.offsetY - drag.y) >= SLACK;
		if (drag.moved) {
			this.follow(drag, e);
		}
	}

	private follow(drag: Drag, e: PointerEvent): void {
		const x = Math.min(Math.max(e.offsetX, 0), this.canvas.clientWidth);
		if (drag.mode === "pan") {
			const by = this.time(drag.x, drag.range) - this.time(e.offsetX, drag.range);
			this.view.change({ range: { start: drag.range.start + by, end: drag.range.end + by } });
			this.actions.scroll(drag.y - e.offsetY);
			drag.y = e.offsetY;
		} else if (drag.mode === "select") {
			this.view.change({ selection: ordered(drag.anchor, this.time(x)) });
		} else {
			this.actions.zoomBox(ordered(drag.anchor, this.time(x)));
		}
	}

	private end(e: PointerEvent): void {
		const { drag } = this;
		this.cancel();
		if (drag && !drag.moved && drag.mode !== "zoom") {
			this.actions.click(e.offsetX, e.offsetY);
		} else if (drag?.mode === "zoom" && drag.moved) {
			this.view.change({ range: ordered(drag.anchor, this.time(e.offsetX)) });
		}
	}

	private wheel(e: WheelEvent): void {
		e.preventDefault();
		const unit = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_HEIGHT : 1;
		const { range } = this.view.state;
		if (e.ctrlKey || e.metaKey) {
			const at = this.time(e.offsetX);
			this.view.change({ range: zoomRange(range, wheelFactor(e), at) });
			return;
		}
		const across = e.shiftKey && e.deltaX === 0 ? e.deltaY : e.deltaX;
		if (across !== 0) {
			const by = this.time(across * unit) - range.start;
			this.view.change({ range: { start: range.start + by, end: range.end + by } });
		}
		if (!e.shiftKey) {
			this.actions.scroll(e.deltaY * unit);
		}
	}
}
