// The time graph of one experiment. Data goes one way: the view says what is looked at, the loader
// gets it, the painters draw it; keys and pointer change the view.

import { ApiError, type Experiment, type ExperimentApi, type RowId, type Rows } from "../api";
import type { View, ViewState } from "../view";
import { ActivityLoader } from "./activity";
import { ArrowLoader, type Arrow } from "./arrows";
import { axisTicks, clockNote, paintAxis } from "./axis";
import { Commands } from "./commands";
import { Frame } from "./frame";
import { bindKeys } from "./keys";
import { layoutRows, rowHeight, rowOffset, type Layout, type Placed } from "./layout";
import { Loader } from "./loader";
import { Matcher } from "./match";
import { Names } from "./names";
import { Overview } from "./overview";
import { paintOverlay } from "./overlay";
import { Palette } from "./palette";
import { stateEnd, stateIndex, type Tile } from "./pixels";
import { Pointer } from "./pointer";
import { RowsPainter } from "./rows_painter";
import { barOf, readColors, sampleY, timeToX, xToTime, type Colors, type Scene } from "./scene";
import { Tooltip } from "./tooltip";
import { buildTree, fullName, revealed, shownRows, type Shown, type Tree } from "./tree";

const OVERVIEW_HEIGHT = 44;
const AXIS_HEIGHT = 28;
/** Rows just out of view are loaded as well, so that scrolling finds them. */
const OVERSCAN = 300;

/** How long it is said that something could not be done. */
const SAID_MS = 4000;

/** What is drawn at a place: for those who want to know it without looking at pixels. */
export interface Drawn {
	state: string;
	label: string;
	/** As the server gave it: 0 as it was, 1 gathered, 2 a share. */
	truth: number;
	start: number;
	end: number;
}

/** Where on the page a row's state at a time is, and how it looks there. */
export interface Spot {
	x: number;
	y: number;
	color: string;
	state: string;
}

export class TimeGraph {
	readonly tree: Tree;
	private readonly frame: Frame;
	private readonly names: Names;
	private readonly painter: RowsPainter;
	private readonly overview: Overview;
	private readonly loader: Loader;
	private readonly arrows: ArrowLoader;
	private readonly activity: ActivityLoader;
	private readonly tooltip: Tooltip;
	private readonly pointer: Pointer;
	private readonly commands: Commands;
	private readonly endings: (() => void)[] = [];
	private colors!: Colors;
	private currentPalette!: Palette;
	private matcher: Matcher | null = null;
	private shown: { pinned: Shown[]; rows: Shown[] } = { pinned: [], rows: [] };
	private layout: Layout = { placed: [], pinnedHeight: 0, total: 0 };
	private current = "";
	/** The row that stays in view whatever folds or changes its size, until somebody scrolls. */
	private follow: string | null = null;
	private zoomBox: { start: number; end: number } | null = null;
	private at: { x: number; y: number } | null = null;
	private frameAsked = 0;
	private rowsDirty = true;
	private waiting: (() => void)[] = [];

	constructor(
		host: HTMLElement,
		private readonly view: View,
		private readonly experiment: Experiment,
		api: ExperimentApi,
		private readonly rows: Rows,
		dark: boolean,
	) {
		const redraw = () => this.redraw();
		this.tree = buildTree(rows);
		this.frame = new Frame(host, redraw);
		this.loader = new Loader(api, experiment.duration, redraw, (message) =>
			this.frame.say(message ?? ""),
		);
		this.activity = new ActivityLoader(api, redraw);
		this.arrows = new ArrowLoader(api, () => this.redrawOverlay());
		this.painter = new RowsPainter(this.frame.rows);
		this.overview = new Overview(this.frame.overview, view, () => this.redrawOverlay());
		this.tooltip = new Tooltip(this.frame.area);
		this.commands = this.makeCommands(api);
		this.names = new Names(this.frame.names, this.commands.forNames());
		this.pointer = this.makePointer();
		this.setTheme(dark);
		this.listen();
		void this.overview.load(api);
		if (view.state.row !== null) {
			this.reveal(view.state.row);
		}
		if (this.tree.roots.length === 0) {
			this.frame.say("There are no vCPUs, threads or CPUs in this recording.");
		}
	}

	close(): void {
		this.endings.forEach((end) => end());
		this.pointer.close();
		this.overview.close();
		this.loader.close();
		this.arrows.close();
		this.activity.close();
		cancelAnimationFrame(this.frameAsked);
		this.frame.close();
		this.waiting.splice(0).forEach((resolve) => resolve());
	}

