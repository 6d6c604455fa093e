// What lies over the rows and changes with every move of the pointer: the selection, the line under
// the pointer, arrows. On a canvas of its own, so that the rows need not be drawn again.

import type { RowId, TimeRange } from "../api";
import type { Evidence, Mark, Note } from "../view";
import type { Arrow } from "./arrows";
import type { Layout } from "./layout";
import { context, FONT, sizeCanvas, timeToX, type Colors } from "./scene";

const HEAD = 5;

interface Name {
	text: string;
	x: number;
	y: number;
}

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
	evidence: Evidence | null;
	/** Events, marked at the upper edge of the rows of their CPUs. */
	marks: readonly Mark[];
	notes: readonly Note[];
	/** A row's machine and CPU as text; null: it is none's. */
	cpuOf: (row: RowId) => string | null;
	/** Where a row's states are: [top, height]. */
	placesOf: (row: RowId) => (readonly [number, number])[];
	/** Where an arrow to a row ends; null: nowhere. `seen`: at the row itself. */
	arrowEnd: (row: RowId) => { y: number; seen: boolean } | null;
	nameOf: (row: RowId) => string;
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
	for (const { time } of scene.notes) {
		ctx.fillStyle = scene.colors.alarm;
		const x = Math.round(timeToX(scene.range, scene.width, time));
		ctx.fillRect(x, 0, 1, scene.height);
	}
	paintMarks(ctx, scene);
	paintArrows(ctx, scene);
	if (scene.evidence) {
		paintEvidence(ctx, scene, scene.evidence);
	}
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

const MARK = 5;

function paintMarks(ctx: CanvasRenderingContext2D, scene: OverlayScene): void {
	const tops = new Map<string, number[]>();
	for (const placed of scene.marks.length > 0 ? scene.layout.placed : []) {
		const key = placed.node.id === null ? null : scene.cpuOf(placed.node.id);
		if (key !== null) {
			tops.set(key, [...(tops.get(key) ?? []), placed.y + 1]);
		}
	}
	ctx.fillStyle = scene.colors.text;
	for (const mark of scene.marks) {
		const x = Math.round(timeToX(scene.range, scene.width, mark.time));
		if (x >= 0 && x <= scene.width) {
			tops.get(`${mark.machine} ${mark.cpu}`)?.forEach((y) => ctx.fillRect(x, y, 1, MARK));
		}
	}
}

/** The stretch, framed at who had no CPU and at who had it, and an arrow from one to the other. */
function paintEvidence(
	ctx: CanvasRenderingContext2D,
	scene: OverlayScene,
	{ row, culprit, start, end }: Evidence,
): void {
	const from = timeToX(scene.range, scene.width, start);
	const to = Math.max(timeToX(scene.range, scene.width, end), from + 2);
	const frame = ([top, height]: readonly [number, number], color: string) => {
		ctx.strokeStyle = color;
		ctx.lineWidth = 2;
		ctx.strokeRect(from - 1, top - 1, to - from + 2, height + 2);
	};
	const victims = scene.placesOf(row);
	const culprits = culprit === null || culprit === row ? [] : scene.placesOf(culprit);
	victims.forEach((place) => frame(place, scene.colors.text));
	culprits.forEach((place) => frame(place, scene.colors.alarm));
	const [victim, other] = [victims[0], culprits.at(-1)];
	if (victim && other) {
		const [upper, lower] = victim[0] < other[0] ? [victim, other] : [other, victim];
		const x = (from + to) / 2;
		const [y0, y1] = [upper[0] + upper[1], lower[0]];
		const down = lower === victim;
		paintArrow(ctx, scene.colors, x, down ? y0 : y1, x, down ? y1 : y0);
	}
}

/** An arrow needs so much room to be read, in CSS pixels. */
const ARROW_ROOM = 12;

/** All, where there is room for them; else those at the pointer. */
export function readable(
	scene: Pick<OverlayScene, "arrows" | "range" | "width" | "hover">,
): readonly Arrow[] {
	const { arrows, range, width, hover } = scene;
	const seen = arrows.filter((a) => a.end >= range.start && a.start <= range.end);
	if (seen.length * ARROW_ROOM <= width) {
		return seen;
	}
	const near = ((range.end - range.start) / width) * ARROW_ROOM;
	return hover === null
		? []
		: seen.filter((a) => a.start - near <= hover && hover <= a.end + near);
}

function paintArrows(ctx: CanvasRenderingContext2D, scene: OverlayScene): void {
	const names: Name[] = [];
	for (const arrow of readable(scene)) {
		const from = scene.arrowEnd(arrow.from);
		const to = scene.arrowEnd(arrow.to);
		if (from && to) {
			const x0 = timeToX(scene.range, scene.width, arrow.start);
			const x1 = timeToX(scene.range, scene.width, arrow.end);
			paintArrow(ctx, scene.colors, x0, from.y, x1, to.y);
			if (!from.seen) {
				names.push({ text: `from ${scene.nameOf(arrow.from)}`, x: x0, y: from.y });
			}
			if (!to.seen) {
				names.push({ text: `to ${scene.nameOf(arrow.to)}`, x: x1, y: to.y });
			}
		}
	}
	paintNames(ctx, scene, names);
}

/** What cannot be seen is named, as far as the names have room beside each other. */
function paintNames(ctx: CanvasRenderingContext2D, scene: OverlayScene, names: Name[]): void {
	const taken = new Map<number, number>();
	ctx.font = FONT;
	ctx.textBaseline = "middle";
	for (const { text, x, y } of names.sort((a, b) => a.x - b.x)) {
		const width = ctx.measureText(text).width + 10;
		const left = Math.min(Math.max(x + 6, 0), scene.width - width);
		const top = Math.min(Math.max(y - 8, scene.layout.pinnedHeight), scene.height - 16);
		if (left >= (taken.get(top) ?? -Infinity)) {
			paintName(ctx, scene, text, left, top, width);
			taken.set(top, left + width + 4);
		}
	}
}

function paintName(
	ctx: CanvasRenderingContext2D,
	scene: OverlayScene,
	text: string,
	left: number,
	top: number,
	width: number,
): void {
	ctx.fillStyle = scene.colors.text;
	ctx.beginPath();
	ctx.roundRect(left, top, width, 16, 4);
	ctx.fill();
	ctx.fillStyle = scene.colors.ground;
	ctx.fillText(text, left + 5, top + 8.5);
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
