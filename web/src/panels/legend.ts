// What the colours mean, in words. Clicking one dims all others, like a search for it.

import type { Family } from "../api";
import type { Paint, Palette } from "../graph/palette";
import type { Session } from "../session";
import { el, replace } from "./dom";
import { swatch } from "./swatch";

const TITLES: readonly [Family, string, string][] = [
	["vcpu", "vCPUs", "what the virtual CPU truly did, as the host saw it"],
	["thread", "Threads", "their true state: what the guest took for running is split up"],
	["cpu", "CPUs", "what each CPU did"],
];

export class Legend {
	private palette: Palette | null = null;

	constructor(
		private readonly host: HTMLElement,
		private readonly session: Session,
	) {
		session.view.subscribe((_, changed) => {
			if (changed.has("query")) {
				this.draw();
			}
		});
	}

	/** Another experiment, another theme, or nothing to explain. */
	open(palette: Palette | null): void {
		this.palette = palette;
		this.draw();
	}

	private draw(): void {
		const { palette } = this;
		replace(
			this.host,
			palette ? el("h2", {}, "Colours") : null,
			...TITLES.filter(() => palette).map(([family, title, help]) =>
				el(
					"section",
					{},
					el("h3", { title: help }, title),
					el("ul", {}, ...this.entries(palette, family)),
				),
			),
		);
	}

	/** What is not known explains the least, and comes last. */
	private entries(palette: Palette | null, family: Family): (HTMLElement | null)[] {
		const paints = palette?.states[family].map((_, i) => palette.paint(family, i)) ?? [];
		const known = paints.filter((paint) => !paint?.unknown);
		return [...known, ...paints.filter((paint) => paint?.unknown)].map((paint) =>
			this.entry(paint),
		);
	}

	private entry(state: Paint | undefined): HTMLElement | null {
		const { view } = this.session;
		if (!state) {
			return null;
		}
		const states = view.state.query?.states ?? [];
		const chosen = states.includes(state.name);
		const onclick = () => {
			const next = chosen
				? states.filter((name) => name !== state.name)
				: [...states, state.name];
			const query = { text: "", min: 0, ...view.state.query, states: next };
			view.change({ query: next.length || query.text || query.min ? query : null });
		};
		return el(
			"li",
			{},
			el(
				"button",
				{
					type: "button",
					"aria-pressed": String(chosen),
					title: "Show only these; the rest is dimmed",
					onclick,
				},
				swatch(state),
				el("span", { class: "name" }, state.name),
				el("span", { class: "help" }, state.help),
			),
		);
	}
}
