// The charts below the graph, under its time axis: exits by reason, steal, latency.

import { isAbort, type ExitRow, type ExperimentApi, type RowId, type Series } from "../api";
import { formatCount } from "../format";
import type { Tree } from "../graph/tree";
import type { Session } from "../session";
import { formatDuration } from "../time";
import { Chart, type Kind } from "./chart";
import { foldByName, shortNumber, type Line } from "./chart_data";
import { debounce, el, replace, sayIfLate } from "./dom";

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

const EXIT_ROWS_AT_MOST = 400;

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
		const ended = sayIfLate(this.said, signal);
		try {
			await Promise.all(
				this.charts.filter((c) => c.open).map((c) => this.loadChart(source, c, signal)),
			);
			this.said.textContent = "";
		} catch (e) {
			if (!isAbort(e)) {
				this.said.textContent = e instanceof Error ? e.message : String(e);
			}
		} finally {
			ended();
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
