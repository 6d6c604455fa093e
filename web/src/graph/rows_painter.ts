// Draws the rows' states. Every row has a line of pixels that is stretched to its height, so a
// picture costs what its pixels cost, however many states there are.

import type { Lane, RowId } from "../api";
import { BLANK, fillColumns, stateEnd, stateIndex, stateLabel, type Tile } from "./pixels";
import { DIMMED, type Paint, type Paints } from "./palette";
import type { Placed } from "./layout";
import { barOf, context, EDGE, FONT, LINE, sizeCanvas, timeToX, type Scene } from "./scene";

/** A state this wide says what it is. */
const NAME_WIDTH = 64;
const LABEL_WIDTH = 30;
const LABEL_MARGIN = 5;
/**
 * A row's pixels are three lines of an image: over all its height, its middle line, its lower
 * edge.
 */
const LINES = 3;

export class RowsPainter {
	private readonly image = document.createElement("canvas");
	private readonly drawn = new Map<RowId, Uint8Array>();
	private readonly widths = new Map<string, number>();
	private pixels: ImageData | null = null;

	constructor(private readonly canvas: HTMLCanvasElement) {}

	/**
	 * What each column of pixels of a row shows, as last drawn: a state, plus DIMMED; BLANK:
	 * nothing.
	 */
	columns(row: RowId): Uint8Array | undefined {
		return this.drawn.get(row);
	}

	paint(scene: Scene): void {
		const ctx = context(this.canvas);
		sizeCanvas(this.canvas, scene.width, scene.height, scene.ratio);
		ctx.setTransform(scene.ratio, 0, 0, scene.ratio, 0, 0);
		ctx.fillStyle = scene.colors.ground;
		ctx.fillRect(0, 0, scene.width, scene.height);
		const lanes = scene.layout.placed.filter((row) => row.node.output !== null);
		this.fillImage(scene, lanes);
		this.paintPart(ctx, scene, lanes, true);
		this.paintPart(ctx, scene, lanes, false);
	}

	/** Pinned rows stand still; the others disappear below them. */
	private paintPart(
		ctx: CanvasRenderingContext2D,
		scene: Scene,
		lanes: Placed[],
		pinned: boolean,
	): void {
		const { pinnedHeight } = scene.layout;
		ctx.save();
		ctx.beginPath();
		ctx.rect(
			0,
			pinned ? 0 : pinnedHeight,
			scene.width,
			pinned ? pinnedHeight : scene.height - pinnedHeight,
		);
		ctx.clip();
		for (const row of scene.layout.placed) {
			if (row.pinned === pinned) {
				paintBack(ctx, scene, row);
			}
		}
		paintGrid(ctx, scene);
		lanes.forEach((row, i) => {
			if (row.pinned === pinned) {
				this.paintRow(ctx, scene, row, i);
			}
		});
		if (pinned && pinnedHeight > 0) {
			ctx.fillStyle = scene.colors.line;
			ctx.fillRect(0, pinnedHeight - 4, scene.width, 1);
		}
		ctx.restore();
	}

	/** Writes all rows' lines of pixels at once. */
	private fillImage(scene: Scene, lanes: readonly Placed[]): void {
		const width = Math.max(Math.round(scene.width * scene.ratio), 1);
		const height = Math.max(lanes.length * LINES, 1);
		if (this.pixels?.width !== width || this.pixels.height < height) {
			this.pixels = new ImageData(width, height + 4 * LINES);
		}
		const words = new Uint32Array(this.pixels.data.buffer);
		this.drawn.clear();
		lanes.forEach((row, i) => {
			const columns = new Uint8Array(width).fill(BLANK);
			const id = row.node.id as RowId;
			const match = scene.match(row.node) ?? undefined;
			for (const tile of scene.tiles(id)) {
				fillColumns(columns, scene.range, tile, match);
			}
			this.drawn.set(id, columns);
			writeLines(words, i * LINES * width, columns, paintsOf(scene, row));
		});
		this.image.width = width;
		this.image.height = this.pixels.height;
		context(this.image).putImageData(this.pixels, 0, 0, 0, 0, width, height);
	}

	private paintRow(ctx: CanvasRenderingContext2D, scene: Scene, row: Placed, i: number): void {
		const [top, height] = barOf(row);
		const line = i * LINES;
		const { width } = this.image;
		const put = (source: number, y: number, h: number) =>
			ctx.drawImage(this.image, 0, line + source, width, 1, 0, y, scene.width, h);

		paintUnknown(ctx, scene, row, this.drawn.get(row.node.id as RowId) as Uint8Array);
		ctx.imageSmoothingEnabled = false;
		put(0, top, height);
		put(1, top + height - EDGE - LINE, LINE);
		put(2, top + height - EDGE, EDGE);
		const best = scene.tiles(row.node.id as RowId).at(-1);
		if (best) {
			this.paintLabels(ctx, scene, row, best);
		}
	}

