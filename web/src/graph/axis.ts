// The time axis above the rows: round times, and what is selected and pointed at.

import type { TimeRange } from "../api";
import { formatDuration, formatTime, roundStep, tickPhase, ticks, type TimeLine } from "../time";
import type { Clock, Note } from "../view";
import { context, FONT, sizeCanvas, timeToX, type Colors } from "./scene";

const TICK_GAP = 130;
/** Room for one more digit of precision takes this much. */
const DIGIT_GAP = 7;

export interface AxisScene {
	range: TimeRange;
	width: number;
	height: number;
	ratio: number;
	clock: Clock;
	line: TimeLine;
	selection: TimeRange | null;
	hover: number | null;
	notes: readonly Note[];
	colors: Colors;
}

/** Return: the step between round times, and these. */
export function axisTicks(
	range: TimeRange,
	width: number,
	clock: Clock,
	line: TimeLine,
): { step: number; at: number[] } {
	const span = range.end - range.start;
	const least = (span / width) * TICK_GAP;
	// The shorter the steps, the longer the text at each.
	const digits = Math.max(6 - Math.log10(Math.max(least, 1)), 0);
	const step = roundStep((span / width) * (TICK_GAP + digits * DIGIT_GAP));
	return { step, at: ticks(range, step, tickPhase(clock, line, step)) };
}

export function paintAxis(canvas: HTMLCanvasElement, scene: AxisScene): void {
	const ctx = context(canvas);
	sizeCanvas(canvas, scene.width, scene.height, scene.ratio);
	ctx.setTransform(scene.ratio, 0, 0, scene.ratio, 0, 0);
	ctx.clearRect(0, 0, scene.width, scene.height);
	ctx.font = FONT;
	ctx.textBaseline = "middle";
	paintTicks(ctx, scene);
	if (scene.selection) {
		paintSelection(ctx, scene, scene.selection);
	}
	paintNotes(ctx, scene);
	if (scene.hover !== null) {
		paintFlag(ctx, scene, scene.hover);
	}
}

function paintTicks(ctx: CanvasRenderingContext2D, scene: AxisScene): void {
	const { step, at } = axisTicks(scene.range, scene.width, scene.clock, scene.line);
	for (const time of at) {
		const x = Math.round(timeToX(scene.range, scene.width, time));
		ctx.fillStyle = scene.colors.line;
		ctx.fillRect(x, scene.height - 7, 1, 7);
		ctx.fillStyle = scene.colors.quiet;
		const text = formatTime(scene.clock, scene.line, time, step);
		if (x + 5 + ctx.measureText(text).width <= scene.width) {
			ctx.fillText(text, x + 5, scene.height - 9);
		}
	}
}

function paintSelection(
	ctx: CanvasRenderingContext2D,
	scene: AxisScene,
	selection: TimeRange,
): void {
	const from = timeToX(scene.range, scene.width, selection.start);
	const to = timeToX(scene.range, scene.width, selection.end);
	if (to < 0 || from > scene.width) {
		return;
	}
	const left = Math.max(from, 0);
	ctx.fillStyle = scene.colors.accent;
	ctx.fillRect(left, scene.height - 3, Math.max(Math.min(to, scene.width) - left, 1), 3);
	const span = selection.end - selection.start;
	if (span > 0) {
		chip(
			ctx,
			scene,
			formatDuration(span),
			(left + Math.min(to, scene.width)) / 2,
			scene.colors.accent,
		);
	}
}

function paintNotes(ctx: CanvasRenderingContext2D, scene: AxisScene): void {
	for (const { time, text } of scene.notes) {
		const x = timeToX(scene.range, scene.width, time);
		if (x >= 0 && x <= scene.width) {
			chip(ctx, scene, text.slice(0, 24), x, scene.colors.alarm);
		}
	}
}

/** The time under the pointer, to the ns when a ns can be seen. */
function paintFlag(ctx: CanvasRenderingContext2D, scene: AxisScene, time: number): void {
	const step = Math.max((scene.range.end - scene.range.start) / scene.width / 2, 1);
	const text = formatTime(scene.clock, scene.line, time, step);
	chip(ctx, scene, text, timeToX(scene.range, scene.width, time), scene.colors.text);
}

function chip(
	ctx: CanvasRenderingContext2D,
	scene: AxisScene,
	text: string,
	middle: number,
	color: string,
): void {
	const width = ctx.measureText(text).width + 12;
	const x = Math.min(Math.max(middle - width / 2, 0), scene.width - width);
	ctx.fillStyle = color;
	ctx.beginPath();
	ctx.roundRect(x, scene.height - 20, width, 16, 4);
	ctx.fill();
	ctx.fillStyle = scene.colors.ground;
	ctx.fillText(text, x + 6, scene.height - 11.5);
}
