// The box in which a time, or a range of times, can be typed; and the notes that readers keep at
// times, which are part of the link.

import type { Session } from "../session";
import { formatTime, parseRange, type TimeLine } from "../time";
import type { Note } from "../view";
import { el, iconButton } from "./dom";

const NO_LINE: TimeLine = { start: "0", time_origin: null };

export class TimeBox {
	readonly element: HTMLElement;
	private readonly field = el("input", {
		type: "text",
		class: "time-box",
		"aria-label": "The time that is shown; type another, as +3 .. +4.5 or 14:02:10 .. 14:02:12",
		title: "Type a range: +3 .. +4.5, 14:02:10 .. 14:02:12; or a time to go to (g)",
		spellcheck: "false",
		autocomplete: "off",
	});
	private line: TimeLine = NO_LINE;

	constructor(
		private readonly session: Session,
		/** Says something short. */
		private readonly say: (text: string) => void,
	) {
		const { field } = this;
		this.element = el("span", { class: "field" }, field);
		field.addEventListener("keydown", (event) => {
			if (event.key === "Enter") {
				this.go();
			} else if (event.key === "Escape") {
				event.preventDefault();
				field.blur();
			}
		});
		field.addEventListener("blur", () => this.show());
		session.view.subscribe((_, changed) => {
			if (changed.has("range") || changed.has("clock")) {
				this.show();
			}
		});
	}

	open(line: TimeLine | null): void {
		this.line = line ?? NO_LINE;
		this.show();
	}

	focus(): void {
		this.field.focus();
		this.field.select();
	}

	private show(): void {
		if (document.activeElement === this.field) {
			return;
		}
		const { range, clock } = this.session.view.state;
		const step = Math.max((range.end - range.start) / 1000, 1);
		const text = (time: number) => formatTime(clock, this.line, time, step);
		this.field.value = range.end > range.start ? `${text(range.start)} .. ${text(range.end)}` : "";
	}

	private go(): void {
		const { view } = this.session;
		const found = parseRange(this.field.value, view.state.clock, this.line, view.state.range);
		if (!found) {
			this.say("That is no time: type +3 .. +4.5, or 14:02:10 .. 14:02:12");
			return;
		}
		this.field.blur();
		view.change({ range: found });
		this.show();
	}
}

/** The list of notes, and the dialog that makes one. */
export class Notes {
	private readonly field = el("input", { type: "text", "aria-label": "Note", maxlength: 200 });
	private readonly dialog = el("dialog", { class: "dialog", "aria-label": "A note at this time" });
	private time = 0;

	constructor(private readonly session: Session) {
		const onsubmit = (event: Event) => {
			event.preventDefault();
			this.keep();
		};
		this.dialog.append(
			el("h2", {}, "A note at this time"),
			el(
				"form",
				{ class: "open-form", onsubmit },
				el(
					"div",
					{ class: "row" },
					this.field,
					el("button", { type: "submit", class: "primary" }, "Keep"),
				),
			),
		);
		document.body.append(this.dialog);
	}

	/** At what is selected, else under the pointer, else in the middle. */
	ask(): void {
		const { state, hover } = this.session.view;
		const { range, selection } = state;
		this.time = Math.round(selection?.start ?? hover.time ?? (range.start + range.end) / 2);
		this.field.value = "";
		this.dialog.showModal();
		this.field.focus();
	}

	private keep(): void {
		const { view } = this.session;
		const text = this.field.value.trim() || "note";
		const notes = [...view.state.notes, { time: this.time, text }];
		view.change({ notes: notes.sort((a, b) => a.time - b.time) });
		this.dialog.close();
	}

	/** Elements that list them; none where there are none. */
	list(line: TimeLine): HTMLElement[] {
		const { view } = this.session;
		const { notes, clock } = view.state;
		const entry = (note: Note) =>
			el(
				"li",
				{},
				el(
					"button",
					{ type: "button", class: "link", onclick: () => view.goTo({ start: note.time }) },
					`${note.text}: ${formatTime(clock, line, note.time)}`,
				),
				iconButton("close", `Remove the note ${note.text}`, () =>
					view.change({ notes: view.state.notes.filter((other) => other !== note) }),
				),
			);
		return notes.length === 0
			? []
			: [el("h3", {}, "Notes"), el("ul", { class: "notes" }, ...notes.map(entry))];
	}
}
