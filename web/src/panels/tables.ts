// The tables below the graph: one tab each, of what is selected or else of what is shown.

import {
	ApiError,
	isAbort,
	type ExperimentApi,
	type Family,
	type Statistics,
	type TableName,
	type TimeRange,
} from "../api";
import { formatDuration, formatStamp, formatTime, type TimeLine } from "../time";
import type { Paint, Palette } from "../graph/palette";
import type { Session } from "../session";
import { statisticsCsv } from "./csv";
import {
	copyText,
	debounce,
	download,
	el,
	iconButton,
	replace,
	sayIfLate,
} from "./dom";
import { EventsTable } from "./events";
import { splitAbove } from "./split";
import { Table, type Sorting } from "./table";

interface Tab {
	/** "recording": its events, which are no table of statistics. */
	name: TableName | "recording";
	title: string;
	help: string;
	/** Whose states are columns. */
	family?: Family;
	sorting: Sorting;
}

const TABS: readonly Tab[] = [
	{
		name: "steal",
		title: "Who took the CPU",
		help: "what ran while a vCPU could have",
		sorting: { column: "steal", descending: true },
	},
	{
		name: "vcpus",
		family: "vcpu",
		title: "vCPUs",
		help: "where the time of each vCPU went",
		sorting: { column: "vcpu", descending: false },
	},
	{
		name: "exits",
		title: "VM exits",
		help: "why guests were left, and how long",
		sorting: { column: "cost", descending: true },
	},
	{
		name: "threads",
		family: "thread",
		title: "Threads",
		help: "where the time of each thread went",
		sorting: { column: "stolen", descending: true },
	},
	{
		name: "cpus",
		family: "cpu",
		title: "CPUs",
		help: "where the time of the host's CPUs went",
		sorting: { column: "cpu", descending: false },
	},
	{
		name: "recording",
		title: "Events",
		help: "what was recorded, event by event, with all fields",
		sorting: { column: "time", descending: false },
	},
];

const NO_LINE: TimeLine = { start: "0", time_origin: null };

/** What explains least stands last, so that what was lost is seen without scrolling. */
const LAST_COLUMNS = ["irq", "softirq", "blocked", "dead", "unknown"];

/** The table with its columns in the order that is read. */
export function arrange(table: Statistics): Statistics {
	const order = table.columns
		.map((column, from) => ({ from, rank: LAST_COLUMNS.indexOf(column.name) }))
		.sort((a, b) => a.rank - b.rank || a.from - b.from)
		.map(({ from }) => from);
	const pick = <T>(row: readonly T[]) => order.map((from) => row[from] as T);
	return { columns: pick(table.columns), rows: table.rows.map(pick) };
}

/** What tables are about: a selection that is longer than a moment, or what is shown. */
export function tableRange(state: { range: TimeRange; selection: TimeRange | null }): TimeRange {
	const { selection, range } = state;
	return selection && selection.end > selection.start ? selection : range;
}

export class Tables {
	private readonly tabs = el("div", { class: "tabs", role: "tablist" });
	private readonly about = el("span", { class: "about" });
	private readonly said = el("div", { class: "said", role: "status" });
	private readonly hold = el("div", { class: "tables-body" });
	private readonly tools: HTMLElement;
	private table: Table | null = null;
	private readonly events: EventsTable;
	private tab: Tab | undefined;
	private stop: AbortController | null = null;
	private api: ExperimentApi | null = null;
	private palette: Palette | null = null;
	private line: TimeLine = NO_LINE;

	constructor(
		host: HTMLElement,
		private readonly session: Session,
		/** Says something short. */
		private readonly say: (text: string) => void,
	) {
		this.events = new EventsTable(session);
		const copy = iconButton("copy", "Copy the table as CSV", () => void this.copy());
		const save = iconButton("save", "Save the table as CSV", () => this.save());
		this.tools = el("div", { class: "tools" }, this.about, copy, save);
		const split = splitAbove(this.hold);
		replace(host, split, el("div", { class: "tables-head" }, this.tabs, this.tools), this.hold);
		const later = debounce(250, () => void this.load());
		session.view.subscribe((_, changed) => {
			if (changed.has("tab")) {
				this.choose();
			} else if (changed.has("range") || changed.has("selection")) {
				later();
			}
			if (changed.has("row")) {
				this.table?.mark();
			}
			if (changed.has("clock")) {
				this.table?.redraw();
				this.describe(tableRange(session.view.state));
			}
		});
	}

