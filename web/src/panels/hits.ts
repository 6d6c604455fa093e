// How many matches of the search there are in what is shown, and a list of them.

import { isAbort, type Experiment, type Found } from "../api";
import { fullName } from "../graph/tree";
import type { Session } from "../session";
import { formatDuration, formatTime } from "../time";
import { debounce, el, replace } from "./dom";
import { allHits } from "./search";
import type { Searched } from "./toolbar";

const SETTLE_MS = 400;
/** More lines are no list but a table. */
const LISTED = 200;

export class Hits {
	readonly menu = el("div", { class: "menu hits", popover: "auto", id: "hits-menu" });
	readonly button = el(
		"button",
		{
			type: "button",
			class: "chip hit-count",
			hidden: true,
			popovertarget: "hits-menu",
			title: "Matches in the time that is shown: list them",
		},
		"",
	);
	private searched: Searched | null = null;
	private experiment: Experiment | null = null;
	private stop: AbortController | null = null;

	constructor(private readonly session: Session) {
		const later = debounce(SETTLE_MS, () => void this.load());
		session.view.subscribe((_, changed) => {
			if (changed.has("query") || changed.has("range")) {
				later();
			}
		});
	}

	open(searched: Searched | null, experiment: Experiment | null): void {
		this.searched = searched;
		this.experiment = experiment;
		void this.load();
	}

	private async load(): Promise<void> {
		const { searched } = this;
		const { query, range } = this.session.view.state;
		this.stop?.abort();
		if (!searched || !query || range.end <= range.start) {
			this.button.hidden = true;
			return;
		}
		this.stop = new AbortController();
		try {
			const { api, tree, rows } = searched;
			const found = await allHits(api, tree, rows, query, range, this.stop.signal);
			this.show(found.hits, found.more);
		} catch (e) {
			if (!isAbort(e)) {
				this.button.hidden = true; // the search itself says what is wrong
			}
		}
	}

	private show(hits: readonly Found[], more: boolean): void {
		const count = `${hits.length}${more ? "+" : ""}`;
		this.button.hidden = false;
		this.button.textContent = hits.length === 1 && !more ? "1 hit" : `${count} hits`;
		replace(
			this.menu,
			...hits.slice(0, LISTED).map((hit) => this.line(hit)),
			hits.length === 0 ? el("p", { class: "hint" }, "None in the time that is shown.") : null,
		);
	}

	private line(hit: Found): HTMLElement {
		const { view } = this.session;
		const node = this.searched?.tree.byId.get(hit.row);
		const line = this.experiment ?? { start: "0", time_origin: null };
		const onclick = () => {
			this.menu.hidePopover();
			view.goTo({ row: hit.row, start: hit.start, end: hit.end });
		};
		return el(
			"button",
			{ type: "button", onclick },
			el("strong", {}, `${hit.state}${hit.label ? ` · ${hit.label}` : ""}`),
			el(
				"span",
				{},
				`${node ? fullName(node) : "?"}, ${formatDuration(hit.end - hit.start)} at ${formatTime(view.state.clock, line, hit.start)}`,
			),
		);
	}
}
