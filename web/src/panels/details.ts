// What is selected: the state at the selected moment with what the recording says of it, and per
// state what the row did in the selected range.

import {
	isAbort,
	isIn,
	type Details,
	type ExperimentApi,
	type Findings,
	type Lane,
	type RowId,
	type TimeRange,
} from "../api";
import { formatCount, formatShare } from "../format";
import type { Paint, Palette } from "../graph/palette";
import { fullName, type Tree, type TreeNode } from "../graph/tree";
import type { Session } from "../session";
import { formatDuration, formatExact, formatTime, type TimeLine } from "../time";
import { debounce, el, iconButton, replace } from "./dom";
import { findingsOf, stretchOf } from "./findings";
import { swatch } from "./swatch";
import type { Notes } from "./timebox";
import { isExact, sumStates, type StateSum } from "./statistics";

/** So finely is a row asked for to be summed up: the server gives it whole where it can. */
const PIXELS = 65536;

interface Shown {
	api: ExperimentApi;
	tree: Tree;
	palette: Palette;
	line: TimeLine;
	findings: Findings | null; // until they are there
}

export class DetailsPanel {
	private readonly title = el("h2");
	private readonly actions = el("div", { class: "actions" });
	private readonly moment = el("div", { class: "moment" });
	private readonly range = el("div", { class: "range" });
	private shown: Shown | null = null;
	private stop: AbortController | null = null;

	constructor(
		host: HTMLElement,
		private readonly session: Session,
		private readonly notes: Notes,
	) {
		replace(
			host,
			el("div", { class: "details-head" }, this.title, this.actions),
			this.moment,
			this.range,
		);
		const later = debounce(120, () => void this.load());
		session.view.subscribe((_, changed) => {
			if (["row", "selection", "pinned", "clock", "evidence", "notes"].some((key) => changed.has(key as "row"))) {
				this.head();
				later();
			}
		});
	}

	open(shown: Omit<Shown, "findings"> | null): void {
		this.shown = shown && { ...shown, findings: null };
		this.head();
		void this.load();
		if (this.shown) {
			void this.find(this.shown);
		}
	}

	/** What slowed the VMs down is shown while nothing is selected. */
	private async find(shown: Shown): Promise<void> {
		try {
			shown.findings = await shown.api.findings();
		} catch {
			return; // the rest of the page says what is wrong
		}
		if (this.shown === shown) {
			this.head();
		}
	}

	private node(): TreeNode | undefined {
		const { row } = this.session.view.state;
		return row === null ? undefined : this.shown?.tree.byId.get(row);
	}

	private head(): void {
		const node = this.node();
		this.title.textContent = node ? fullName(node) : this.shown ? "Why VMs were slow" : "";
		replace(this.actions, ...(node ? this.buttons(node) : []));
		if (!node) {
			const hint = "Click a state for what it was. Drag over a row for how its time divides.";
			replace(this.moment, ...(this.shown ? findingsOf(this.shown.findings, this.session) : []));
			replace(
				this.range,
				el("p", { class: "hint" }, this.shown ? hint : ""),
				...(this.shown ? this.notes.list(this.shown.line) : []),
			);
		}
	}

	private buttons(node: TreeNode): HTMLElement[] {
		const { view } = this.session;
		const id = node.id as RowId;
		const { pinned, hidden } = view.state;
		const isPinned = pinned.includes(id);
		const pin = iconButton(
			"pin",
			isPinned ? "Unpin this row (p)" : "Pin this row to the top (p)",
			() =>
				view.change({
					pinned: isPinned ? pinned.filter((p) => p !== id) : [...pinned, id],
				}),
		);
		pin.setAttribute("aria-pressed", String(isPinned));
		const hide = iconButton("eye", "Hide this row", () =>
			view.change({ hidden: [...hidden, node.key], row: null }),
		);
		const close = iconButton("close", "Select nothing (Esc)", () =>
			view.change({ row: null, selection: null, evidence: null }),
		);
		return [pin, hide, close];
	}

	private async load(): Promise<void> {
		const node = this.node();
		const { selection } = this.session.view.state;
		this.stop?.abort();
		if (!node || !this.shown) {
			return;
		}
		this.stop = new AbortController();
		const { signal } = this.stop;
		try {
			await Promise.all([
				this.loadMoment(this.shown, node, selection, signal),
				this.loadRange(this.shown, node, selection, signal),
			]);
		} catch (e) {
			if (!isAbort(e)) {
				replace(
					this.range,
					el("p", { class: "error" }, e instanceof Error ? e.message : String(e)),
				);
			}
		}
	}

