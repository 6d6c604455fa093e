// The charts below the graph, under its time axis: exits by reason, steal, latency. The pointer,
// zoom and selection are the graph's.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import {
	isAbort,
	type ExitRow,
	type ExperimentApi,
	type RowId,
	type Series,
	type SeriesOutput,
} from "../api";
import type { Tree } from "../graph/tree";
import { formatCount } from "../format";
import type { Session } from "../session";
import { formatDuration } from "../time";
import { zoomRange } from "../view";
import { foldByName, keepStrokes, shortNumber, type Fold, type Line } from "./chart_data";
import { debounce, el, replace } from "./dom";

interface Kind {
	output: SeriesOutput;
	title: string;
	help: string;
	open: boolean;
	/** How several lines become one. */
	fold: Fold;
	format: (value: number) => string;
}

const KINDS: readonly Kind[] = [
	{
		output: "exits",
		title: "VM exits per second",
		help: "how often vCPUs left the guest, by reason",
		open: true,
		fold: "sum",
		format: shortNumber,
	},
	{
		output: "steal",
		title: "Steal, %",
		help: "of the time of each vCPU: it could run and had no CPU",
		open: true,
		fold: "mean",
		format: shortNumber,
	},
	{
		output: "latency",
		title: "Wake-up latency",
		help: "the longest time from wake-up to running, of all threads of a machine",
		open: false,
		fold: "max",
		format: (value) => formatDuration(value, 3),
	},
];

const HEIGHT = 76;
/** Room for the numbers at the axis, left of where the plot begins. */
const AXIS = 52;
/** Told apart without their hue, too: dark and light take turns. Only charts use them. */
const STROKES = [
	"--line-1",
	"--line-2",
	"--line-3",
	"--line-4",
	"--line-5",
	"--line-6",
	"--line-7",
	"--line-8",
];
const EXIT_ROWS_AT_MOST = 400;

function cssColor(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
}

/**
 * One chart: a title with its lines' names and values at the left, the plot under the graph's plot
 * at the right.
 */
class Chart {
	readonly element: HTMLElement;
	readonly plotHost = el("div", { class: "plot" });
	private readonly names = el("ul", { class: "lines" });
	private readonly button: HTMLElement;
	private plot: uPlot | null = null;
	private lines: Line[] = [];
	private x: number[] = [];
	/** Which colour each line has had, by its name. */
	private strokes: ReadonlyMap<string, number> = new Map();
	open: boolean;

	constructor(
		readonly kind: Kind,
		private readonly session: Session,
		toggled: (chart: Chart) => void,
	) {
		this.open = kind.open;
		const onclick = () => {
			this.open = !this.open;
			this.show();
			toggled(this);
		};
		this.button = el(
			"button",
			{ type: "button", class: "chart-title", title: kind.help, onclick },
			kind.title,
		);
		this.element = el(
			"div",
			{ class: "chart" },
			el("div", { class: "chart-side" }, this.button, this.names),
			this.plotHost,
		);
		this.plotHost.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
		this.show();
	}

	private show(): void {
		this.element.classList.toggle("closed", !this.open);
		this.button.setAttribute("aria-expanded", String(this.open));
	}

	set(x: number[], lines: Line[]): void {
		this.x = x;
		this.lines = lines;
		this.strokes = keepStrokes(
			this.strokes,
			lines.map((line) => line.name),
			STROKES.length,
		);
		this.draw();
	}

	/** Makes the plot anew: other data, another size, another theme. */
	draw(): void {
		this.plot?.destroy();
		this.plot = null;
		const width = this.plotHost.clientWidth;
		if (!this.open || width <= AXIS || this.x.length === 0) {
			replace(this.names);
			return;
		}
		const data = [this.x, ...this.lines.map((line) => line.y)] as uPlot.AlignedData;
		this.plot = new uPlot(this.options(width), data, this.plotHost);
		this.move();
		this.point(this.session.view.hover.time);
	}

