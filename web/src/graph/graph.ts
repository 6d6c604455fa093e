// The time graph of one experiment. Data goes one way: the view says what is looked at, the loader
// gets it, the painters draw it; keys and pointer change the view.

import {
	ApiError,
	type Experiment,
	type ExperimentApi,
	type GraphOutput,
	type RowId,
	type Rows,
} from "../api";
import { clockNote, otherClock } from "../time";
import type { Evidence, View, ViewState } from "../view";
import { ActivityLoader } from "./activity";
import { ArrowLoader, type Arrow } from "./arrows";
import { axisTicks, paintAxis } from "./axis";
import { Commands } from "./commands";
import { Frame } from "./frame";
import { bindKeys } from "./keys";
import { Loader } from "./loader";
import { LossLoader } from "./losses";
import { Matcher } from "./match";
import { Names } from "./names";
import { Overview } from "./overview";
import { paintOverlay } from "./overlay";
import { Palette } from "./palette";
import { bindWheelZoom, Pointer } from "./pointer";
import { drawnAt, hitAt, spotAt, type Drawn, type Spot } from "./probe";
import { RowList } from "./row_list";
import { RowsPainter } from "./rows_painter";
import { readColors, xToTime, type Colors, type Scene } from "./scene";
import { Tooltip } from "./tooltip";
import { buildTree, fullName, revealed, type Tree } from "./tree";

const OVERVIEW_HEIGHT = 44;
const AXIS_HEIGHT = 28;
/** Rows just out of view are loaded as well, so that scrolling finds them. */
const OVERSCAN = 300;

/** How long it is said that something could not be done. */
const SAID_MS = 4000;