	get palette(): Palette {
		return this.currentPalette;
	}

	/** Reads the page's colours again. */
	setTheme(dark: boolean): void {
		this.colors = readColors(this.frame.root);
		this.currentPalette = new Palette(this.rows.states, dark, this.colors.ground);
		this.search();
		this.redraw();
	}

	// ---- for exports and tests

	/** What the picture is made of. */
	scene(): Scene {
		const { range, row, clock } = this.view.state;
		const { width, height } = this.frame;
		return {
			range,
			width,
			height,
			ratio: devicePixelRatio || 1,
			layout: this.layout,
			palette: this.currentPalette,
			colors: this.colors,
			ticks: axisTicks(range, width, clock, this.experiment.start).at,
			row,
			tiles: (id) => this.loader.of(id, range),
			match: (node) => this.matcher?.of(node) ?? null,
		};
	}

	/** The canvases that show it, from the top: the axis and the rows. */
	canvases(): { axis: HTMLCanvasElement; rows: HTMLCanvasElement; overlay: HTMLCanvasElement } {
		return { axis: this.frame.axis, rows: this.frame.rows, overlay: this.frame.overlay };
	}

	/** The arrows of the selected row, as far as there are not too many. */
	get arrowsShown(): readonly Arrow[] {
		return this.arrows.arrows;
	}

	/** Resolves when what is looked at is loaded and drawn. */
	async settled(): Promise<void> {
		do {
			await this.drawnNow();
			await this.activity.settled();
			await this.drawnNow();
			await this.loader.settled();
			await this.arrows.settled();
			await this.drawnNow();
		} while (this.loader.busy);
	}

	/** What the pixels are drawn from at a row and a time; null where nothing is drawn. */
	stateAt(row: RowId, time: number): Drawn | null {
		const node = this.tree.byId.get(row);
		const hit = node ? this.hit(row, time) : null;
		if (!node?.family || !hit) {
			return null;
		}
		const { lane, i } = hit;
		return {
			state: this.currentPalette.paint(node.family, lane.state[i] as number)?.name ?? "",
			label: lane.label[i] ? (lane.labels[(lane.label[i] as number) - 1] ?? "") : "",
			truth: lane.truth[i] as number,
			start: lane.begin[i] as number,
			end: stateEnd(lane, i),
		};
	}

	/** The pixel that shows a row at a time; null where it is out of view or not loaded. */
	pixelAt(row: RowId, time: number): Spot | null {
		const placed = this.layout.placed.find((p) => p.node.id === row && p.node.family !== null);
		const columns = this.painter.columns(row);
		const { range } = this.view.state;
		if (!placed?.node.family || !columns || time < range.start || time >= range.end) {
			return null;
		}
		const y = sampleY(placed);
		const column = Math.floor(timeToX(range, columns.length, time));
		const paint = this.currentPalette.paint(placed.node.family, columns[column] as number);
		const clipped = y >= this.frame.height || (!placed.pinned && y < this.layout.pinnedHeight);
		if (!paint || clipped) {
			return null;
		}
		const box = this.frame.rows.getBoundingClientRect();
		const x = ((column + 0.5) / columns.length) * this.frame.width;
		return { x: box.left + x, y: box.top + y, color: paint.color, state: paint.name };
	}

	// ---- what happens

	private makeCommands(api: ExperimentApi): Commands {
		return new Commands({
			view: this.view,
			tree: this.tree,
			api,
			rows: () => this.shown.rows,
			current: () => this.current,
			setCurrent: (key) => this.setCurrent(key),
			fail: (e) => this.frame.say(e instanceof ApiError ? e.message : String(e), SAID_MS),
		});
	}

	private makePointer(): Pointer {
		return new Pointer(this.frame.overlay, this.view, {
			click: (x, y) => this.click(x, y),
			doubleClick: (x, y) => this.doubleClick(x, y),
			point: (at) => this.point(at),
			zoomBox: (range) => {
				this.zoomBox = range;
				this.redrawOverlay();
			},
			scroll: (by) => this.scrollBy(by),
		});
	}