	private options(width: number): uPlot.Options {
		const grid = { stroke: cssColor("--grid"), width: 1 };
		const { start, end } = this.session.view.state.range;
		const paths = uPlot.paths.stepped?.({ align: 1 });
		return {
			width,
			height: HEIGHT,
			padding: [6, 0, 6, 0],
			legend: { show: false },
			cursor: {
				y: false,
				drag: { x: true, y: false, setScale: false },
				points: { show: false },
			},
			scales: {
				x: { time: false, min: start, max: end },
				y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] },
			},
			axes: [
				{ show: false, grid },
				{
					size: AXIS,
					gap: 4,
					ticks: { show: false },
					grid,
					stroke: cssColor("--quiet"),
					font: "11px system-ui, sans-serif",
					space: 24,
					values: (_, values) => values.map((v) => this.kind.format(v)),
				},
			],
			series: [
				{},
				...this.lines.map((line) => ({
					label: line.name,
					stroke: cssColor(this.stroke(line)),
					width: 1.5,
					points: { show: false },
					...(paths ? { paths } : {}),
				})),
			],
			hooks: {
				ready: [(plot) => this.watchLeaving(plot)],
				setCursor: [(plot) => this.pointed(plot)],
				setSelect: [(plot) => this.selected(plot)],
				drawClear: [(plot) => this.drawSelection(plot)],
			},
		};
	}

	private stroke(line: Line): string {
		return STROKES[this.strokes.get(line.name) ?? -1] ?? "--quiet";
	}

	/** The graph moved: what is there is stretched until there is more. */
	move(): void {
		const { start, end } = this.session.view.state.range;
		this.plot?.setScale("x", { min: start, max: end });
	}

	redraw(): void {
		this.plot?.redraw(false, false);
	}

	/** The pointer is at a time, here or in another picture. */
	point(time: number | null): void {
		const { plot } = this;
		if (!plot) {
			return;
		}
		const left = time === null ? -10 : plot.valToPos(time, "x");
		if (Math.abs((plot.cursor.left ?? -10) - left) > 0.5) {
			plot.setCursor({ left, top: time === null ? -10 : 0 }, false);
		}
		this.values(time);
	}

	/** uPlot says this of its own moves, too: those are not the pointer's. */
	private pointed(plot: uPlot): void {
		const left = plot.cursor.left ?? -1;
		if (left >= 0 && plot.over.matches(":hover")) {
			this.session.view.setHover({ time: plot.posToVal(left, "x"), row: null });
		}
	}

	private watchLeaving(plot: uPlot): void {
		plot.over.addEventListener("pointerleave", () =>
			this.session.view.setHover({ time: null, row: null }),
		);
	}

	private selected(plot: uPlot): void {
		const { left, width } = plot.select;
		if (width > 2) {
			const selection = {
				start: plot.posToVal(left, "x"),
				end: plot.posToVal(left + width, "x"),
			};
			this.session.view.change({ selection });
		}
		plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
	}

	private drawSelection(plot: uPlot): void {
		const { selection } = this.session.view.state;
		if (selection) {
			const x0 = plot.valToPos(selection.start, "x", true);
			const x1 = plot.valToPos(selection.end, "x", true);
			const { left, width, top, height } = plot.bbox;
			const from = Math.max(x0, left);
			const to = Math.min(Math.max(x1, x0 + 1), left + width);
			plot.ctx.fillStyle = cssColor("--select");
			plot.ctx.fillRect(from, top, Math.max(to - from, 0), height);
		}
	}

	private wheel(event: WheelEvent): void {
		const { plot, session } = this;
		if (!plot || !(event.ctrlKey || event.metaKey || event.shiftKey)) {
			return;
		}
		event.preventDefault();
		const { range } = session.view.state;
		const span = range.end - range.start;
		if (event.shiftKey) {
			const by = (span * (event.deltaY || event.deltaX)) / 1000;
			session.view.change({ range: { start: range.start + by, end: range.end + by } });
			return;
		}
		const at = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
		session.view.change({ range: zoomRange(range, 1.002 ** event.deltaY, at) });
	}

	private values(time: number | null): void {
		const at = time === null ? -1 : lastAt(this.x, time);
		this.names.classList.toggle("many", this.lines.length > 3);
		replace(
			this.names,
			...this.lines.map((line) => {
				const value = line.y[at];
				return el(
					"li",
					{ title: line.name },
					el("span", { class: "stroke", style: `background:var(${this.stroke(line)})` }),
					el("span", { class: "name" }, line.name),
					el(
						"span",
						{ class: "value" },
						value === undefined || value === null ? "" : this.kind.format(value),
					),
				);
			}),
			this.lines.length === 0 ? el("li", { class: "hint" }, "none in this time") : null,
		);
	}
}