	/** Another experiment, or none. */
	open(api: ExperimentApi | null, palette: Palette | null, line: TimeLine | null): void {
		this.api = api;
		this.line = line ?? NO_LINE;
		this.events.open(api, line);
		this.palette = palette;
		this.choose();
	}

	private choose(): void {
		const { view } = this.session;
		this.tab = TABS.find((t) => t.name === view.state.tab);
		replace(this.tabs, ...TABS.map((tab) => this.button(tab)));
		this.tools.hidden = this.hold.hidden = !this.tab;
		this.hold.parentElement?.classList.toggle("closed", !this.tab);
		const raw = this.tab?.name === "recording";
		this.table = this.tab && !raw
			? new Table(
					view,
					(state) => this.paint(state),
					this.tab.sorting,
					(time) => this.timeText(time),
				)
			: null;
		this.said.textContent = "";
		replace(this.hold, this.said, raw ? this.events.element : this.table?.element);
		this.events.show(raw);
		if (raw) {
			this.describe(tableRange(view.state));
		}
		void this.load();
	}

	private timeText(time: number): string {
		return formatTime(this.session.view.state.clock, this.line, time);
	}

	private csv(table: Table): string {
		const { clock } = this.session.view.state;
		return statisticsCsv(table.shown, (time) => formatStamp(clock, this.line, time));
	}

	/** What is shown, as CSV; null: nothing is. */
	private text(): string | null {
		return this.tab?.name === "recording"
			? this.events.csv()
			: this.table && this.csv(this.table);
	}

	/** Columns that are states look like them. */
	private paint(state: string): Paint | undefined {
		const family = this.tab?.family;
		return family && this.palette?.named(family, state);
	}

	private button(tab: Tab): HTMLElement {
		const chosen = tab === this.tab;
		const { view } = this.session;
		const onclick = () => view.change({ tab: chosen ? "" : tab.name });
		const title = chosen ? "Close the table" : `Table: ${tab.help}`;
		return el(
			"button",
			{
				type: "button",
				role: "tab",
				class: "tab",
				"aria-selected": String(chosen),
				title,
				onclick,
			},
			tab.title,
		);
	}

	private async load(): Promise<void> {
		const { api, table, tab } = this;
		const { state } = this.session.view;
		this.stop?.abort();
		if (tab?.name === "recording") {
			this.describe(tableRange(state));
			return;
		}
		if (!api || !table || !tab || state.range.end <= state.range.start) {
			return;
		}
		this.stop = new AbortController();
		const range = tableRange(state);
		this.describe(range);
		const { signal } = this.stop;
		const ended = sayIfLate(this.said, signal);
		try {
			table.set(arrange(await api.statistics(tab.name, range, signal)));
			this.said.textContent = table.shown.rows.length ? "" : "Nothing of this in this time.";
		} catch (e) {
			if (!isAbort(e)) {
				this.said.textContent = e instanceof ApiError ? e.message : String(e);
			}
		} finally {
			ended();
		}
	}

	private describe(range: TimeRange): void {
		const selected = range === this.session.view.state.selection;
		this.about.textContent = `${selected ? "selected" : "shown"}: ${formatDuration(range.end - range.start)}`;
		this.about.title = `${this.timeText(range.start)} to ${this.timeText(range.end)}`;
	}

	private async copy(): Promise<void> {
		const text = this.text();
		if (text !== null) {
			const done = await copyText(text);
			this.say(done ? "Table copied as CSV" : "The browser does not let the page copy");
		}
	}

	private save(): void {
		const text = this.text();
		if (text !== null && this.tab) {
			download(`vmscope-${this.tab.name}.csv`, new Blob([text], { type: "text/csv" }));
		}
	}
}
