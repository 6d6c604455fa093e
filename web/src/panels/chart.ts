// One chart: a title with its lines' names and values at the left, the plot under the graph's plot
// at the right. The pointer, zoom and selection are the graph's.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import type { SeriesOutput } from "../api";
import type { Session } from "../session";
import { zoomRange } from "../view";
import { keepStrokes, type Fold, type Line } from "./chart_data";
import { el, replace } from "./dom";

export interface Kind {
	output: SeriesOutput;
	title: string;
	help: string;
	open: boolean;
	/** How several lines become one. */
	fold: Fold;
	format: (value: number) => string;
}

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

function cssColor(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
}

export class Chart {
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
