// The bar at the top: which experiment, search and filter, history, and what one does with the
// picture.

import type { Experiment, ExperimentApi, Rows } from "../api";
import type { Tree } from "../graph/tree";
import type { Session } from "../session";
import type { Theme, ViewState } from "../view";
import { copyText, debounce, el, icon, iconButton, replace } from "./dom";
import type { Format } from "./export";
import { Hits } from "./hits";
import { jump, parseQuery, queryText, stateNames } from "./search";
import { TimeBox } from "./timebox";
import { Warnings } from "./warnings";

export interface ToolbarActions {
	choose: () => void;
	help: () => void;
	save: (format: Format) => void;
	/** Says something short. */
	say: (text: string) => void;
}

export interface Searched {
	api: ExperimentApi;
	tree: Tree;
	rows: Rows;
}

/** What the bar shows of the view. */
const SHOWN: readonly (keyof ViewState)[] = ["query", "filter", "hidden", "theme"];
const NEXT_THEME: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };
const THEME_NAMES: Record<Theme, string> = { auto: "as the system", dark: "dark", light: "light" };
const FORMATS: readonly [Format, string, string][] = [
	["png", "Picture (PNG)", "the rows that are open, for a report or a ticket"],
	["svg", "Drawing (SVG)", "the same, to be scaled and edited"],
	["csv", "States (CSV)", "what is drawn, as a table"],
];

/** What is looked at, without a token before it: who is told has one of his own. */
function contentLink(): string {
	return new URL(`/${location.search}${location.hash}`, location.href).href;
}

export class Toolbar {
	private readonly experiment = el("span", { class: "experiment-name" }, "");
	private readonly search = el("input", {
		type: "search",
		class: "search",
		placeholder: "Search: thread, state, exit, >1ms",
		"aria-label": "Search for a name, a state, an exit reason or a length",
		title: "A thread's name, a state, an exit reason, >1ms (/)",
		spellcheck: "false",
		autocomplete: "off",
	});
	private readonly filter = el("input", {
		type: "search",
		class: "filter",
		placeholder: "Filter rows",
		"aria-label": "Show only rows with this in their name",
		title: "Show only rows with this in their name (f)",
		spellcheck: "false",
		autocomplete: "off",
	});
	private readonly undo: HTMLButtonElement;
	private readonly redo: HTMLButtonElement;
	private readonly chips = el("span", { class: "chips" });
	private readonly theme: HTMLButtonElement;
	private readonly menu = el("div", { class: "menu", popover: "auto", id: "export-menu" });
	private readonly warnings: Warnings;
	private readonly time: TimeBox;
	private readonly hits: Hits;
	private searched: Searched | null = null;
	private jumping = false;

	constructor(
		host: HTMLElement,
		private readonly session: Session,
		private readonly actions: ToolbarActions,
	) {
		const { view } = session;
		this.undo = iconButton("undo", "Back to where you were (Ctrl+Z)", () => view.undo());
		this.redo = iconButton("redo", "Forward (Ctrl+Y)", () => view.redo());
		this.theme = iconButton("theme", "", () => this.toggleTheme());
		this.warnings = new Warnings(session);
		this.time = new TimeBox(session, actions.say);
		this.hits = new Hits(session);
		this.listen();
		replace(host, ...this.groups());
		this.fillMenu();
		view.subscribe((_, changed) => this.update(changed));
		this.update();
	}

	open(experiment: Experiment | null, searched: Searched | null): void {
		const name = experiment?.name ?? "";
		this.searched = searched;
		this.warnings.open(searched?.rows ?? null, experiment);
		this.time.open(experiment);
		this.hits.open(searched, experiment);
		this.experiment.textContent = name || "Open…";
		document.title = name ? `${name} – vmscope` : "vmscope";
		this.update();
	}

	focusSearch(): void {
		this.search.focus();
		this.search.select();
	}

	focusFilter(): void {
		this.filter.focus();
		this.filter.select();
	}

	focusTime(): void {
		this.time.focus();
	}

	toggleTheme(): void {
		const { view } = this.session;
		view.change({ theme: NEXT_THEME[view.state.theme] });
	}

	/** To the next or previous match, and says where there is none. */
	async find(direction: "next" | "previous"): Promise<void> {
		const { searched, session } = this;
		if (!searched || this.jumping) {
			return;
		}
		if (!session.view.state.query) {
			this.focusSearch();
			return;
		}
		this.jumping = true;
		try {
			const found = await jump(
				searched.api,
				searched.tree,
				searched.rows,
				session.view,
				direction,
			);
			this.actions.say(found ? "" : `No ${direction} match`);
		} catch (e) {
			this.actions.say(e instanceof Error ? e.message : String(e));
		} finally {
			this.jumping = false;
		}
	}

