// The server's interface for the page (docs/server.md), typed. Requests and replies only: nothing
// is kept here, and nothing is drawn. All times are ns since the experiment's start, so that they
// are exact in a double.

export type Uuid = string;
export type RowId = number;
export type GraphOutput = "vcpus" | "threads" | "cpus";
export type SeriesOutput = "exits" | "steal" | "latency" | "histogram";
export type TableName = "vcpus" | "exits" | "threads" | "cpus" | "steal";
/** The families of states: each graph output has one. */
export type Family = "vcpu" | "thread" | "cpu";

/** What 0 is on a clock: 1970-01-01 UTC, about when the machine was booted, or not known. */
export type Origin = "epoch" | "boot" | null;

export interface TimeRange {
	start: number;
	end: number;
}

export interface Experiment {
	/** The same wherever the recording lies, and whatever its file is called. */
	content: string;
	id: Uuid;
	name: string;
	status: "RUNNING" | "COMPLETED" | "FAILED";
	message: string;
	/** ns since the origin: more than a double holds, hence text. */
	start: string;
	duration: number;
	time_origin: Origin;
}

export interface Machine {
	id: RowId;
	name: string;
	role: string;
	parent: RowId | null;
	/** Of its rows; null where it has none. */
	begin: number | null;
	end: number | null;
	/** Of its own clock. */
	time_origin: Origin;
}

export interface Vcpu {
	id: RowId;
	machine: RowId;
	index: number | null;
	host: RowId | null;
	tid: number | null;
	times: number[];
}

export interface Thread {
	id: RowId;
	machine: RowId;
	/** The row that it stands below: a process, a process's first thread, or its machine. */
	process: RowId;
	tid: number | null;
	pid: number | null;
	comm: string;
	vcpu: RowId | null;
	container: number | null;
	times: number[];
}

export interface Cpu {
	id: RowId;
	machine: RowId;
	cpu: number;
	times: number[];
}

/** A PID namespace; `parent` is the one that it is in. */
export interface Container {
	id: number;
	machine: RowId;
	parent: number | null;
	name: string;
}

/** What was wrong with a recording. */
export interface Warning {
	name: string;
	severity: string;
	machine: RowId | null;
	count: number;
	/** When first. */
	first: number | null;
	help: string;
	detail: string | null;
}

/** What a state counts as; the server knows which (schema/state.def). */
export type StateSet =
	| "unknown"
	| "ran"
	| "taken"
	| "lost"
	| "charged"
	| "idle"
	| "asleep"
	| "absent";

export interface StateStyle {
	name: string;
	help: string;
	color: string;
	sets: readonly StateSet[];
}

/** Whether the state is in any of these sets. */
export function isIn(state: StateStyle | undefined, ...sets: StateSet[]): boolean {
	return sets.some((set) => state?.sets.includes(set));
}

export interface Rows {
	machines: Machine[];
	vcpus: Vcpu[];
	threads: Thread[];
	cpus: Cpu[];
	containers: Container[];
	warnings: Warning[];
	states: Record<Family, StateStyle[]>;
}

/** How true a drawn state is. */
export const enum Truth {
	/** It was so, to the ns. */
	Exact = 0,
	/**
	 * Short states, gathered: this one was among them, and has about its share of the pixels.
	 */
	Gathered = 1,
	/** Very many states: this one had so much of the time around here. */
	Share = 2,
}

/**
 * What one lane was, in a range: state i from begin[i] until begin[i + 1], the last one until
 * `end`.
 */
export interface Lane {
	row: RowId;
	begin: Float64Array;
	/** 0 none, else number in `labels`, counted from 1. */
	label: Uint16Array;
	state: Uint8Array;
	truth: Uint8Array;
	end: number;
	labels: readonly string[];
}

export interface Details {
	start: number;
	end: number;
	state: string;
	values: Record<string, string>;
}

export interface Arrows {
	from: RowId[];
	to: RowId[];
	start: number[];
	end: number[];
	/** There were more than asked for. */
	more: boolean;
}

export interface Series {
	x: number[];
	unit: string;
	series: { id: RowId; name: string; y: (number | null)[] }[];
}

/** A reason why a vCPU left the guest: a row of the series `exits`. */
export interface ExitRow {
	id: RowId;
	vcpu: RowId;
	reason: string;
}

export interface Search {
	output: GraphOutput;
	items: RowId[];
	states?: string[];
	label?: string;
	from: number;
	direction: "next" | "previous";
	min?: number;
}

