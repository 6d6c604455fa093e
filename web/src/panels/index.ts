// Puts the panels into the page: all that is not the graph. Each has its own place in index.html,
// follows the view and is told what is open.

import "./panels.css";

import { Palette } from "../graph/palette";
import { buildTree, type Tree } from "../graph/tree";
import type { Phase, Session } from "../session";
import { Charts } from "./charts";
import { DetailsPanel } from "./details";
import { exportView, type Format } from "./export";
import { Help } from "./help";
import { bindPanelKeys } from "./keys";
import { Legend } from "./legend";
import { Chooser, Notice } from "./notice";
import { RecordingsLine } from "./recordings";
import { Tables } from "./tables";
import { Notes } from "./timebox";
import { Toolbar } from "./toolbar";

const SAID_MS = 4000;

function place(id: string): HTMLElement {
	const element = document.getElementById(id);
	if (!element) {
		throw new Error(`The page has no place #${id}`);
	}
	return element;
}

/** theme.ts says so before it tells anybody. */
function isDark(): boolean {
	return document.documentElement.dataset.theme === "dark";
}

class Panels {
	private readonly help = new Help(place("help"));
	private readonly chooser: Chooser;
	private readonly toolbar: Toolbar;
	private readonly details: DetailsPanel;
	private readonly notes: Notes;
	private readonly legend: Legend;
	private readonly recordings: RecordingsLine;
	private readonly charts: Charts;
	private readonly tables: Tables;
	private readonly toast = place("status");
	private timer: ReturnType<typeof setTimeout> | undefined;
	private tree: Tree | null = null;
	private palette: Palette | null = null;

	constructor(private readonly session: Session) {
		this.chooser = new Chooser(session);
		this.toolbar = new Toolbar(place("toolbar"), session, {
			choose: () => this.chooser.show(),
			help: () => this.help.toggle(),
			save: (format) => void this.save(format),
			say: (text) => this.say(text),
		});
		this.notes = new Notes(session);
		this.details = new DetailsPanel(place("details"), session, this.notes);
		this.legend = new Legend(place("legend"), session);
		this.charts = new Charts(place("charts"), session);
		this.tables = new Tables(place("tables"), session, (text) => this.say(text));
		this.recordings = new RecordingsLine(place("center"), session);
		new Notice(place("center"), session);
		this.listen();
		this.open(session.phase);
	}

	private listen(): void {
		const { session, toolbar } = this;
		session.subscribe((phase) => this.open(phase));
		session.view.subscribe((_, changed) => changed.has("theme") && this.recolor());
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolor());
		bindPanelKeys({
			search: () => toolbar.focusSearch(),
			filter: () => toolbar.focusFilter(),
			time: () => toolbar.focusTime(),
			note: () => this.notes.ask(),
			next: () => void toolbar.find("next"),
			previous: () => void toolbar.find("previous"),
			theme: () => toolbar.toggleTheme(),
			open: () => this.chooser.show(),
			help: () => this.help.toggle(),
		});
	}

	private open(phase: Phase): void {
		// What a dialog says is of what was there before.
		document.querySelectorAll("dialog[open]").forEach((d) => (d as HTMLDialogElement).close());
		const ready = phase.kind === "ready" ? phase : null;
		this.tree = ready ? buildTree(ready.rows) : null;
		place("side").hidden = !ready;
		const searched =
			ready && this.tree ? { api: ready.api, tree: this.tree, rows: ready.rows } : null;
		this.toolbar.open(ready?.experiment ?? null, searched);
		this.recordings.open(ready?.rows ?? null, ready?.experiment ?? null);
		this.charts.open(ready?.api ?? null, this.tree);
		this.recolor();
	}

	/** What has states' colours is made again. */
	private recolor(): void {
		const { phase } = this.session;
		const { tree } = this;
		const ready = phase.kind === "ready" ? phase : null;
		const ground = getComputedStyle(document.documentElement)
			.getPropertyValue("--ground")
			.trim();
		this.palette = ready ? new Palette(ready.rows.states, isDark(), ground) : null;
		const { palette } = this;
		const shown =
			ready && tree && palette
				? { api: ready.api, tree, palette, line: ready.experiment }
				: null;
		this.legend.open(palette);
		this.details.open(shown);
		this.tables.open(ready?.api ?? null, palette, ready?.experiment ?? null);
		this.charts.redraw();
	}

	private async save(format: Format): Promise<void> {
		const { phase } = this.session;
		if (phase.kind !== "ready" || !this.tree || !this.palette) {
			return;
		}
		const { experiment } = phase;
		try {
			await exportView(
				format,
				{
					api: phase.api,
					tree: this.tree,
					palette: this.palette,
					name: experiment.name,
					line: experiment,
				},
				this.session,
			);
		} catch (e) {
			this.say(e instanceof Error ? e.message : String(e));
		}
	}

	private say(text: string): void {
		clearTimeout(this.timer);
		this.toast.textContent = text;
		this.timer = setTimeout(() => (this.toast.textContent = ""), SAID_MS);
	}
}

export function mountPanels(session: Session): void {
	new Panels(session);
}
