// The line above the graph that is there when a file holds recordings that have no clock in common:
// which there are, and which of them is shown.

import type { Experiment, Rows } from "../api";
import { findRecordings, showing, shownAlone, type Recording } from "../recordings";
import type { Session } from "../session";
import { formatDuration, formatMoment } from "../time";
import { el, replace } from "./dom";

export class RecordingsLine {
	private readonly element = el("div", { class: "recordings", role: "toolbar", hidden: true });
	private all: Recording[] = [];
	private buttons: { of: Recording | null; element: HTMLButtonElement }[] = [];

	constructor(
		host: HTMLElement,
		private readonly session: Session,
	) {
		host.prepend(this.element);
		session.view.subscribe((_, changed) => changed.has("range") && this.mark());
	}

	open(rows: Rows | null, experiment: Experiment | null): void {
		this.all = rows ? findRecordings(rows) : [];
		this.element.hidden = this.all.length < 2;
		if (this.element.hidden || !experiment) {
			return;
		}
		this.buttons = [...this.all, null].map((of) => ({ of, element: this.button(of, experiment) }));
		replace(
			this.element,
			el("span", {}, "Recordings that have no clock in common:"),
			...this.buttons.map((b) => b.element),
		);
		this.mark();
	}

	private button(of: Recording | null, { start }: Experiment): HTMLButtonElement {
		const onclick = () => {
			const { view } = this.session;
			view.change(showing(this.all, of, view.state, view.duration));
		};
		if (!of) {
			const title = "All of them on one time line; times must not be compared between them";
			return el("button", { type: "button", title, onclick }, "all");
		}
		const from = of.range.start;
		const when = formatMoment({ start, time_origin: of.origin }, from);
		const title = `Show this one alone${when && `: from ${when}`}`;
		const name = `${of.names.join(", ")}: ${formatDuration(of.range.end - from)}`;
		return el("button", { type: "button", title, onclick }, name);
	}

	private mark(): void {
		const shown = shownAlone(this.all, this.session.view.state.range);
		for (const { of, element } of this.buttons) {
			element.setAttribute("aria-pressed", String(of === shown));
		}
	}
}
