// What is being looked at: the one state that the graph, the charts and the panels share. They read
// it, are told when it changes, and change it; none of them talks to another. What makes a picture
// again is in the page's address.

import type { RowId, TimeRange, Uuid } from "./api";

/** A row of the tree, whether it has a lane or only holds others (graph/rows.ts). */
export type RowKey = string;
export type Theme = "auto" | "light" | "dark";
/** Since the recording began; the time of day, the reader's or UTC's; or since boot. */
export type Clock = "relative" | "local" | "utc" | "boot";
const CLOCKS: readonly Clock[] = ["relative", "local", "utc", "boot"];

/** What is searched for: states that match neither are dimmed. */
export interface Query {
	/** Part of a row's name or of a state's label. */
	text: string;
	/** Names of states; empty: all. */
	states: readonly string[];
	/** At least so long, in ns. */
	min: number;
}

/** What a reader wrote at a time. */
export interface Note {
	time: number;
	text: string;
}

/** A stretch in which a vCPU had no CPU, and the row of who had it; null: nobody. */
export interface Evidence extends TimeRange {
	row: RowId;
	culprit: RowId | null;
}

export interface ViewState {
	/** "" while none is chosen. */
	experiment: Uuid;
	/** What says which recording it is wherever it lies. */
	content: string;
	/** ns since the experiment's start, like all times here; 0 to 0: not known yet. */
	range: TimeRange;
	/** start = end: a moment. */
	selection: TimeRange | null;
	/** The selected row: its details and its arrows are shown. */
	row: RowId | null;
	/** What proves the finding that was chosen. */
	evidence: Evidence | null;
	/** Rows held at the top, in this order. */
	pinned: readonly RowId[];
	/** Rows taken out, with all that is below them. */
	hidden: readonly RowKey[];
	/** Rows whose state (open or closed) is not what they begin with. */
	toggled: readonly RowKey[];
	/** Only rows whose name has this text are shown. */
	filter: string;
	/** Threads that do nothing in the range are left out. */
	active: boolean;
	/** Only vCPUs and CPUs are shown, no threads. */
	cores: boolean;
	/** Rows that lost most come first. */
	byLost: boolean;
	query: Query | null;
	/** By time. */
	notes: readonly Note[];
	/** Which of the output tabs is open; "" none. */
	tab: string;
	theme: Theme;
	clock: Clock;
}

export type Listener = (state: Readonly<ViewState>, changed: ReadonlySet<keyof ViewState>) => void;

/**
 * Where the pointer is; of no lasting interest, so no part of the state. Each part may be missing.
 */
export interface Hover {
	time: number | null;
	row: RowId | null;
}

/** A moment on a CPU of a machine. */
export interface Mark {
	time: number;
	machine: RowId;
	cpu: number | null;
}

/** The shortest range that can be shown, in ns. */
export const MIN_SPAN = 10;
const HISTORY = 200;
/** Changes of the range that follow each other faster are one step back. */
const STEP_MS = 600;

/** What a step back restores. */
type Step = Pick<ViewState, "range" | "selection" | "row">;

export function initialState(): ViewState {
	return {
		experiment: "",
		content: "",
		notes: [],
		range: { start: 0, end: 0 },
		selection: null,
		row: null,
		evidence: null,
		pinned: [],
		hidden: [],
		toggled: [],
		filter: "",
		active: false,
		cores: false,
		byLost: false,
		query: null,
		tab: "steal",
		theme: "auto",
		clock: "relative",
	};
}

