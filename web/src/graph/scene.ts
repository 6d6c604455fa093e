// What one picture is made of, gathered before anything is drawn; and the page's colours for
// canvases.

import type { RowId, TimeRange } from "../api";
import type { Layout, Placed } from "./layout";
import { ROW_GAP } from "./layout";
import type { Palette } from "./palette";
import type { Match, Tile } from "./pixels";
import type { TreeNode } from "./tree";

/** Of all that is written on canvases. */
export const FONT = '11px system-ui, "Segoe UI", Roboto, sans-serif';

/** The page's own colours, from its style sheet. */
export interface Colors {
	ground: string;
	band: string;
	line: string;
	grid: string;
	text: string;
	quiet: string;
	accent: string;
	select: string;
	hatch: string;
	alarm: string;
}

export interface Scene {
	range: TimeRange;
	/** In CSS pixels. */
	width: number;
	height: number;
	/** Device pixels per CSS pixel. */
	ratio: number;
	layout: Layout;
	palette: Palette;
	colors: Colors;
	/** Round times, for the lines behind the rows. */
	ticks: readonly number[];
	/** The selected row. */
	row: RowId | null;
	/** Worst first: in the order to draw. */
	tiles: (row: RowId) => readonly Tile[];
	/** null: nothing is searched for. */
	match: (node: TreeNode) => Match | null;
}

export function readColors(element: Element): Colors {
	const style = getComputedStyle(element);
	const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
	return {
		ground: color("ground"),
		band: color("band"),
		line: color("line"),
		grid: color("grid"),
		text: color("text"),
		quiet: color("quiet"),
		accent: color("accent"),
		select: color("select"),
		hatch: color("hatch"),
		alarm: color("alarm"),
	};
}

/** Gives the canvas the size, without touching it when it has it (that would clear it). */
export function sizeCanvas(
	canvas: HTMLCanvasElement,
	width: number,
	height: number,
	ratio: number,
): void {
	const w = Math.max(Math.round(width * ratio), 1);
	const h = Math.max(Math.round(height * ratio), 1);
	if (canvas.width !== w || canvas.height !== h) {
		canvas.width = w;
		canvas.height = h;
	}
}

export function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
	const ctx = canvas.getContext("2d");
	if (!ctx) {
		throw new Error("This browser draws no canvas");
	}
	return ctx;
}

export function timeToX(range: TimeRange, width: number, time: number): number {
	return ((time - range.start) / (range.end - range.start)) * width;
}

export function xToTime(range: TimeRange, width: number, x: number): number {
	return range.start + (x / width) * (range.end - range.start);
}

/** Where a row's states are, in CSS pixels: [top, height]. */
export function barOf(row: Placed): readonly [number, number] {
	return [row.y + 1, row.height - ROW_GAP];
}

/**
 * The lower edge that tells what was taken away; and above it the line of states in which nothing
 * goes on.
 */
export const EDGE = 3;
export const LINE = 4;

/** A row's height at which its pixels are its state's, whatever is written on it. */
export function sampleY(row: Placed): number {
	const [top, height] = barOf(row);
	return top + height - EDGE - LINE / 2;
}