	private paintLabels(
		ctx: CanvasRenderingContext2D,
		scene: Scene,
		row: Placed,
		tile: Tile,
	): void {
		const { lane } = tile;
		const { range, width } = scene;
		const least = ((range.end - range.start) / width) * LABEL_WIDTH;
		const match = scene.match(row.node);
		let i = Math.max(stateIndex(lane, Math.max(range.start, lane.begin[0] ?? 0)), 0);

		ctx.font = FONT;
		ctx.textBaseline = "middle";
		for (; i < lane.begin.length && (lane.begin[i] as number) < range.end; i++) {
			const from = Math.max(lane.begin[i] as number, range.start);
			const to = Math.min(stateEnd(lane, i), range.end);
			if (to - from >= least) {
				const dimmed = match !== null && !match(lane, i);
				const paint = paintsOf(scene, row)[
					(lane.state[i] as number) + (dimmed ? DIMMED : 0)
				];
				const x = timeToX(range, width, from);
				const room = timeToX(range, width, to) - x;
				if (paint && !dimmed) {
					this.paintLabel(
						ctx,
						scene,
						row,
						paint,
						labelText(lane, i, paint, room),
						x,
						room,
					);
				}
			}
		}
	}

	private paintLabel(
		ctx: CanvasRenderingContext2D,
		scene: Scene,
		row: Placed,
		paint: Paint,
		text: string,
		x: number,
		room: number,
	): void {
		const shown = this.fit(ctx, text, room - 2 * LABEL_MARGIN);
		if (shown !== "") {
			const [top, height] = barOf(row);
			ctx.fillStyle = paint.full === 0 ? scene.colors.quiet : paint.ink;
			ctx.fillText(shown, x + LABEL_MARGIN, top + (height - EDGE - 2) / 2);
		}
	}

	/** As much of a text as there is room for; nothing rather than a letter or two. */
	private fit(ctx: CanvasRenderingContext2D, text: string, room: number): string {
		const whole = this.measure(ctx, text);
		if (whole <= room) {
			return text;
		}
		const letters = Math.floor((text.length * room) / whole) - 1;
		return letters >= 4 ? `${text.slice(0, letters)}…` : "";
	}

	private measure(ctx: CanvasRenderingContext2D, text: string): number {
		let width = this.widths.get(text);
		if (width === undefined) {
			width = ctx.measureText(text).width;
			this.widths.set(text, width);
		}
		return width;
	}
}

function labelText(lane: Lane, i: number, paint: Paint, room: number): string {
	const label = stateLabel(lane, i);
	if (label === "") {
		return room >= NAME_WIDTH && paint.full !== 0 ? paint.name : "";
	}
	// Where there is room, the state's own name helps those who do not know the colours yet.
	return room >= 3 * NAME_WIDTH ? `${paint.name} · ${label}` : label;
}

function paintsOf(scene: Scene, row: Placed): Paints {
	return row.node.family ? scene.palette.of(row.node.family) : [];
}

function writeLines(words: Uint32Array, at: number, columns: Uint8Array, paints: Paints): void {
	const width = columns.length;
	for (let c = 0; c < width; c++) {
		const paint = paints[columns[c] as number];
		words[at + c] = paint ? paint.full : 0;
		words[at + width + c] = paint ? paint.middle : 0;
		words[at + 2 * width + c] = paint ? paint.edge : 0;
	}
}

function paintBack(ctx: CanvasRenderingContext2D, scene: Scene, row: Placed): void {
	if (row.node.kind === "machine") {
		ctx.fillStyle = scene.colors.band;
		ctx.fillRect(0, row.y, scene.width, row.height - 1);
	} else if (row.node.id !== null && row.node.id === scene.row) {
		ctx.fillStyle = scene.colors.select;
		ctx.fillRect(0, row.y, scene.width, row.height);
	} else {
		// Leads the eye from a name to its states.
		ctx.fillStyle = scene.colors.grid;
		ctx.fillRect(0, row.y + row.height - 1, scene.width, 1);
	}
}

function paintGrid(ctx: CanvasRenderingContext2D, scene: Scene): void {
	ctx.fillStyle = scene.colors.grid;
	for (const time of scene.ticks) {
		ctx.fillRect(Math.round(timeToX(scene.range, scene.width, time)), 0, 1, scene.height);
	}
}

/** What is not known is hatched, so that it does not look like nothing. */
function paintUnknown(
	ctx: CanvasRenderingContext2D,
	scene: Scene,
	row: Placed,
	columns: Uint8Array,
): void {
	const paints = paintsOf(scene, row);
	const [top, height] = barOf(row);

	for (let c = 0; c < columns.length; c++) {
		const from = c;
		while (c < columns.length && paints[columns[c] as number]?.unknown) {
			c++;
		}
		if (c > from) {
			hatch(ctx, scene, from / scene.ratio, top + 3, (c - from) / scene.ratio, height - 6);
		}
	}
}

function hatch(
	ctx: CanvasRenderingContext2D,
	scene: Scene,
	x: number,
	y: number,
	w: number,
	h: number,
): void {
	const gap = 7;
	ctx.save();
	ctx.beginPath();
	ctx.rect(x, y, w, h);
	ctx.clip();
	ctx.strokeStyle = scene.colors.hatch;
	ctx.lineWidth = 1;
	ctx.beginPath();
	// The lines stand still in the window, so neighbours fit together.
	for (let at = Math.floor((x - h) / gap) * gap; at < x + w; at += gap) {
		ctx.moveTo(at, y + h);
		ctx.lineTo(at + h, y);
	}
	ctx.stroke();
	ctx.restore();
}