export interface Found {
	row: RowId;
	start: number;
	end: number;
	state: string;
	label: string;
}

export interface Column {
	name: string;
	title: string;
	type: "text" | "number" | "ns" | "row" | "time";
	help: string;
}

/** Why a VM was slow: sentences, and where it was worst. */
export interface Finding {
	cause: string;
	kind: "lost" | "exits" | "blocked" | "host" | "note";
	cost: number;
	of: number;
	what: string;
	where: string | null;
	evidence: string;
	against: string | null;
	remedy: string;
	row?: RowId;
	start?: number;
	end?: number;
	/** Who had the CPU then. */
	culprit?: RowId;
}

export interface Findings {
	/** That there is nothing; null: there is. */
	verdict: string | null;
	findings: Finding[];
	/** What cannot be told because it was not recorded. */
	missing: { machine: string | null; event: string; without: string }[];
}

export interface Statistics {
	columns: Column[];
	rows: (string | number | null)[][];
}

/** An event of the recording. */
export interface RawEvent {
	time: number;
	machine: RowId;
	cpu: number | null;
	name: string;
	fields: string;
}

export interface RawEvents {
	events: RawEvent[];
	/** There are more, from `until` on. */
	more: boolean;
	until: number;
}

/** What the server said no with; `status` 0: it did not answer at all. */
export class ApiError extends Error {
	constructor(
		readonly status: number,
		title: string,
		readonly detail: string,
	) {
		super(detail ? `${title}: ${detail}` : title);
	}
}

const LANES_MAGIC = 0x314c4d56;

/**
 * Cuts a reply of `lanes` into arrays that look into it: nothing is copied. Throws when it is
 * damaged.
 */
export function decodeLanes(data: ArrayBuffer): Lane[] {
	const view = new DataView(data);
	const word = (at: number) => view.getUint32(at, true);

	if (data.byteLength < 16 || word(0) !== LANES_MAGIC) {
		throw new Error("The reply is not of lanes");
	}
	const lanes = word(4);
	const states = word(8);
	const labelBytes = word(12);
	const begins = 16 + lanes * 16;
	const labelsAt = begins + states * 8;
	const statesAt = labelsAt + states * 2;
	const truthsAt = statesAt + states;
	const textAt = truthsAt + states;
	if (textAt + labelBytes !== data.byteLength) {
		throw new Error("The reply of lanes is cut short");
	}
	const labels = JSON.parse(
		new TextDecoder().decode(new Uint8Array(data, textAt, labelBytes)) || "[]",
	) as string[];
	const result: Lane[] = [];
	let first = 0;
	for (let i = 0; i < lanes; i++) {
		const at = 16 + i * 16;
		const n = word(at + 4);
		if (first + n > states) {
			throw new Error("The reply of lanes has too few states");
		}
		result.push({
			row: view.getInt32(at, true),
			begin: new Float64Array(data, begins + first * 8, n),
			label: new Uint16Array(data, labelsAt + first * 2, n),
			state: new Uint8Array(data, statesAt + first, n),
			truth: new Uint8Array(data, truthsAt + first, n),
			end: view.getFloat64(at + 8, true),
			labels,
		});
		first += n;
	}
	return result;
}

async function failure(reply: Response): Promise<ApiError> {
	try {
		const said = (await reply.json()) as { title?: string; detail?: string };
		return new ApiError(reply.status, said.title ?? reply.statusText, said.detail ?? "");
	} catch {
		return new ApiError(reply.status, reply.statusText || "The server failed", "");
	}
}

async function request(path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
	const init: RequestInit = signal ? { signal } : {};
	if (body !== undefined) {
		init.method = "POST";
		init.headers = { "Content-Type": "application/json" };
		init.body = JSON.stringify(body);
	}
	let reply: Response;
	try {
		reply = await fetch(path, init);
	} catch (e) {
		if (signal?.aborted) {
			throw e;
		}
		throw new ApiError(0, "The server does not answer", "");
	}
	if (!reply.ok) {
		throw await failure(reply);
	}
	return reply;
}

async function json<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
	return (await request(path, body, signal)).json() as Promise<T>;
}

/** The page asks for whole ns. */
function wholeRange(range: TimeRange): TimeRange {
	return { start: Math.floor(range.start), end: Math.ceil(range.end) };
}

/** An aborted request is no error to tell anybody. */
export function isAbort(e: unknown): boolean {
	return e instanceof DOMException && e.name === "AbortError";
}