	private listen(): void {
		const { frame, view, endings } = this;
		endings.push(view.subscribe((state, changed) => this.viewChanged(state, changed)));
		endings.push(view.subscribeHover(() => this.redrawOverlay()));
		endings.push(bindKeys(this.commands));
		frame.scroller.addEventListener("scroll", () => this.redraw());
		frame.scroller.addEventListener("pointerdown", () => (this.follow = null));
		frame.names.addEventListener(
			"wheel",
			(e) => {
				e.preventDefault();
				this.scrollBy(e.deltaY);
			},
			{ passive: false },
		);
		frame.active.addEventListener("click", () => this.commands.toggleActive());
		frame.clock.addEventListener("click", () =>
			view.change({ clock: view.state.clock === "utc" ? "relative" : "utc" }),
		);
	}

	private viewChanged(state: Readonly<ViewState>, changed: ReadonlySet<keyof ViewState>): void {
		if (changed.has("query")) {
			this.search();
		}
		if (changed.has("row") && state.row !== null) {
			this.reveal(state.row);
		}
		if (changed.has("range") && this.at) {
			// The pointer stands still, but the times move below it.
			this.point(this.at);
		}
		if (changed.size === 1 && changed.has("selection")) {
			this.redrawOverlay();
		} else {
			this.redraw();
		}
	}

	private search(): void {
		const { query } = this.view.state;
		this.matcher = query ? new Matcher(query, this.currentPalette, this.tree) : null;
	}

	/** A row that somebody selected is to be seen. */
	private reveal(row: RowId): void {
		const node = this.tree.byId.get(row);
		if (node) {
			this.view.change({ toggled: revealed(this.tree, row, this.view.state.toggled) });
			if (!this.view.state.pinned.includes(row)) {
				this.setCurrent(node.key);
			}
		}
	}

	private choose(): { pinned: Shown[]; rows: Shown[] } {
		return shownRows(this.tree, { ...this.view.state, only: this.activity.active });
	}

	private setCurrent(key: string): void {
		this.current = key;
		this.follow = key;
		this.redraw();
	}

	private scrollBy(by: number): void {
		this.follow = null;
		this.frame.scroller.scrollTop += by;
	}

	/** Brings a row into view. */
	private scrollTo(key: string, pinnedHeight: number): void {
		const { scroller } = this.frame;
		const y = rowOffset(this.shown.rows, key);
		const row = this.shown.rows.find((shown) => shown.node.key === key);
		if (!row) {
			return;
		}
		const room = this.frame.height - pinnedHeight;
		const height = rowHeight(row);
		const top = scroller.scrollTop;
		if (y < top - height || y > top + room) {
			// From afar it comes to where what is around it is seen, too.
			scroller.scrollTop = y - (room - height) / 2;
		} else if (y < top || y + height > top + room) {
			scroller.scrollTop = Math.min(Math.max(top, y + height - room), y);
		}
	}

	private rowAt(y: number): Placed | undefined {
		return this.layout.placed.find((row) => y >= row.y && y < row.y + row.height);
	}

	private timeAt(x: number): number {
		return Math.floor(xToTime(this.view.state.range, this.frame.width, x));
	}

	private click(x: number, y: number): void {
		const time = this.timeAt(x);
		const node = this.rowAt(y)?.node;
		const row = node?.output ? { row: node.id } : {};
		this.view.change({ selection: { start: time, end: time }, ...row });
	}

	private doubleClick(x: number, y: number): void {
		const node = this.rowAt(y)?.node;
		if (node?.output) {
			this.commands.selectState(node.id as RowId, this.timeAt(x));
		}
	}

	private point(at: { x: number; y: number } | null): void {
		this.at = at;
		const node = at ? this.rowAt(at.y)?.node : undefined;
		this.view.setHover({
			time: at ? xToTime(this.view.state.range, this.frame.width, at.x) : null,
			row: node?.output ? node.id : null,
		});
		this.updateTooltip();
	}

	// ---- drawing

	private redraw(): void {
		this.rowsDirty = true;
		this.redrawOverlay();
	}

	private redrawOverlay(): void {
		this.frameAsked ||= requestAnimationFrame(() => {
			this.frameAsked = 0;
			this.draw();
		});
	}

	private drawnNow(): Promise<void> {
		return this.frameAsked === 0
			? Promise.resolve()
			: new Promise((resolve) => this.waiting.push(resolve));
	}

	private draw(): void {
		if (this.frame.width > 0 && this.frame.height > 0 && this.view.duration > 0) {
			if (this.rowsDirty) {
				this.rowsDirty = false;
				this.arrange();
				this.painter.paint(this.scene());
				this.updateTooltip();
			}
			this.drawOver();
		}
		this.waiting.splice(0).forEach((resolve) => resolve());
	}