function same(a: unknown, b: unknown): boolean {
	return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** The range moved and sized so that it lies in [0, duration]. */
export function clampRange(range: TimeRange, duration: number): TimeRange {
	const span = Math.min(
		Math.max(range.end - range.start, MIN_SPAN),
		Math.max(duration, MIN_SPAN),
	);
	const start = Math.min(Math.max(range.start, 0), Math.max(duration - span, 0));
	return { start, end: start + span };
}

/** The range made `factor` times as long around `at`, which keeps its place. */
export function zoomRange(range: TimeRange, factor: number, at: number): TimeRange {
	return { start: at - (at - range.start) * factor, end: at + (range.end - at) * factor };
}

export class View {
	private current: ViewState;
	private listeners = new Set<Listener>();
	private hoverListeners = new Set<(hover: Hover) => void>();
	private back: Step[] = [];
	private forward: Step[] = [];
	private lastStep = -Infinity;
	/** What the last step changed: more of the same is part of it. */
	private lastChange = "";
	private hovered: Hover = { time: null, row: null };
	private marked: readonly Mark[] = [];
	/** Length of the experiment; the range stays within. */
	private length = 0;

	constructor(
		state: Partial<ViewState> = {},
		private readonly now: () => number = () => performance.now(),
	) {
		this.current = { ...initialState(), ...state };
	}

	get state(): Readonly<ViewState> {
		return this.current;
	}

	get duration(): number {
		return this.length;
	}

	get hover(): Readonly<Hover> {
		return this.hovered;
	}

	/** Events to be marked in the lanes of their CPUs. */
	get marks(): readonly Mark[] {
		return this.marked;
	}

	setMarks(marks: readonly Mark[]): void {
		if (marks.length > 0 || this.marked.length > 0) {
			this.marked = marks;
			this.hoverListeners.forEach((listener) => listener(this.hovered));
		}
	}

	/** Return: what ends it. The listener is not called before something changes. */
	subscribe(listener: Listener): () => void {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}

	subscribeHover(listener: (hover: Hover) => void): () => void {
		this.hoverListeners.add(listener);
		return () => this.hoverListeners.delete(listener);
	}

	/**
	 * Says how long the experiment is; a range that is none yet, or lies outside, becomes all
	 * of it.
	 */
	setDuration(duration: number): void {
		this.length = duration;
		const { range } = this.current;
		const known = range.end > range.start && range.start < duration;
		this.apply({ range: clampRange(known ? range : { start: 0, end: duration }, duration) });
	}

	/** What an experiment begins with, which is no step to go back from. */
	start(patch: Partial<ViewState>): void {
		this.apply(patch);
	}

	/** Changes parts of the state. Range, selection and row can be undone. */
	change(patch: Partial<ViewState>): void {
		const before = this.step();
		const wanted = { ...patch };
		if (wanted.range && this.length > 0) {
			wanted.range = clampRange(wanted.range, this.length);
		}
		const { range, selection, row } = { ...before, ...wanted };
		const after = { range, selection, row };
		if (!same(before, after)) {
			const keys = (["range", "selection", "row"] as const).filter(
				(key) => !same(before[key], after[key]),
			);
			// Listeners come last, so that they see whether there is a step back.
			this.remember(before, keys.join());
		}
		this.apply(wanted);
	}

	/** Another experiment: what belonged to the last one's rows and times is gone. */
	choose(experiment: Uuid): void {
		if (experiment === this.current.experiment) {
			return;
		}
		const { theme, clock, tab } = this.current;
		this.length = 0;
		this.back = [];
		this.forward = [];
		this.apply({ ...initialState(), theme, clock, tab, experiment });
	}

	setHover(hover: Partial<Hover>): void {
		const next = { ...this.hovered, ...hover };
		if (next.time !== null && !Number.isFinite(next.time)) {
			next.time = null;
		}
		if (next.time === this.hovered.time && next.row === this.hovered.row) {
			return;
		}
		this.hovered = next;
		this.hoverListeners.forEach((listener) => listener(next));
	}

	/**
	 * Shows a time (or a range, with room around it) and a row: what search and tables jump
	 * with.
	 */
	goTo(target: { row?: RowId; start: number; end?: number }): void {
		const end = target.end ?? target.start;
		const { range } = this.current;
		const span = range.end - range.start;
		const long = end - target.start;
		// What is there is kept as wide as it is, as long as what is shown is seen well in
		// it.
		const wanted = long > span * 0.8 || long < span / 400 ? Math.max(long * 8, MIN_SPAN) : span;
		const middle = target.start + long / 2;
		this.change({
			range: { start: middle - wanted / 2, end: middle + wanted / 2 },
			selection: { start: target.start, end },
			...(target.row === undefined ? {} : { row: target.row }),
		});
	}

	get canUndo(): boolean {
		return this.back.length > 0;
	}

	get canRedo(): boolean {
		return this.forward.length > 0;
	}

	undo(): void {
		this.travel(this.back, this.forward);
	}

	redo(): void {
		this.travel(this.forward, this.back);
	}

	private step(): Step {
		const { range, selection, row } = this.current;
		return { range, selection, row };
	}

	private travel(from: Step[], to: Step[]): void {
		const step = from.pop();
		if (!step) {
			return;
		}
		to.push(this.step());
		this.lastStep = -Infinity;
		this.apply(step);
	}

	/** A turn of the wheel is many changes but one thing to undo. */
	private remember(before: Step, change: string): void {
		const now = this.now();
		if (now - this.lastStep > STEP_MS || change !== this.lastChange) {
			this.back.push(before);
			this.back.splice(0, this.back.length - HISTORY);
		}
		this.forward = [];
		this.lastStep = now;
		this.lastChange = change;
	}

	private apply(patch: Partial<ViewState>): boolean {
		const changed = new Set<keyof ViewState>();
		for (const key of Object.keys(patch) as (keyof ViewState)[]) {
			if (!same(patch[key], this.current[key])) {
				changed.add(key);
			}
		}
		if (changed.size === 0) {
			return false;
		}
		this.current = { ...this.current, ...patch };
		this.listeners.forEach((listener) => listener(this.current, changed));
		return true;
	}
}

// ---- the address --------------------------------------------------------------------------------

function rangeText(range: TimeRange): string {
	return `${Math.round(range.start)}-${Math.round(range.end)}`;
}

function parseRange(text: string | null): TimeRange | null {
	const parts = /^(\d{1,16})-(\d{1,16})$/.exec(text ?? "");
	const range = parts ? { start: Number(parts[1]), end: Number(parts[2]) } : null;
	return range && range.end >= range.start ? range : null;
}

function evidenceText(evidence: Evidence): string {
	return `${evidence.row}.${evidence.culprit ?? ""}.${rangeText(evidence)}`;
}

function parseEvidence(text: string | null): Evidence | null {
	const [row, culprit, range] = (text ?? "").split(".");
	const [id, span] = [parseRow(row ?? null), parseRange(range ?? null)];
	return id !== null && span ? { row: id, culprit: parseRow(culprit || null), ...span } : null;
}

function parseNote(text: string): Note[] {
	const parts = /^(\d{1,16})~(.{1,200})$/s.exec(text);
	return parts ? [{ time: Number(parts[1]), text: parts[2] ?? "" }] : [];
}

function parseRow(text: string | null): RowId | null {
	return text !== null && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

function list(text: string | null): string[] {
	return (text ?? "").split(",").filter((part) => part !== "");
}

/** The state as the part of an address behind `#`; what is as it begins with is left out. */
export function toHash(state: Readonly<ViewState>): string {
	const p = new URLSearchParams();
	const put = (key: string, value: string) => value !== "" && p.set(key, value);

	put("e", state.experiment);
	put("k", state.content);
	put("t", state.range.end > state.range.start ? rangeText(state.range) : "");
	put("s", state.selection ? rangeText(state.selection) : "");
	put("r", state.row === null ? "" : String(state.row));
	put("why", state.evidence ? evidenceText(state.evidence) : "");
	put("pin", state.pinned.join(","));
	put("hide", state.hidden.join(","));
	put("open", state.toggled.join(","));
	put("f", state.filter);
	put("a", state.active ? "1" : "");
	put("c", state.cores ? "1" : "");
	put("l", state.byLost ? "1" : "");
	if (state.query) {
		put("q", state.query.text);
		put("qs", state.query.states.join(","));
		put("qm", state.query.min > 0 ? String(state.query.min) : "");
	}
	state.notes.forEach((note) => p.append("n", `${note.time}~${note.text}`));
	put("tab", state.tab === initialState().tab ? "" : state.tab || "none");
	put("clock", state.clock === "relative" ? "" : state.clock);
	// Commas and colons may stand there as they are; so links stay readable.
	return p.toString().replace(/%2C/g, ",").replace(/%3A/g, ":");
}

/**
 * What an address says; anything that makes no sense is as if it was not there. The theme is the
 * reader's own.
 */
export function fromHash(hash: string): Partial<ViewState> {
	const p = new URLSearchParams(hash.replace(/^#/, ""));
	const range = parseRange(p.get("t"));
	const query = {
		text: p.get("q") ?? "",
		states: list(p.get("qs")),
		min: Number(p.get("qm")) || 0,
	};
	const tab = p.get("tab");

	return {
		experiment: p.get("e") ?? "",
		content: p.get("k") ?? "",
		notes: p.getAll("n").flatMap(parseNote),
		range: range ?? { start: 0, end: 0 },
		selection: parseRange(p.get("s")),
		row: parseRow(p.get("r")),
		evidence: parseEvidence(p.get("why")),
		pinned: list(p.get("pin"))
			.map(parseRow)
			.filter((row): row is RowId => row !== null),
		hidden: list(p.get("hide")),
		toggled: list(p.get("open")),
		filter: p.get("f") ?? "",
		active: p.get("a") === "1",
		cores: p.get("c") === "1",
		byLost: p.get("l") === "1",
		query: query.text || query.states.length || query.min ? query : null,
		tab: tab === "none" ? "" : (tab ?? initialState().tab),
		clock: CLOCKS.find((clock) => clock === p.get("clock")) ?? "relative",
	};
}