export function listExperiments(signal?: AbortSignal): Promise<Experiment[]> {
	return json("api/experiments", undefined, signal);
}

/** Opens a results file or a recording, by its path on the server's machine. */
export function openPath(path: string): Promise<Experiment> {
	return json("api/open", { path });
}

/** The requests about one experiment. */
export class ExperimentApi {
	private readonly base: string;

	constructor(readonly id: Uuid) {
		this.base = `api/experiments/${encodeURIComponent(id)}`;
	}

	rows(signal?: AbortSignal): Promise<Rows> {
		return json(`${this.base}/rows`, undefined, signal);
	}

	/**
	 * What the series `exits` has by reason. Apart from `rows`, for the server reads all exits
	 * to know.
	 */
	exits(signal?: AbortSignal): Promise<ExitRow[]> {
		return json(`${this.base}/exits`, undefined, signal);
	}

	/** Lanes in the order of `items`; one that there is not has no states. */
	async lanes(
		output: GraphOutput,
		range: TimeRange,
		pixels: number,
		items: readonly RowId[],
		signal?: AbortSignal,
		/** Also of states that have no room for them in a picture. */
		labels = false,
	): Promise<Lane[]> {
		const body = { output, ...wholeRange(range), pixels, items, ...(labels ? { labels } : {}) };
		const reply = await request(`${this.base}/lanes`, body, signal);
		return decodeLanes(await reply.arrayBuffer());
	}

	/** What a row was at a time; null where there is nothing. */
	async details(row: RowId, time: number, signal?: AbortSignal): Promise<Details | null> {
		try {
			return await json(`${this.base}/details`, { row, time: Math.floor(time) }, signal);
		} catch (e) {
			if (e instanceof ApiError && e.status === 404) {
				return null;
			}
			throw e;
		}
	}

	arrows(
		output: "vcpus" | "threads",
		range: TimeRange,
		limit: number,
		items: readonly RowId[],
		signal?: AbortSignal,
	): Promise<Arrows> {
		const body = { output, ...wholeRange(range), limit, items };
		return json(`${this.base}/arrows`, body, signal);
	}

	series(
		output: SeriesOutput,
		range: TimeRange,
		pixels: number,
		items: readonly RowId[] | null,
		signal?: AbortSignal,
	): Promise<Series> {
		const body = { output, ...wholeRange(range), pixels, ...(items ? { items } : {}) };
		return json(`${this.base}/series`, body, signal);
	}

	/** The nearest such interval; null where there is none. */
	async search(query: Search, signal?: AbortSignal): Promise<Found | null> {
		const body = { ...query, from: Math.floor(query.from) };
		const found = await json<Partial<Found>>(`${this.base}/search`, body, signal);
		return found.row === undefined ? null : (found as Found);
	}

	/** All in a range; `more`: not all of them. */
	hits(
		query: Omit<Search, "from" | "direction">,
		range: TimeRange,
		signal?: AbortSignal,
	): Promise<{ hits: Found[]; more: boolean }> {
		return json(`${this.base}/hits`, { ...query, ...wholeRange(range) }, signal);
	}

	/** Of everything. */
	findings(signal?: AbortSignal): Promise<Findings> {
		return json(`${this.base}/findings`, {}, signal);
	}

	/** Of a stretch of one vCPU, however little it cost. */
	stretchFindings(row: RowId, range: TimeRange, signal?: AbortSignal): Promise<Findings> {
		return json(`${this.base}/findings`, { row, ...wholeRange(range) }, signal);
	}

	/** The events of the recording in a range, from a time on of which `skip` are known. */
	events(
		ask: {
			range: TimeRange;
			from: number;
			skip: number;
			limit: number;
			row: RowId | null;
			text: string;
			path: string | null;
		},
		signal?: AbortSignal,
	): Promise<RawEvents> {
		const { from, skip, limit, row, text, path } = ask;
		const body = {
			...wholeRange({ start: from, end: Math.max(ask.range.end, from + 1) }),
			skip,
			limit,
			...(row === null ? {} : { row }),
			...(text ? { text } : {}),
			...(path ? { path } : {}),
		};
		return json(`${this.base}/events`, body, signal);
	}

	statistics(
		table: TableName,
		range: TimeRange | null,
		signal?: AbortSignal,
	): Promise<Statistics> {
		const body = { table, ...(range ? wholeRange(range) : {}) };
		return json(`${this.base}/statistics`, body, signal);
	}
}