export class TimeGraph {
	readonly tree: Tree;
	/** The machine and CPU of rows, as text. */
	private readonly cpuOf: ReadonlyMap<RowId, string>;
	private readonly frame: Frame;
	private readonly list: RowList;
	private readonly names: Names;
	private readonly painter: RowsPainter;
	private readonly overview: Overview;
	private readonly loader: Loader;
	private readonly arrows: ArrowLoader;
	private readonly activity: ActivityLoader;
	private readonly losses: LossLoader;
	private readonly tooltip: Tooltip;
	private readonly pointer: Pointer;
	private readonly commands: Commands;
	private readonly endings: (() => void)[] = [];
	private colors!: Colors;
	private currentPalette!: Palette;
	private matcher: Matcher | null = null;
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
		this.cpuOf = new Map(
			[
				...rows.cpus.map((c) => [c.id, c.machine, c.cpu] as const),
				...rows.vcpus.map((v) => [v.id, v.machine, v.index] as const),
			].map(([id, machine, cpu]) => [id, `${machine} ${cpu}`]),
		);
		this.frame = new Frame(host, redraw);
		this.list = new RowList(this.tree, this.frame);
		this.loader = new Loader(api, experiment.duration, redraw, (message) =>
			this.frame.say(message ?? ""),
		);
		this.activity = new ActivityLoader(api, this.rows.states.thread, redraw);
		this.losses = new LossLoader(api, this.rows.states, redraw);
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
		this.losses.close();
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
			layout: this.list.layout,
			palette: this.currentPalette,
			colors: this.colors,
			ticks: axisTicks(range, width, clock, this.experiment).at,
			row,
			tiles: (id) => this.loader.of(id, range),
			match: (node) => this.matcher?.of(node) ?? null,
		};
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
			await this.losses.settled();
			await this.drawnNow();
			await this.loader.settled();
			await this.arrows.settled();
			await this.drawnNow();
		} while (this.loader.busy);
	}

	/** What the pixels are drawn from at a row and a time; null where nothing is drawn. */
	stateAt(row: RowId, time: number): Drawn | null {
		const node = this.tree.byId.get(row);
		return node ? drawnAt(this.scene(), node, time) : null;
	}

	/** The pixel that shows a row at a time; null where it is out of view or not loaded. */
	pixelAt(row: RowId, time: number): Spot | null {
		const node = this.tree.byId.get(row);
		const columns = this.painter.columns(row);
		return node && columns ? spotAt(this.scene(), node, columns, time, this.frame.rows) : null;
	}

	// ---- what happens

	private makeCommands(api: ExperimentApi): Commands {
		return new Commands({
			view: this.view,
			tree: this.tree,
			api,
			rows: () => this.list.rows,
			current: () => this.list.current,
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
			scroll: (by) => this.list.scrollBy(by),
		});
	}

	private listen(): void {
		const { frame, view, endings } = this;
		endings.push(view.subscribe((state, changed) => this.viewChanged(state, changed)));
		endings.push(view.subscribeHover(() => this.redrawOverlay()));
		endings.push(bindKeys(this.commands));
		frame.scroller.addEventListener("scroll", () => this.redraw());
		frame.names.addEventListener(
			"wheel",
			(e) => {
				e.preventDefault();
				this.list.scrollBy(e.deltaY);
			},
			{ passive: false },
		);
		bindWheelZoom(frame.axis, view, (x) => this.timeAt(x));
		bindWheelZoom(frame.overview, view, (x) => (x / frame.width) * view.duration);
		frame.active.addEventListener("click", () => this.commands.toggleActive());
		frame.cores.addEventListener("click", () => this.commands.toggleCores());
		frame.byLost.addEventListener("click", () => this.commands.toggleByLost());
		frame.clock.addEventListener("click", () =>
			view.change({ clock: otherClock(view.state.clock, this.experiment) }),
		);
	}

	private viewChanged(state: Readonly<ViewState>, changed: ReadonlySet<keyof ViewState>): void {
		if (changed.has("query")) {
			this.search();
		}
		if (changed.has("row") && state.row !== null) {
			this.reveal(state.row);
		}
		if (changed.has("evidence") && state.evidence) {
			this.prove(state.evidence);
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

	/** Both rows of the proof are to be seen: who had no CPU is held at the top. */
	private prove({ row, culprit }: Evidence): void {
		const { pinned } = this.view.state;
		if (culprit !== null && culprit !== row && !pinned.includes(row)) {
			this.view.change({ pinned: [...pinned, row] });
		}
	}

	private setCurrent(key: string): void {
		this.list.goTo(key);
		this.redraw();
	}

	private timeAt(x: number): number {
		return Math.floor(xToTime(this.view.state.range, this.frame.width, x));
	}

	private click(x: number, y: number): void {
		const time = this.timeAt(x);
		const node = this.list.at(y)?.node;
		const row = node?.output ? { row: node.id } : {};
		this.view.change({ selection: { start: time, end: time }, evidence: null, ...row });
	}

	private doubleClick(x: number, y: number): void {
		const node = this.list.at(y)?.node;
		if (node?.output) {
			this.commands.selectState(node.id as RowId, this.timeAt(x));
		}
	}

	private point(at: { x: number; y: number } | null): void {
		this.at = at;
		const node = at ? this.list.at(at.y)?.node : undefined;
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
		this.activity.want(state);
		this.losses.want(state.range, this.view.duration);
		this.frame.active.setAttribute("aria-pressed", String(state.active));
		this.frame.cores.setAttribute("aria-pressed", String(state.cores));
		this.frame.byLost.setAttribute("aria-pressed", String(state.byLost));
		const { lost } = this.losses;
		this.list.update({ ...state, only: this.activity.active, lost });
		this.frame.publishMargins();
		this.frame.clock.textContent = clockNote(state.clock, this.experiment);
		this.frame.clock.disabled = otherClock("relative", this.experiment) === "relative";
		this.names.update({
			placed: this.list.layout.placed,
			pinnedHeight: this.list.layout.pinnedHeight,
			row: state.row,
			current: this.list.current,
			isPinned: (node) => node.id !== null && state.pinned.includes(node.id),
			dimmed: (node) => this.matcher?.dims(node) ?? false,
			lost: (node) => (lost ? (lost.get(node.id as RowId) ?? 0) : node.lost),
		});
		this.want();
	}

	private want(): void {
		const { range, row } = this.view.state;
		const rows = this.list
			.near(OVERSCAN)
			.map(({ id, output }) => ({ id: id as RowId, output: output as GraphOutput }));
		this.loader.want({
			range,
			pixels: Math.round(this.frame.width * (devicePixelRatio || 1)),
			rows,
		});
		this.arrows.want(row === null ? null : (this.tree.byId.get(row) ?? null), range);
	}

	private drawOver(): void {
		const { range, selection, row, clock } = this.view.state;
		const { width, height } = this.frame;
		const { colors } = this;
		const { layout } = this.list;
		const ratio = devicePixelRatio || 1;
		const hover = this.view.hover.time;
		paintOverlay(this.frame.overlay, {
			...{ range, width, height, ratio, layout, colors, selection, hover, row },
			zoomBox: this.zoomBox,
			arrows: this.arrows.arrows,
			evidence: this.view.state.evidence,
			marks: this.view.marks,
			notes: this.view.state.notes,
			cpuOf: (id) => this.cpuOf.get(id) ?? null,
			placesOf: (id) => this.list.placesOf(id),
			arrowEnd: (id) => this.list.arrowEnd(id),
			nameOf: (id) => this.nameOf(id),
		});
		paintAxis(this.frame.axis, {
			range,
			width,
			height: AXIS_HEIGHT,
			ratio,
			clock,
			line: this.experiment,
			selection,
			hover,
			notes: this.view.state.notes,
			colors,
		});
		this.overview.paint(width, OVERVIEW_HEIGHT, ratio, colors);
	}

	private nameOf(row: RowId): string {
		const node = this.tree.byId.get(row);
		return node ? fullName(node) : "?";
	}

	private updateTooltip(): void {
		const { at } = this;
		const node = at ? this.list.at(at.y)?.node : undefined;
		const tiles = node?.output ? this.loader.of(node.id as RowId, this.view.state.range) : [];
		const hit = at ? hitAt(tiles, this.timeAt(at.x)) : null;
		const paint =
			hit && node?.family
				? this.currentPalette.paint(node.family, hit.lane.state[hit.i] as number)
				: null;
		if (at && node && hit && paint) {
			this.tooltip.show({
				node,
				...hit,
				paint,
				clock: this.view.state.clock,
				line: this.experiment,
				x: at.x,
				y: at.y,
			});
		} else {
			this.tooltip.hide();
		}
	}
}