/** Return: the index of the last one that is not after `time`; -1 where there is none. */
function lastAt(x: readonly number[], time: number): number {
	let at = x.length - 1;
	while (at >= 0 && (x[at] ?? 0) > time) {
		at--;
	}
	return at;
}

interface Source {
	api: ExperimentApi;
	tree: Tree;
	exits: Promise<ExitRow[]> | null;
}

export class Charts {
	private readonly charts: Chart[];
	private readonly said = el("div", { class: "said", role: "status" });
	private source: Source | null = null;
	private stop: AbortController | null = null;

	constructor(
		private readonly host: HTMLElement,
		private readonly session: Session,
	) {
		this.charts = KINDS.map((kind) => new Chart(kind, session, () => void this.load()));
		replace(host, ...this.charts.map((chart) => chart.element), this.said);
		const later = debounce(150, () => void this.load());
		session.view.subscribe((_, changed) => {
			if (changed.has("range")) {
				this.charts.forEach((chart) => chart.move());
				later();
			} else if (changed.has("row")) {
				later();
			}
			if (changed.has("selection")) {
				this.charts.forEach((chart) => chart.redraw());
			}
		});
		session.view.subscribeHover(({ time }) =>
			this.charts.forEach((chart) => chart.point(time)),
		);
		const resized = new ResizeObserver(debounce(60, () => this.redraw()));
		this.charts.forEach((chart) => resized.observe(chart.plotHost));
	}

	open(api: ExperimentApi | null, tree: Tree | null): void {
		this.source = api && tree ? { api, tree, exits: null } : null;
		this.host.hidden = !this.source;
		void this.load();
	}

	/** Other colours or another size. */
	redraw(): void {
		this.charts.forEach((chart) => chart.draw());
	}

	private async load(): Promise<void> {
		const { source } = this;
		this.stop?.abort();
		if (!source) {
			return;
		}
		this.stop = new AbortController();
		const { signal } = this.stop;
		try {
			await Promise.all(
				this.charts.filter((c) => c.open).map((c) => this.loadChart(source, c, signal)),
			);
			this.said.textContent = "";
		} catch (e) {
			if (!isAbort(e)) {
				this.said.textContent = e instanceof Error ? e.message : String(e);
			}
		}
	}

	private async loadChart(source: Source, chart: Chart, signal: AbortSignal): Promise<void> {
		const { range } = this.session.view.state;
		if (range.end <= range.start) {
			return;
		}
		const pixels = Math.max(Math.floor((this.host.clientWidth - 200) / 3), 50);
		const ask = (items: RowId[] | null) =>
			source.api.series(chart.kind.output, range, pixels, items, signal);
		const series =
			chart.kind.output === "exits"
				? await this.exits(source, ask)
				: await this.others(source, chart, ask);
		if (!signal.aborted) {
			chart.set(series.x, series.lines);
		}
	}

	/** By reason, of the selected vCPU or of all. */
	private async exits(
		source: Source,
		ask: (items: RowId[] | null) => Promise<Series>,
	): Promise<{ x: number[]; lines: Line[] }> {
		source.exits ??= source.api.exits();
		const all = await source.exits;
		const own = all.filter((row) => row.vcpu === this.session.view.state.row);
		const rows = own.length > 0 ? own : all;
		if (rows.length === 0 || rows.length > EXIT_ROWS_AT_MOST) {
			const series = await ask(null);
			const vcpus = formatCount(series.series.length);
			return {
				x: series.x,
				lines: foldByName(
					series,
					"sum",
					() => `all ${vcpus} vCPUs; select one for its reasons`,
				),
			};
		}
		const reasons = new Map(rows.map((row) => [row.id, row.reason]));
		const series = await ask(rows.map((row) => row.id));
		return {
			x: series.x,
			lines: foldByName(series, "sum", (id, name) => reasons.get(id) ?? name),
		};
	}

	/** Of the selected row where the chart has it, or of all that it has. */
	private async others(
		source: Source,
		chart: Chart,
		ask: (items: RowId[] | null) => Promise<Series>,
	): Promise<{ x: number[]; lines: Line[] }> {
		const { row } = this.session.view.state;
		const output = row === null ? null : source.tree.byId.get(row)?.output;
		const own =
			output === (chart.kind.output === "steal" ? "vcpus" : "threads") && row !== null;
		const series = await ask(own ? [row] : null);
		return { x: series.x, lines: foldByName(series, chart.kind.fold, (_, name) => name) };
	}
}