	private async loadMoment(
		shown: Shown,
		node: TreeNode,
		selection: TimeRange | null,
		signal: AbortSignal,
	): Promise<void> {
		const details = selection
			? await shown.api.details(node.id as RowId, selection.start, signal)
			: null;
		if (!details) {
			replace(
				this.moment,
				selection
					? el("p", { class: "hint" }, "Nothing is known of it at this time.")
					: null,
			);
			return;
		}
		replace(this.moment, ...this.describe(shown, node, details));
		await this.loadWhy(shown, node, details, signal);
	}

	/** Of a stretch in which a vCPU has no CPU: why, in the words of all that is found. */
	private async loadWhy(
		shown: Shown,
		node: TreeNode,
		{ start, end, state }: Details,
		signal: AbortSignal,
	): Promise<void> {
		const style = shown.palette.states.vcpu.find((s) => s.name === state);
		const lost = node.kind === "vcpu" && isIn(style, "lost", "asleep");
		const { evidence } = this.session.view.state;
		// What a finding led to has that stretch told.
		const proof =
			evidence && (evidence.culprit ?? evidence.row) === node.id ? evidence : null;
		if (!lost && !proof) {
			return;
		}
		const { row, ...range } = proof ?? { row: node.id as RowId, start, end };
		const why = await shown.api.stretchFindings(row, range, signal);
		const said = stretchOf(why, this.session);
		if (said && !signal.aborted) {
			this.moment.prepend(said);
		}
	}

	private describe(shown: Shown, node: TreeNode, details: Details): HTMLElement[] {
		const style = shown.palette.named(node.family ?? "vcpu", details.state);
		const { clock } = this.session.view.state;
		const zoom = el(
			"button",
			{ type: "button", class: "link", onclick: () => this.zoomTo(details) },
			"Zoom to it",
		);
		const facts: [string, string | HTMLElement][] = [
			["from", formatTime(clock, shown.line, details.start)],
			["to", formatTime(clock, shown.line, details.end)],
			[
				"for",
				el(
					"span",
					{ title: formatExact(details.end - details.start) },
					formatDuration(details.end - details.start),
				),
			],
			...Object.entries(details.values),
		];
		return [
			el("div", { class: "state" }, swatch(style), el("strong", {}, details.state), zoom),
			el("p", { class: "hint" }, style?.help ?? ""),
			el(
				"dl",
				{},
				...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
			),
		];
	}

	private zoomTo(details: Details): void {
		const room = (details.end - details.start) / 8;
		this.session.view.change({
			range: { start: details.start - room, end: details.end + room },
			selection: { start: details.start, end: details.end },
		});
	}

	private async loadRange(
		shown: Shown,
		node: TreeNode,
		selection: TimeRange | null,
		signal: AbortSignal,
	): Promise<void> {
		if (!selection || selection.end <= selection.start || !node.output) {
			replace(this.range);
			return;
		}
		const [lane] = await shown.api.lanes(
			node.output,
			selection,
			PIXELS,
			[node.id as RowId],
			signal,
		);
		if (lane) {
			replace(this.range, ...this.summarize(shown, node, lane, selection));
		}
	}

	private summarize(
		shown: Shown,
		node: TreeNode,
		lane: Lane,
		range: TimeRange,
	): (HTMLElement | null)[] {
		const paint = (state: number) => shown.palette.paint(node.family ?? "vcpu", state);
		const sums = sumStates(lane, range);
		const length = range.end - range.start;
		return [
			el("h3", {}, `In the selected ${formatDuration(length)}`),
			el(
				"ul",
				{ class: "sums" },
				...sums.map((sum) => sumLine(sum, paint(sum.state), length)),
			),
			isExact(lane)
				? null
				: el(
						"p",
						{ class: "hint" },
						"Too many to count one by one here: totals are close, select less for the rest.",
					),
		];
	}
}

/** One state: how much in all, and below it how often and how long each. */
function sumLine(sum: StateSum, paint: Paint | undefined, whole: number): HTMLElement {
	const { each } = sum;
	const lengths = each && [
		`${formatCount(each.count)} ×`,
		`min ${formatDuration(each.min, 3)}`,
		`mean ${formatDuration(each.mean, 3)}`,
		`max ${formatDuration(each.max, 3)}`,
	];
	return el(
		"li",
		{ title: paint?.help },
		swatch(paint),
		el("span", { class: "name" }, paint?.name ?? ""),
		el("span", { class: "total", title: formatExact(sum.sum) }, formatDuration(sum.sum)),
		el("span", { class: "share" }, formatShare(sum.sum, whole)),
		lengths && el("span", { class: "each" }, ...lengths.map((text) => el("span", {}, text))),
	);
}
