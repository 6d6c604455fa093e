// A sortable table of statistics: clicking a row selects it in the graph, clicking a time goes
// there.

import type { Column, Statistics } from "../api";
import { formatCount } from "../format";
import { formatDuration, formatExact } from "../time";
import type { Paint } from "../graph/palette";
import type { View } from "../view";
import { el, replace } from "./dom";
import { swatch } from "./swatch";

type Value = string | number | null;
export interface Sorting {
	column: string;
	descending: boolean;
}

/** So many rows are shown until more are asked for. */
const ROWS_AT_FIRST = 200;

function compare(a: Value, b: Value): number {
	if (typeof a === "number" && typeof b === "number") {
		return a - b;
	}
	return String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });
}

/** Rows sorted by a column; equal ones stay in their order, and what has no value comes last. */
export function sortRows(table: Statistics, sorting: Sorting | null): readonly Value[][] {
	const at = table.columns.findIndex((c) => c.name === sorting?.column);
	if (!sorting || at < 0) {
		return table.rows;
	}
	const sign = sorting.descending ? -1 : 1;
	return [...table.rows].sort((a, b) => {
		const [x, y] = [a[at] ?? null, b[at] ?? null];
		if (x === null || y === null) {
			return Number(x === null) - Number(y === null);
		}
		return sign * compare(x, y);
	});
}

/** A time of the page's, by the clock that the reader chose. */
export type SayTime = (time: number) => string;

function text(column: Column, value: Value, time: SayTime): string {
	if (value === null || (value === 0 && column.type === "ns")) {
		return "";
	}
	if (typeof value === "string") {
		return value;
	}
	if (column.type === "ns") {
		return formatDuration(value, 3);
	}
	return column.type === "time" ? time(value) : formatCount(value);
}

export class Table {
	readonly element: HTMLElement;
	private readonly body = el("tbody");
	private readonly head = el("thead");
	private readonly more = el("button", {
		type: "button",
		class: "more",
		onclick: () => this.showAll(),
	});
	private table: Statistics = { columns: [], rows: [] };
	private sorted: readonly Value[][] = [];
	private limit = ROWS_AT_FIRST;

	constructor(
		private readonly view: View,
		/** How a column looks that is a state. */
		private readonly paint: (column: string) => Paint | undefined,
		private sorting: Sorting | null,
		private readonly time: SayTime,
	) {
		this.element = el(
			"div",
			{ class: "table" },
			el("table", {}, this.head, this.body),
			this.more,
		);
		this.body.addEventListener("click", (event) => this.clicked(event));
		this.body.addEventListener(
			"keydown",
			(event) => event.key === "Enter" && this.clicked(event),
		);
	}

	/** The rows as they are shown. */
	get shown(): Statistics {
		return { columns: this.table.columns, rows: [...this.sorted] as Value[][] };
	}

	set(table: Statistics): void {
		this.table = table;
		this.draw();
	}

	/** The same, by another clock. */
	redraw(): void {
		this.draw();
	}

	/** Marks the graph's row. */
	mark(): void {
		const row = String(this.view.state.row);
		for (const line of this.body.rows) {
			line.classList.toggle("selected", line.dataset.row === row);
		}
	}

	private draw(): void {
		this.sorted = sortRows(this.table, this.sorting);
		replace(this.head, el("tr", {}, ...this.table.columns.map((c) => this.header(c))));
		replace(this.body, ...this.sorted.slice(0, this.limit).map((row, i) => this.line(row, i)));
		this.more.hidden = this.sorted.length <= this.limit;
		this.more.textContent = `Show all ${formatCount(this.sorted.length)} rows`;
		this.mark();
	}

	private showAll(): void {
		this.limit = Infinity;
		this.draw();
	}

	private header(column: Column): HTMLElement | null {
		if (column.type === "row") {
			return null;
		}
		const sorted = this.sorting?.column === column.name;
		const order = this.sorting?.descending ? "descending" : "ascending";
		const paint = this.paint(column.name);
		const arrow = el(
			"span",
			{ class: "order", "aria-hidden": true },
			sorted ? (order === "descending" ? "▾" : "▴") : "",
		);
		return el(
			"th",
			{ scope: "col", class: column.type, "aria-sort": sorted ? order : null },
			el(
				"button",
				{ type: "button", title: column.help, onclick: () => this.sortBy(column) },
				paint ? swatch(paint) : null,
				column.title,
				arrow,
			),
		);
	}

	/** Numbers are looked at from the largest, names from the first. */
	private sortBy(column: Column): void {
		const again = this.sorting?.column === column.name;
		const descending = again ? !this.sorting?.descending : column.type !== "text";
		this.sorting = { column: column.name, descending };
		this.draw();
	}

	private line(row: Value[], index: number): HTMLElement {
		const at = this.table.columns.findIndex((c) => c.type === "row");
		const total = Number(row[this.table.columns.findIndex((c) => c.name === "total")] ?? 0);
		const cells = this.table.columns.map((c, i) => this.cell(c, row[i] ?? null, total));
		return el(
			"tr",
			{ tabindex: 0, "data-row": row[at] ?? null, "data-index": index },
			...cells,
		);
	}

	private cell(column: Column, value: Value, total: number): HTMLElement | null {
		if (column.type === "row") {
			return null;
		}
		const cell = el("td", { class: column.type }, text(column, value, this.time));
		if (column.type === "ns" && typeof value === "number") {
			cell.title = formatExact(value);
			this.bar(cell, column, value, total);
		}
		if (column.type === "time" && value !== null) {
			replace(
				cell,
				el(
					"button",
					{ type: "button", class: "go", title: "Show it in the graph" },
					text(column, value, this.time),
				),
			);
		}
		return cell;
	}

	/** States say by a bar how much of the row's time they are. */
	private bar(cell: HTMLElement, column: Column, value: number, total: number): void {
		const color = this.paint(column.name)?.color;
		if (color && value > 0 && total > 0) {
			const share = Math.min((value / total) * 100, 100);
			cell.append(
				el("span", {
					class: "bar",
					style: `width:${share.toFixed(1)}%;background:${color}`,
				}),
			);
		}
	}

	private clicked(event: Event): void {
		const target = event.target as Element;
		const line = target.closest("tr");
		const row = this.sorted[Number(line?.dataset.index)];
		if (!line || !row) {
			return;
		}
		const id = Number(line.dataset.row);
		const { view } = this;
		if (target.closest(".go") || (event as KeyboardEvent).key === "Enter") {
			this.goTo(row, id);
		} else {
			view.change({ row: view.state.row === id ? null : id });
		}
	}

	/** To the longest of what the row counts, where it says when that was. */
	private goTo(row: readonly Value[], id: number): void {
		const value = (name: string) => row[this.table.columns.findIndex((c) => c.name === name)];
		const [start, length] = [value("max_at"), value("max")];
		if (typeof start === "number") {
			this.view.goTo({
				row: id,
				start,
				end: start + (typeof length === "number" ? length : 0),
			});
		} else {
			this.view.change({ row: id });
		}
	}
}
