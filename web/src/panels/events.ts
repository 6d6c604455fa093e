// The events of the recording, one line each, under the graph: read again from the recording by
// time, part by part as somebody scrolls. Only lines that are seen are in the document.

import { ApiError, isAbort, type ExperimentApi, type RawEvent, type RowId, type TimeRange } from "../api";
import type { Session } from "../session";
import { formatStamp, formatTime, type TimeLine } from "../time";
import { toCsv } from "./csv";
import { debounce, el, replace, sayIfLate } from "./dom";

const LINE = 22;
/** So many are asked for at once. */
const PART = 500;
/** Lines beyond the edges that are made all the same. */
const BEYOND = 8;
/** More of them are no marks but a wall. */
const MOST_MARKS = 3000;

/** What is asked for; the list is made again when it changes. */
interface Asked {
	range: TimeRange;
	row: RowId | null;
	text: string;
	path: string | null;
}

/** Return: which of the events, by time, is the last at or before a time; -1: none. */
export function eventAt(events: readonly RawEvent[], time: number): number {
	let [low, high] = [0, events.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((events[middle]?.time ?? 0) <= time) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low - 1;
}

/** How many events at the very end have the same time: the next part begins with them. */
export function sameAtEnd(events: readonly RawEvent[]): number {
	const last = events.at(-1)?.time;
	let n = 0;
	while (n < events.length && events[events.length - 1 - n]?.time === last) {
		n++;
	}
	return n;
}

export class EventsTable {
	readonly element: HTMLElement;
	private readonly said = el("div", { class: "said", role: "status" });
	private readonly only = el("input", { type: "checkbox", checked: true, class: "only-row" });
	private readonly count = el("span", { class: "hint event-count" });
	private readonly lines = el("div", { class: "event-lines" });
	private readonly body = el("div", {
		class: "event-body",
		tabindex: 0,
		role: "grid",
		"aria-label": "Events of the recording",
	});
	private api: ExperimentApi | null = null;
	private line: TimeLine = { start: "0", time_origin: null };
	private machines = new Map<RowId, string>();
	private events: RawEvent[] = [];
	private more = false;
	private until = 0;
	private asked: Asked | null = null;
	/** Where the recording is now, if it moved. */
	private path: string | null = null;
	private stop: AbortController | null = null;
	private chosen = -1;
	private shown = false;

	constructor(private readonly session: Session) {
		const bar = el(
			"div",
			{ class: "event-bar" },
			el("label", {}, this.only, "only of the selected row"),
			this.count,
		);
		this.body.append(this.lines);
		this.element = el("div", { class: "events" }, bar, this.said, this.body);
		this.body.addEventListener("scroll", () => this.scrolled());
		this.body.addEventListener("click", (event) => this.clicked(event));
		this.body.addEventListener("keydown", (event) => this.key(event));
		this.only.addEventListener("change", () => this.want());
		const later = debounce(200, () => this.want());
		session.view.subscribe((_, changed) => {
			if (["range", "row", "query", "selection"].some((key) => changed.has(key as "row"))) {
				later();
			}
			if (changed.has("clock")) {
				this.draw();
			}
		});
	}

	/** Another experiment, or none. */
	open(api: ExperimentApi | null, line: TimeLine | null): void {
		const { phase } = this.session;
		this.api = api;
		this.line = line ?? this.line;
		this.path = null;
		this.asked = null;
		this.machines = new Map(
			phase.kind === "ready" ? phase.rows.machines.map((m) => [m.id, m.name]) : [],
		);
		this.want();
	}

	/** Whether it is looked at. */
	show(shown: boolean): void {
		this.shown = shown;
		this.asked = null;
		if (shown) {
			this.want();
		} else {
			this.session.view.setMarks([]);
		}
	}

	csv(): string {
		const { clock } = this.session.view.state;
		return toCsv(
			["time_ns", "time", "machine", "cpu", "event", "fields"],
			this.events.map((e) => [
				e.time,
				formatStamp(clock, this.line, e.time),
				this.machines.get(e.machine) ?? "?",
				e.cpu,
				e.name,
				e.fields,
			]),
		);
	}

	// ---- what is asked for

	private want(): void {
		const { state } = this.session.view;
		const { selection, range, query } = state;
		if (!this.shown || !this.api || range.end <= range.start) {
			return;
		}
		const long = selection && selection.end > selection.start;
		const asked = {
			range: long ? selection : range,
			row: this.only.checked ? state.row : null,
			text: query?.text ?? "",
			path: this.path,
		};
		if (JSON.stringify(asked) !== JSON.stringify(this.asked)) {
			this.asked = asked;
			this.events = [];
			this.body.scrollTop = 0;
			this.read(asked.range.start, 0);
		} else {
			this.find();
		}
	}

	/** Reads a part, from a time on, of which some events are known. */
	private read(from: number, skip: number): void {
		this.stop?.abort();
		this.stop = new AbortController();
		void this.load(from, skip, this.stop.signal);
	}

	private async load(from: number, skip: number, signal: AbortSignal): Promise<void> {
		const { api, asked } = this;
		if (!api || !asked) {
			return;
		}
		const ended = sayIfLate(this.said, signal);
		try {
			const part = await api.events({ ...asked, from, skip, limit: PART }, signal);
			this.events = [...this.events, ...part.events];
			this.more = part.more;
			this.until = part.until;
			this.said.textContent = this.events.length || part.more ? "" : "No event in this time.";
			this.draw();
			this.find();
			this.mark();
		} catch (e) {
			if (!isAbort(e)) {
				this.fail(e);
			}
		} finally {
			ended();
		}
	}

	/** A recording that is not where it was is asked for. */
	private fail(e: unknown): void {
		const gone = e instanceof ApiError && e.status === 404;
		this.said.textContent = e instanceof ApiError ? e.message : String(e);
		this.events = [];
		this.more = false;
		this.draw();
		if (!gone) {
			return;
		}
		const field = el("input", {
			type: "text",
			"aria-label": "Where the recording is now",
			placeholder: "where it is now, on the server's machine",
			spellcheck: "false",
		});
		const onsubmit = (event: Event) => {
			event.preventDefault();
			this.path = field.value.trim() || null;
			this.want();
		};
		this.said.append(
			el("form", { class: "row", onsubmit }, field, el("button", { type: "submit" }, "Read it")),
		);
	}

	/** Times that the lanes are marked at, if all of what is shown is here. */
	private mark(): void {
		const some = !this.more && this.events.length <= MOST_MARKS;
		this.session.view.setMarks(some ? this.events : []);
	}

	// ---- what is seen

	private scrolled(): void {
		const left = this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight;
		if (left < 20 * LINE && this.more && this.events.length > 0) {
			this.more = false; // until this part is there
			const last = this.events.at(-1)?.time ?? 0;
			// A part that ended for its time has no event at its end.
			const same = this.until > last ? 0 : sameAtEnd(this.events);
			this.read(same > 0 ? last : this.until, same);
		}
		this.draw();
	}

	/** The event of the moment that is selected. */
	private find(): void {
		const { selection } = this.session.view.state;
		const at = selection ? eventAt(this.events, selection.start) : -1;
		if (at !== this.chosen) {
			this.chosen = at;
			if (at >= 0) {
				const top = at * LINE;
				const { scrollTop, clientHeight } = this.body;
				if (top < scrollTop || top > scrollTop + clientHeight - LINE) {
					this.body.scrollTop = top - clientHeight / 2;
				}
			}
			this.draw();
		}
	}

	private draw(): void {
		const first = Math.max(Math.floor(this.body.scrollTop / LINE) - BEYOND, 0);
		const room = Math.ceil((this.body.clientHeight || 200) / LINE) + 2 * BEYOND;
		const seen = this.events.slice(first, first + room);
		this.lines.style.height = `${this.events.length * LINE}px`;
		this.count.textContent = this.events.length
			? `${this.events.length}${this.more ? " so far; scroll for more" : " events"}`
			: "";
		replace(this.lines, ...seen.map((event, i) => this.lineOf(event, first + i)));
	}

	private lineOf(event: RawEvent, number: number): HTMLElement {
		const { clock } = this.session.view.state;
		const cpu = event.cpu === null ? "" : `CPU ${event.cpu}`;
		return el(
			"div",
			{
				class: number === this.chosen ? "event-line chosen" : "event-line",
				role: "row",
				"data-index": number,
				"aria-selected": String(number === this.chosen),
				style: `top:${number * LINE}px`,
				title: event.fields,
			},
			...[
				["time", formatTime(clock, this.line, event.time)],
				["machine", this.machines.get(event.machine) ?? "?"],
				["cpu", cpu],
				["name", event.name],
				["fields", event.fields],
			].map(([name, text]) => el("span", { class: name ?? "", role: "gridcell" }, text)),
		);
	}

	// ---- going

	private clicked(event: Event): void {
		const line = (event.target as Element).closest<HTMLElement>(".event-line");
		if (line) {
			this.choose(Number(line.dataset.index));
		}
	}

	private key(event: KeyboardEvent): void {
		const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
		if (by !== 0) {
			event.preventDefault();
			event.stopPropagation();
			this.choose(this.chosen + by);
		}
	}

	private choose(number: number): void {
		const event = this.events[number];
		if (event) {
			const { view } = this.session;
			this.chosen = number;
			const seen = event.time >= view.state.range.start && event.time <= view.state.range.end;
			view.change({ selection: { start: event.time, end: event.time } });
			if (!seen) {
				view.goTo({ start: event.time });
			}
			const top = number * LINE;
			const { scrollTop, clientHeight } = this.body;
			if (top < scrollTop || top > scrollTop + clientHeight - LINE) {
				this.body.scrollTop = top - clientHeight / 2;
			}
			this.draw();
		}
	}
}