	private arrange(): void {
		const { state } = this.view;
		const { scroller, height } = this.frame;
		this.activity.want(state);
		this.frame.active.setAttribute("aria-pressed", String(state.active));
		this.shown = this.choose();
		const all = layoutRows(this.shown.pinned, this.shown.rows, 0, 0);
		this.frame.setScrollHeight(all.total);
		if (this.follow !== null) {
			this.scrollTo(this.follow, all.pinnedHeight);
		}
		this.layout = layoutRows(this.shown.pinned, this.shown.rows, scroller.scrollTop, height);
		this.frame.publishMargins();
		this.frame.clock.textContent = clockNote(state.clock, this.experiment.start);
		this.names.update({
			placed: this.layout.placed,
			pinnedHeight: this.layout.pinnedHeight,
			row: state.row,
			current: this.current,
			isPinned: (node) => node.id !== null && state.pinned.includes(node.id),
			dimmed: (node) => this.matcher?.dims(node) ?? false,
		});
		this.want();
	}

	private want(): void {
		const { range, row } = this.view.state;
		const { scroller, height, width } = this.frame;
		const from = Math.max(scroller.scrollTop - OVERSCAN, 0);
		const near = layoutRows(
			this.shown.pinned,
			this.shown.rows,
			from,
			height + 2 * OVERSCAN,
		).placed;
		const rows = near.flatMap(({ node }) =>
			node.output !== null && node.id !== null ? [{ id: node.id, output: node.output }] : [],
		);
		this.loader.want({ range, pixels: Math.round(width * (devicePixelRatio || 1)), rows });
		this.arrows.want(row === null ? null : (this.tree.byId.get(row) ?? null), range);
	}

	private drawOver(): void {
		const { range, selection, row, clock } = this.view.state;
		const { width, height } = this.frame;
		const { colors, layout } = this;
		const ratio = devicePixelRatio || 1;
		const hover = this.view.hover.time;
		paintOverlay(this.frame.overlay, {
			...{ range, width, height, ratio, layout, colors, selection, hover, row },
			zoomBox: this.zoomBox,
			arrows: this.arrows.arrows,
			arrowEnd: (id) => this.arrowEnd(id),
			nameOf: (id) => this.nameOf(id),
		});
		const { start } = this.experiment;
		paintAxis(this.frame.axis, {
			range,
			width,
			height: AXIS_HEIGHT,
			ratio,
			clock,
			start,
			selection,
			hover,
			colors,
		});
		this.overview.paint(width, OVERVIEW_HEIGHT, ratio, colors);
	}

	/** An arrow ends at the row, at what it is folded into, or beyond the window's edge. */
	private arrowEnd(row: RowId): { y: number; seen: boolean } | null {
		for (let n = this.tree.byId.get(row) ?? null; n; n = n.parent) {
			const { key } = n;
			const placed = this.layout.placed.find((p) => p.node.key === key);
			if (placed) {
				const [top, height] = barOf(placed);
				return { y: top + height / 2, seen: n.id === row };
			}
			const y = rowOffset(this.shown.rows, key);
			if (y >= 0) {
				const above = y < this.frame.scroller.scrollTop;
				const edge = above ? this.layout.pinnedHeight - 10 : this.frame.height + 10;
				return { y: edge, seen: false };
			}
		}
		return null;
	}

	private nameOf(row: RowId): string {
		const node = this.tree.byId.get(row);
		return node ? fullName(node) : "?";
	}

	private hit(row: RowId, time: number): { lane: Tile["lane"]; i: number } | null {
		const { range } = this.view.state;
		for (const tile of [...this.loader.of(row, range)].reverse()) {
			const i = stateIndex(tile.lane, time);
			if (i >= 0) {
				return { lane: tile.lane, i };
			}
		}
		return null;
	}

	private updateTooltip(): void {
		const { at } = this;
		const node = at ? this.rowAt(at.y)?.node : undefined;
		const hit = at && node?.output ? this.hit(node.id as RowId, this.timeAt(at.x)) : null;
		const paint =
			hit && node?.family
				? this.currentPalette.paint(node.family, hit.lane.state[hit.i] as number)
				: null;
		if (at && node && hit && paint) {
			const { start } = this.experiment;
			this.tooltip.show({
				node,
				...hit,
				paint,
				clock: this.view.state.clock,
				start,
				x: at.x,
				y: at.y,
			});
		} else {
			this.tooltip.hide();
		}
	}
}
