// The view as a picture of its own, for a report or a ticket: rows, their states, the time axis and
// what the colours mean, as SVG. A pure function; a PNG is this, painted by the browser.

import type { Lane, TimeRange } from "../api";
import type { Paint, Palette } from "../graph/palette";
import { BLANK, fillColumns, stateEnd } from "../graph/pixels";
import { fullName, type Shown } from "../graph/tree";
import { formatStamp, formatTime, roundStep, tickPhase, ticks, type TimeLine } from "../time";
import type { Clock } from "../view";

export interface Picture {
	title: string;
	line: TimeLine;
	clock: Clock;
	range: TimeRange;
	rows: readonly Shown[];
	/** By row id. */
	lanes: ReadonlyMap<number, Lane>;
	palette: Palette;
	colors: { ground: string; text: string; quiet: string; grid: string };
}

const NAMES = 230;
const PLOT = 1240;
/** Two of them are a pixel, for sharp screens. */
export const COLUMNS = 2 * PLOT;
const COLUMN = PLOT / COLUMNS;
const MARGIN = 16;
const ROW = 20;
const BAR = 15;
const TOP = 64;
const LEGEND_COLUMN = 185;
const TICKS = 8;
/** At most so wide is a digit of what is written. */
const DIGIT = 7.5;

function escape(text: string): string {
	return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function text(x: number, y: number, content: string, color: string, rest = ""): string {
	return `<text x="${x}" y="${y}" fill="${color}"${rest ? ` ${rest}` : ""}>${escape(content)}</text>`;
}

function round(x: number): string {
	return String(Math.round(x * 100) / 100);
}

/**
 * As the graph draws it: each column has the state with the most of its time. All of one colour is
 * one path, a tenth of the size of as many rectangles.
 */
function lanePaths(
	lane: Lane,
	p: Picture,
	shown: Shown,
	y: number,
	used: Map<string, Paint>,
): string {
	const family = shown.node.family ?? "vcpu";
	const columns = new Uint8Array(COLUMNS).fill(BLANK);
	const paths = new Map<Paint, string[]>();
	fillColumns(columns, p.range, { range: p.range, resolution: 0, lane });
	for (let from = 0, to = 0; from < COLUMNS; from = to) {
		while (to < COLUMNS && columns[to] === columns[from]) {
			to++;
		}
		const paint = p.palette.paint(family, columns[from] ?? BLANK);
		if (!paint || paint.middle === 0) {
			continue;
		}
		const height = paint.low ? 3 : BAR;
		const path = paths.get(paint) ?? [];
		const width = round((to - from) * COLUMN);
		path.push(
			`M${round(NAMES + from * COLUMN)} ${y + (BAR - height) / 2}h${width}v${height}h-${width}z`,
		);
		paths.set(paint, path);
		used.set(`${family} ${paint.name}`, paint);
	}
	return [...paths]
		.map(([paint, path]) => `<path fill="${paint.color}" d="${path.join("")}"/>`)
		.join("\n");
}

function axis(p: Picture, bottom: number): string {
	const step = roundStep((p.range.end - p.range.start) / TICKS);
	const times = ticks(p.range, step, tickPhase(p.clock, p.line, step));
	return times
		.map((time) => {
			const x = round(
				NAMES + ((time - p.range.start) / (p.range.end - p.range.start)) * PLOT,
			);
			const said = formatTime(p.clock, p.line, time, step);
			// The last one stands before its line where there is no room around it.
			const half = (said.length * DIGIT) / 2;
			const anchor = Number(x) + half > NAMES + PLOT + MARGIN ? "end" : "middle";
			const label = text(
				anchor === "end" ? NAMES + PLOT : Number(x),
				TOP - 8,
				said,
				p.colors.quiet,
				`text-anchor="${anchor}"`,
			);
			return `<path stroke="${p.colors.grid}" d="M${x} ${TOP}V${bottom}"/>${label}`;
		})
		.join("\n");
}

function legend(entries: readonly Entry[], y: number, p: Picture): string {
	const perLine = Math.floor((NAMES + PLOT) / LEGEND_COLUMN);
	return entries
		.map(({ name, paint }, i) => {
			const x = MARGIN + (i % perLine) * LEGEND_COLUMN;
			const at = y + Math.floor(i / perLine) * ROW;
			const box = `<rect x="${x}" y="${at}" width="14" height="12" fill="${paint.color}"/>`;
			return box + text(x + 20, at + 10, name, p.colors.text);
		})
		.join("\n");
}

/** What a colour is called. */
export interface Entry {
	name: string;
	paint: Paint;
}

const FAMILY_NAMES: Record<string, string> = { vcpu: "vCPU", thread: "thread", cpu: "CPU" };

/**
 * One of each look: states of two families that look alike and are called alike mean the same.
 * Those that are called alike and do not look so say whose they are.
 */
export function legendOf(used: ReadonlyMap<string, Paint>): Entry[] {
	const seen = new Map<string, Entry>();
	for (const [key, paint] of used) {
		const family = FAMILY_NAMES[key.split(" ")[0] ?? ""] ?? "";
		const others = [...used.values()].filter((other) => other.name === paint.name);
		const alone = others.every((other) => other.color === paint.color);
		const name = alone ? paint.name : `${paint.name} (${family})`;
		if (!seen.has(`${paint.name} ${paint.color}`)) {
			seen.set(`${paint.name} ${paint.color}`, { name, paint });
		}
	}
	return [...seen.values()];
}

/** Whether a row did anything but what is not drawn, in the range. */
function isDrawn(p: Picture, { node }: Shown): boolean {
	const lane = node.id === null ? undefined : p.lanes.get(node.id);
	const states = lane ? [...lane.state.keys()] : [];
	return states.some((i) => {
		const paint = p.palette.paint(node.family ?? "vcpu", lane?.state[i] ?? 0);
		const [begin, end] = [lane?.begin[i] ?? 0, lane ? stateEnd(lane, i) : 0];
		return paint && paint.middle !== 0 && end > p.range.start && begin < p.range.end;
	});
}

/** The rows with something to see, and what they stand below. */
export function drawnRows(p: Picture): Shown[] {
	const kept: Shown[] = [];
	let depth = 0;
	for (const row of [...p.rows].reverse()) {
		if (isDrawn(p, row) || row.depth < depth) {
			kept.unshift(row);
			depth = row.depth;
		}
	}
	return kept;
}

export function toSvg(p: Picture): { svg: string; width: number; height: number } {
	const used = new Map<string, Paint>();
	const drawn = drawnRows(p);
	const bottom = TOP + drawn.length * ROW;
	const rows = drawn.map((shown, i) => {
		const y = TOP + i * ROW;
		const lane = shown.node.id === null ? undefined : p.lanes.get(shown.node.id);
		const name =
			shown.depth === 0 ? fullName(shown.node) : `${shown.node.name} ${shown.node.note}`;
		const clip = name.length > 34 ? `${name.slice(0, 33)}…` : name;
		const label = text(
			MARGIN + Math.min(shown.depth, 4) * 10,
			y + 14,
			clip,
			p.colors.text,
			lane ? "" : 'font-weight="600"',
		);
		return label + (lane ? lanePaths(lane, p, shown, y + 3, used) : "");
	});
	const paints = legendOf(used);
	const perLine = Math.floor((NAMES + PLOT) / LEGEND_COLUMN);
	const width = NAMES + PLOT + MARGIN;
	const height = bottom + 24 + Math.ceil(paints.length / perLine) * ROW + MARGIN;
	const svg = [
		`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"` +
			' font-family="system-ui, sans-serif" font-size="12">',
		`<rect width="${width}" height="${height}" fill="${p.colors.ground}"/>`,
		text(MARGIN, 26, p.title, p.colors.text, 'font-size="15" font-weight="600"'),
		axis(p, bottom),
		...rows,
		legend(paints, bottom + 18, p),
		"</svg>",
		"",
	];
	return { svg: svg.join("\n"), width, height };
}

/** The states of the picture: one line each. */
export function stateLines(p: Picture): (string | number)[][] {
	const lines: (string | number)[][] = [];
	for (const { node } of p.rows) {
		const lane = node.id === null ? undefined : p.lanes.get(node.id);
		for (let i = 0; lane && i < lane.begin.length; i++) {
			const state = p.palette.paint(node.family ?? "vcpu", lane.state[i] ?? 0)?.name ?? "";
			const label = lane.labels[(lane.label[i] ?? 0) - 1] ?? "";
			const begin = lane.begin[i] ?? 0;
			const end = stateEnd(lane, i);
			const truth = ["exact", "gathered", "share"][lane.truth[i] ?? 0] ?? "";
			if (end > p.range.start && begin < p.range.end) {
				const stamps = [begin, end].map((t) => formatStamp(p.clock, p.line, t));
				lines.push([fullName(node), begin, end, state, label, truth, ...stamps]);
			}
		}
	}
	return lines;
}

export const STATE_COLUMNS = [
	...["row", "begin_ns", "end_ns", "state", "label", "truth", "begin", "end"],
] as const;
