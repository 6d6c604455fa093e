// What is said where there is no graph: which experiments there are, how far an analysis is, what
// went wrong.

import { ApiError, openPath, type Experiment } from "../api";
import type { Phase, Session } from "../session";
import { formatDuration, formatMoment } from "../time";
import { el, replace } from "./dom";

const STATUS: Record<Experiment["status"], string> = {
	RUNNING: "being analyzed",
	COMPLETED: "",
	FAILED: "could not be analyzed",
};

/** The experiments that are open, to choose from. */
function experimentList(session: Session, chosen: () => void): HTMLElement {
	return el(
		"ul",
		{ class: "experiments" },
		...session.experiments.map((e) => {
			const when = [formatMoment(e), formatDuration(e.duration)].filter(Boolean).join(", ");
			const onclick = () => {
				session.view.choose(e.id);
				chosen();
			};
			return el(
				"li",
				{},
				el(
					"button",
					{
						type: "button",
						"aria-current": e.id === session.view.state.experiment ? "true" : null,
						onclick,
					},
					el("strong", {}, e.name),
					el("span", { class: "hint" }, STATUS[e.status] || when),
				),
			);
		}),
	);
}

/** A field for the path of what is not open yet. */
function openForm(session: Session, chosen: () => void): HTMLElement {
	const said = el("p", { class: "error", role: "alert" });
	const field = el("input", {
		type: "text",
		name: "path",
		required: true,
		spellcheck: "false",
		autocomplete: "off",
		placeholder: "/path/to/results.vms or a recording",
		"aria-label": "Path on the server's machine",
	});
	const open = async () => {
		said.textContent = "";
		try {
			const experiment = await openPath(field.value.trim());
			chosen();
			// The one that is shown may be the one that was opened: then it is asked
			// for again.
			if (experiment.id === session.view.state.experiment) {
				session.load();
			} else {
				session.view.choose(experiment.id);
			}
		} catch (e) {
			said.textContent = e instanceof ApiError ? e.message : String(e);
		}
	};
	const onsubmit = (event: Event) => {
		event.preventDefault();
		void open();
	};
	return el(
		"form",
		{ class: "open-form", onsubmit },
		el("label", {}, "Open a file or a recording on the server's machine"),
		el(
			"div",
			{ class: "row" },
			field,
			el("button", { type: "submit", class: "primary" }, "Open"),
		),
		said,
	);
}

/** The dialog to change to another experiment. */
export class Chooser {
	private readonly dialog = el("dialog", { class: "dialog chooser", "aria-label": "Open" });

	constructor(private readonly session: Session) {
		this.dialog.addEventListener(
			"click",
			(event) => event.target === this.dialog && this.dialog.close(),
		);
		document.body.append(this.dialog);
	}

	show(): void {
		const close = () => this.dialog.close();
		replace(
			this.dialog,
			el("h2", {}, "Experiments"),
			experimentList(this.session, close),
			openForm(this.session, close),
		);
		this.dialog.showModal();
	}
}

export class Notice {
	private readonly card = el("div", { class: "card" });
	private readonly element = el("div", { class: "notice", role: "status" }, this.card);

	constructor(
		host: HTMLElement,
		private readonly session: Session,
	) {
		host.append(this.element);
		session.subscribe((phase) => this.show(phase));
		this.show(session.phase);
	}

	private show(phase: Phase): void {
		this.element.hidden = phase.kind === "ready";
		replace(this.card, ...this.content(phase));
	}

	private content(phase: Phase): HTMLElement[] {
		switch (phase.kind) {
			case "connecting":
				return [el("p", { class: "busy" }, "Loading…")];
			case "choose":
				return [
					el(
						"h2",
						{},
						this.session.experiments.length
							? "What do you want to look at?"
							: "Nothing is open yet",
					),
					experimentList(this.session, () => undefined),
					openForm(this.session, () => undefined),
				];
			case "running":
				return [
					el("h2", {}, `Analyzing ${phase.experiment.name}`),
					el("progress", { "aria-label": "Analysis" }),
					el(
						"p",
						{ class: "hint" },
						phase.experiment.message || "The graph appears when it is done.",
					),
				];
			case "failed":
				return this.failure(phase.message, phase.lost);
			case "ready":
				return [];
		}
	}

	private failure(message: string, lost: boolean): HTMLElement[] {
		if (!lost) {
			return [
				el("h2", {}, "This cannot be shown"),
				el("p", { class: "error" }, message),
				experimentList(this.session, () => undefined),
				openForm(this.session, () => undefined),
			];
		}
		const again = el(
			"button",
			{ type: "button", class: "primary", onclick: () => this.session.load() },
			"Try again",
		);
		return [
			el("h2", {}, "The server is gone"),
			el("p", {}, message),
			el(
				"p",
				{ class: "hint" },
				"It is asked again every two seconds. Is vmscope serve still running?",
			),
			el("div", { class: "row" }, again),
		];
	}
}