	private groups(): HTMLElement[] {
		const { view } = this.session;
		const choose = el(
			"button",
			{
				type: "button",
				class: "experiment",
				title: "Other experiments, or open a file",
				onclick: () => this.actions.choose(),
			},
			this.experiment,
			icon("down"),
		);
		const fit = iconButton("fit", "Show everything (0)", () =>
			view.change({ range: { start: 0, end: view.duration } }),
		);
		const save = iconButton("save", "Save the view as PNG, SVG or CSV", () => undefined);
		save.setAttribute("popovertarget", "export-menu");
		return [
			el("div", { class: "group" }, el("h1", { class: "brand" }, "vmscope"), choose),
			el("div", { class: "group" }, this.undo, this.redo, fit, this.time.element),
			el(
				"div",
				{ class: "group grow" },
				el("span", { class: "field" }, icon("search"), this.search),
				this.hits.button,
				iconButton(
					"previous",
					"Previous match (Shift+N)",
					() => void this.find("previous"),
				),
				iconButton("next", "Next match (N)", () => void this.find("next")),
				el("span", { class: "field" }, icon("filter"), this.filter),
				this.chips,
			),
			el(
				"div",
				{ class: "group" },
				this.warnings.button,
				iconButton("link", "Copy a link to this view", () => void this.copyLink()),
				save,
				this.menu,
				this.hits.menu,
				this.theme,
				iconButton("help", "Help: reading it, and keys (?)", () => this.actions.help()),
			),
		];
	}

	private listen(): void {
		const { view } = this.session;
		const search = debounce(150, () => view.change({ query: this.typed() }));
		this.search.addEventListener("input", search);
		this.search.addEventListener("keydown", (event) => {
			if (event.key === "Enter") {
				view.change({ query: this.typed() });
				void this.find(event.shiftKey ? "previous" : "next");
			}
		});
		this.filter.addEventListener(
			"input",
			debounce(100, () => view.change({ filter: this.filter.value.trim() })),
		);
		for (const field of [this.search, this.filter]) {
			field.addEventListener("keydown", (event) => {
				if (event.key === "Escape") {
					// By itself it would empty the field, and with it the
					// search that n goes on with.
					event.preventDefault();
					field.blur();
				}
			});
		}
	}

	private typed() {
		return parseQuery(
			this.search.value,
			this.searched ? stateNames(this.searched.rows) : new Set(),
		);
	}

	private fillMenu(): void {
		const entry = ([format, name, help]: (typeof FORMATS)[number]) => {
			const onclick = () => {
				this.menu.hidePopover();
				this.actions.save(format);
			};
			return el(
				"button",
				{ type: "button", "data-format": format, onclick },
				el("strong", {}, name),
				el("span", {}, help),
			);
		};
		replace(this.menu, ...FORMATS.map(entry));
	}

	private async copyLink(): Promise<void> {
		// The address follows the view a moment later.
		await new Promise((done) => setTimeout(done, 250));
		const done = await copyText(contentLink());
		this.actions.say(
			done
				? "Link copied"
				: "The browser does not let the page copy; the address is the link",
		);
	}

	/** The history changes with every step of the view; the rest seldom. */
	private update(changed?: ReadonlySet<keyof ViewState>): void {
		const { view } = this.session;
		this.undo.disabled = !view.canUndo;
		this.redo.disabled = !view.canRedo;
		if (!changed || SHOWN.some((key) => changed.has(key))) {
			this.updateFields();
		}
	}

	private updateFields(): void {
		const { query, filter, hidden, theme } = this.session.view.state;
		this.theme.title = `Colours: ${THEME_NAMES[theme]} (t)`;
		this.theme.setAttribute("aria-label", this.theme.title);
		if (document.activeElement !== this.search) {
			this.search.value = queryText(query);
		}
		if (document.activeElement !== this.filter) {
			this.filter.value = filter;
		}
		replace(this.chips, hidden.length > 0 ? this.hiddenChip(hidden.length) : null);
	}

	private hiddenChip(count: number): HTMLElement {
		const onclick = () => this.session.view.change({ hidden: [] });
		return el(
			"button",
			{ type: "button", class: "chip", title: "Show them again", onclick },
			`${count} hidden`,
			icon("close"),
		);
	}
}
