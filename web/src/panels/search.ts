// Search: what is typed becomes a query of the view (the graph dims the rest), and next and
// previous go to where it is so. "stolen >1ms lw-write" is the state stolen, at least 1 ms long, of
// rows or with labels that have "lw-write".

import type { ExperimentApi, Found, GraphOutput, RowId, Rows, Search, TimeRange } from "../api";
import type { Query, View } from "../view";
import type { Tree, TreeNode } from "../graph/tree";

const LENGTHS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };
const FAMILIES = { vcpus: "vcpu", threads: "thread", cpus: "cpu" } as const;
const OUTPUTS: readonly GraphOutput[] = ["vcpus", "threads", "cpus"];

export function stateNames(rows: Rows): Set<string> {
	return new Set(
		[...rows.states.vcpu, ...rows.states.thread, ...rows.states.cpu].map((s) => s.name),
	);
}

/** Return: null when there is nothing to search for. */
export function parseQuery(text: string, states: ReadonlySet<string>): Query | null {
	const query = { text: "", states: [] as string[], min: 0 };
	const rest: string[] = [];
	for (const word of text.trim().split(/\s+/)) {
		const length = /^>(\d+(?:\.\d+)?)(ns|us|µs|ms|s)$/.exec(word);
		if (length) {
			query.min = Math.round(Number(length[1]) * (LENGTHS[length[2] ?? ""] ?? 1));
		} else if (states.has(word.toLowerCase())) {
			query.states.push(word.toLowerCase());
		} else if (word) {
			rest.push(word);
		}
	}
	query.text = rest.join(" ");
	return query.text || query.states.length || query.min ? query : null;
}

function minText(min: number): string {
	const unit = ["s", "ms", "us"].find((u) => min % (LENGTHS[u] ?? 1) === 0) ?? "ns";
	return `>${min / (LENGTHS[unit] ?? 1)}${unit}`;
}

/** What would be typed to search for this. */
export function queryText(query: Query | null): string {
	if (!query) {
		return "";
	}
	return [...query.states, ...(query.min > 0 ? [minText(query.min)] : []), query.text]
		.filter((part) => part !== "")
		.join(" ");
}

function ids(nodes: readonly TreeNode[]): RowId[] {
	return nodes.map((node) => node.id).filter((id): id is RowId => id !== null);
}

/**
 * The requests that together find the nearest match: rows of that name, and labels that have the
 * text.
 */
export function searches(
	tree: Tree,
	rows: Rows,
	query: Query,
	from: number,
	direction: "next" | "previous",
): Search[] {
	const text = query.text.toLowerCase();
	const result: Search[] = [];
	for (const output of OUTPUTS) {
		const nodes = [...tree.byId.values()].filter((node) => node.output === output);
		const known = rows.states[FAMILIES[output]].map((s) => s.name);
		const states = query.states.filter((name) => known.includes(name));
		if (nodes.length === 0 || (query.states.length > 0 && states.length === 0)) {
			continue;
		}
		const common = {
			output,
			from,
			direction,
			min: query.min,
			...(states.length ? { states } : {}),
		};
		const named = nodes.filter((node) =>
			`${node.name} ${node.note}`.toLowerCase().includes(text),
		);
		if (named.length > 0) {
			result.push({ ...common, items: ids(named) });
		}
		if (text && named.length < nodes.length) {
			result.push({ ...common, items: ids(nodes), label: query.text });
		}
	}
	return result;
}

function nearest(found: readonly (Found | null)[], direction: "next" | "previous"): Found | null {
	let best: Found | null = null;
	for (const f of found) {
		if (f && (!best || (direction === "next" ? f.start < best.start : f.start > best.start))) {
			best = f;
		}
	}
	return best;
}

/** All that match in a range, the first ones first, each once; `more`: there are others. */
export async function allHits(
	api: ExperimentApi,
	tree: Tree,
	rows: Rows,
	query: Query,
	range: TimeRange,
	signal: AbortSignal,
): Promise<{ hits: Found[]; more: boolean }> {
	const asked = searches(tree, rows, query, 0, "next").map(
		({ output, items, states, label, min }) =>
			api.hits(
				{
					...{ output, items },
					...(states === undefined ? {} : { states }),
					...(label === undefined ? {} : { label }),
					...(min === undefined ? {} : { min }),
				},
				range,
				signal,
			),
	);
	const parts = await Promise.all(asked);
	const hits = new Map(parts.flatMap((p) => p.hits).map((f) => [`${f.row} ${f.start}`, f]));
	return {
		hits: [...hits.values()].sort((a, b) => a.start - b.start),
		more: parts.some((p) => p.more),
	};
}

/** From where the reader is: the selected moment, unless the view has left it. */
export function searchFrom(
	range: TimeRange,
	selection: TimeRange | null,
	direction: "next" | "previous",
): number {
	if (selection && selection.start >= range.start && selection.start <= range.end) {
		return selection.start;
	}
	return direction === "next" ? range.start : range.end;
}

/** Goes to the next or previous match. Return: where that is, or null. */
export async function jump(
	api: ExperimentApi,
	tree: Tree,
	rows: Rows,
	view: View,
	direction: "next" | "previous",
): Promise<Found | null> {
	const { query, selection, range } = view.state;
	if (!query) {
		return null;
	}
	const from = searchFrom(range, selection, direction);
	const asked = searches(tree, rows, query, from, direction).map((search) => api.search(search));
	const found = nearest(await Promise.all(asked), direction);
	if (found) {
		view.goTo({ row: found.row, start: found.start, end: found.end });
	}
	return found;
}
