// What lies over the rows and changes with every move of the pointer: the selection, the line under
// the pointer, arrows. On a canvas of its own, so that the rows need not be drawn again.

import type { RowId, TimeRange } from "../api";
import type { Arrow } from "./arrows";
import type { Layout, Placed } from "./layout";
import { barOf, context, sizeCanvas, timeToX, type Colors } from "./scene";

const HEAD = 5;

export interface OverlayScene {
	range: TimeRange;
	width: number;
	height: number;
	ratio: number;
	layout: Layout;
	colors: Colors;
	selection: TimeRange | null;
	/** What the right button draws: the range that will be shown. */
	zoomBox: TimeRange | null;
	hover: number | null;
	row: RowId | null;
	arrows: readonly Arrow[];
	/** Where a row is that is not shown: above or below what is. */
	side: (row: RowId) => "above" | "below" | null;
}

export function paintOverlay(canvas: HTMLCanvasElement, scene: OverlayScene): void {
	const ctx = context(canvas);
	sizeCanvas(canvas, scene.width, scene.height, scene.ratio);
	ctx.setTransform(scene.ratio, 0, 0, scene.ratio, 0, 0);
	ctx.clearRect(0, 0, scene.width, scene.height);
	if (scene.selection) {
		paintRange(ctx, scene, scene.selection, scene.colors.accent, 0.13);
	}
	if (scene.zoomBox) {
		paintRange(ctx, scene, scene.zoomBox, scene.colors.text, 0.18);
	}
	paintArrows(ctx, scene);
	if (scene.hover !== null) {
		ctx.fillStyle = scene.colors.quiet;
		ctx.fillRect(
			Math.round(timeToX(scene.range, scene.width, scene.hover)),
			0,
			1,
			scene.height,
		);
	}
}

function paintRange(
	ctx: CanvasRenderingContext2D,
	scene: OverlayScene,
	range: TimeRange,
	color: string,
	alpha: number,
): void {
	const from = Math.max(timeToX(scene.range, scene.width, range.start), -2);
	const to = Math.min(timeToX(scene.range, scene.width, range.end), scene.width + 2);
	if (to < 0 || from > scene.width) {
		return;
	}
	ctx.fillStyle = color;
	ctx.globalAlpha = alpha;
	ctx.fillRect(from, 0, to - from, scene.height);
	ctx.globalAlpha = 1;
	ctx.fillRect(Math.round(from), 0, 1, scene.height);
	ctx.fillRect(Math.round(to), 0, 1, scene.height);
}

/** The y of an arrow's end; rows out of sight are above or below the picture. */
function endY(scene: OverlayScene, places: ReadonlyMap<RowId, Placed>, row: RowId): number | null {
	const placed = places.get(row);
	if (placed) {
		const [top, height] = barOf(placed);
		return top + height / 2;
	}
	const side = scene.side(row);
	return side === null
		? null
		: side === "above"
			? scene.layout.pinnedHeight - 10
			: scene.height + 10;
}

function paintArrows(ctx: CanvasRenderingContext2D, scene: OverlayScene): void {
	const places = new Map<RowId, Placed>();
	for (const placed of scene.layout.placed) {
		if (placed.node.id !== null && placed.node.output !== null && !places.has(placed.node.id)) {
			places.set(placed.node.id, placed);
		}
	}
	for (const arrow of scene.arrows) {
		const from = endY(scene, places, arrow.from);
		const to = endY(scene, places, arrow.to);
		if (from !== null && to !== null) {
			const x0 = timeToX(scene.range, scene.width, arrow.start);
			const x1 = timeToX(scene.range, scene.width, arrow.end);
			paintArrow(ctx, scene.colors, x0, from, x1, to);
		}
	}
}

/** With a rim in the page's colour, so that it is seen on any state. */
function paintArrow(
	ctx: CanvasRenderingContext2D,
	colors: Colors,
	x0: number,
	y0: number,
	x1: number,
	y1: number,
): void {
	const length = Math.hypot(x1 - x0, y1 - y0);
	if (length < 2) {
		return;
	}
	const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
	for (const [color, width] of [
		[colors.ground, 4],
		[colors.text, 1.5],
	] as const) {
		ctx.strokeStyle = color;
		ctx.lineWidth = width;
		ctx.beginPath();
		ctx.moveTo(x0, y0);
		ctx.lineTo(x1, y1);
		ctx.moveTo(x1 - HEAD * (ux - uy * 0.6), y1 - HEAD * (uy + ux * 0.6));
		ctx.lineTo(x1, y1);
		ctx.lineTo(x1 - HEAD * (ux + uy * 0.6), y1 - HEAD * (uy - ux * 0.6));
		ctx.stroke();
	}
}
