// What was wrong with the recording: a sign in the bar, which opens the list.

import type { Rows, Warning } from "../api";
import { formatCount } from "../format";
import type { Session } from "../session";
import { formatTime, type TimeLine } from "../time";
import type { Clock } from "../view";
import { el, icon, iconButton, replace } from "./dom";

const NO_LINE: TimeLine = { start: "0", time_origin: null };

/** What spoils what is seen; the rest is only good to know. */
function isLoud(warning: Warning): boolean {
	return warning.severity !== "info";
}

/** "3 warnings", or nothing where there is none. */
export function summary(warnings: readonly Warning[]): string {
	const n = warnings.filter(isLoud).length;
	return n === 0 ? "" : n === 1 ? "1 warning" : `${n} warnings`;
}

/** "damage, g1: events-lost, 12 times, first at 1.2 s" */
export function title(warning: Warning, rows: Rows, clock: Clock, line: TimeLine): string {
	const machine = rows.machines.find((m) => m.id === warning.machine)?.name;
	const when = warning.first === null ? "" : `, first at ${formatTime(clock, line, warning.first)}`;
	const times = warning.count > 1 ? `, ${formatCount(warning.count)} times` : "";
	return `${machine ? `${machine}: ` : ""}${warning.name}${times}${when}`;
}

export class Warnings {
	readonly button = el(
		"button",
		{ type: "button", class: "warnings", hidden: true, onclick: () => this.show() },
		icon("warning"),
	);
	private readonly text = el("span");
	private readonly dialog = el("dialog", { class: "dialog", "aria-label": "Warnings" });
	private rows: Rows | null = null;
	private line: TimeLine = NO_LINE;

	constructor(private readonly session: Session) {
		this.button.append(this.text);
		this.dialog.addEventListener(
			"click",
			(event) => event.target === this.dialog && this.dialog.close(),
		);
		document.body.append(this.dialog);
	}

	open(rows: Rows | null, line: TimeLine | null): void {
		const said = summary(rows?.warnings ?? []);
		this.rows = rows;
		this.line = line ?? NO_LINE;
		this.text.textContent = said;
		this.button.hidden = said === "";
		this.button.title = "What was wrong with the recording, and what that means for what is shown";
	}

	private show(): void {
		const { rows } = this;
		const { clock } = this.session.view.state;
		if (!rows) {
			return;
		}
		const lines = rows.warnings.flatMap((w) => [
			el(
				"dt",
				{},
				el("span", { class: `severity ${isLoud(w) ? w.severity : "info"}` }, w.severity),
				title(w, rows, clock, this.line),
			),
			el("dd", {}, w.help, w.detail ? el("p", {}, w.detail) : null),
		]);
		replace(
			this.dialog,
			el(
				"header",
				{},
				el("h2", {}, "What was wrong with the recording"),
				iconButton("close", "Close (Esc)", () => this.dialog.close()),
			),
			el("dl", { class: "warning-list" }, ...lines),
		);
		this.dialog.showModal();
	}
}
