// The keys of the panels, in one table, as graph/keys.ts has the graph's.

import { isTyping } from "../graph/keys";

export interface PanelKeys {
	search: () => void;
	next: () => void;
	previous: () => void;
	filter: () => void;
	time: () => void;
	note: () => void;
	theme: () => void;
	open: () => void;
	help: () => void;
}

export const PANEL_KEYS: readonly {
	key: string;
	does: keyof PanelKeys;
	shown: string;
	help: string;
}[] = [
	{ key: "/", does: "search", shown: "/", help: "search: a name, a state, an exit reason, >1ms" },
	{ key: "n", does: "next", shown: "n", help: "next match" },
	{ key: "N", does: "previous", shown: "Shift+N", help: "previous match" },
	{ key: "f", does: "filter", shown: "f", help: "only rows with this in their name" },
	{ key: "g", does: "time", shown: "g", help: "type the time to show" },
	{ key: "m", does: "note", shown: "m", help: "keep a note at the selected time, in the link" },
	{ key: "o", does: "open", shown: "o", help: "other experiments, or open a file" },
	{ key: "t", does: "theme", shown: "t", help: "light or dark" },
	{ key: "?", does: "help", shown: "?", help: "this help" },
];

export function bindPanelKeys(actions: PanelKeys): void {
	addEventListener("keydown", (event) => {
		if (
			event.altKey ||
			event.ctrlKey ||
			event.metaKey ||
			event.defaultPrevented ||
			isTyping(event.target)
		) {
			return;
		}
		const key = PANEL_KEYS.find((k) => k.key === event.key);
		if (key) {
			event.preventDefault();
			actions[key.does]();
		}
	});
}
