// The keys of the time graph, in one table: what they are, what they do, and what the help says of
// them.

/** What the keys ask for; graph.ts does it. */
export interface KeyActions {
	/** The range made `factor` times as long. */
	zoom: (factor: number) => void;
	/** By a share of the range. */
	pan: (share: number) => void;
	zoomToSelection: () => void;
	showAll: () => void;
	undo: () => void;
	redo: () => void;
	/** To where the selected row's state changes. */
	step: (direction: "next" | "previous") => void;
	moveRow: (by: number) => void;
	fold: (open: boolean) => void;
	toggle: () => void;
	toggleActive: () => void;
	toggleCores: () => void;
	toggleByLost: () => void;
	pin: () => void;
	hide: () => void;
	clear: () => void;
}

interface Key {
	/** As KeyboardEvent.key says it, without case; "ctrl+" before it where that is held. */
	keys: readonly string[];
	does: (actions: KeyActions) => void;
	/** Shown in the help. */
	shown: string;
	help: string;
}

const ZOOM = 1.5;
const PAN = 0.15;

export const GRAPH_KEYS: readonly Key[] = [
	{
		keys: ["w", "i", "+", "="],
		does: (a) => a.zoom(1 / ZOOM),
		shown: "w or i",
		help: "zoom in, at the pointer",
	},
	{ keys: ["s", "k", "-"], does: (a) => a.zoom(ZOOM), shown: "s or k", help: "zoom out" },
	{ keys: ["a", "j"], does: (a) => a.pan(-PAN), shown: "a or j", help: "earlier" },
	{ keys: ["d", "l"], does: (a) => a.pan(PAN), shown: "d or l", help: "later" },
	{ keys: ["z"], does: (a) => a.zoomToSelection(), shown: "z", help: "zoom to the selection" },
	{ keys: ["0", "home"], does: (a) => a.showAll(), shown: "0 or Home", help: "show everything" },
	{
		keys: ["ctrl+z"],
		does: (a) => a.undo(),
		shown: "Ctrl+Z",
		help: "back to what was shown before",
	},
	{
		keys: ["ctrl+y", "ctrl+shift+z"],
		does: (a) => a.redo(),
		shown: "Ctrl+Y",
		help: "forward again",
	},
	{
		keys: ["."],
		does: (a) => a.step("next"),
		shown: ".",
		help: "next state of the selected row",
	},
	{
		keys: [","],
		does: (a) => a.step("previous"),
		shown: ",",
		help: "previous state of the selected row",
	},
	{ keys: ["arrowdown"], does: (a) => a.moveRow(1), shown: "↓", help: "next row" },
	{ keys: ["arrowup"], does: (a) => a.moveRow(-1), shown: "↑", help: "previous row" },
	{ keys: ["arrowright"], does: (a) => a.fold(true), shown: "→", help: "open the row" },
	{
		keys: ["arrowleft"],
		does: (a) => a.fold(false),
		shown: "←",
		help: "close the row, or go to the one above it",
	},
	{ keys: ["enter"], does: (a) => a.toggle(), shown: "Enter", help: "open or close the row" },
	{
		keys: ["e"],
		does: (a) => a.toggleActive(),
		shown: "e",
		help: "only threads that do anything in the time shown",
	},
	{
		keys: ["v"],
		does: (a) => a.toggleCores(),
		shown: "v",
		help: "only vCPUs and CPUs, no threads",
	},
	{
		keys: ["r"],
		does: (a) => a.toggleByLost(),
		shown: "r",
		help: "rows that lost most come first",
	},
	{ keys: ["p"], does: (a) => a.pin(), shown: "p", help: "pin the row to the top, or let it go" },
	{ keys: ["h"], does: (a) => a.hide(), shown: "h", help: "hide the row" },
	{ keys: ["escape"], does: (a) => a.clear(), shown: "Esc", help: "select nothing" },
];

/** What the pointer does, for the help. */
export const POINTER_HELP: readonly { shown: string; help: string }[] = [
	{ shown: "Drag", help: "select a range of time" },
	{ shown: "Shift+click", help: "extend the selection" },
	{ shown: "Click", help: "select a row and a moment" },
	{ shown: "Double click", help: "select a state from its begin to its end" },
	{ shown: "Ctrl+wheel", help: "zoom at the pointer" },
	{ shown: "Wheel over the time axis", help: "zoom, too" },
	{ shown: "Shift+wheel", help: "earlier or later" },
	{ shown: "Ctrl+drag, middle drag", help: "move what is shown" },
	{ shown: "Right drag", help: "zoom to a range" },
];

/** Whether the reader is typing, or a dialog has the keys. */
export function isTyping(target: EventTarget | null): boolean {
	return (
		target instanceof HTMLElement &&
		(target.isContentEditable || target.closest("input, textarea, select, dialog") !== null)
	);
}

/** Buttons and links have Enter for themselves, and tables their arrows. */
function isOwnKey(e: KeyboardEvent): boolean {
	const other =
		e.target instanceof HTMLElement &&
		e.target.closest("button, a, summary, [role=grid], [role=tablist]");
	return Boolean(other) && (e.key === "Enter" || e.key.startsWith("Arrow") || e.key === "Home");
}

function nameOf(e: KeyboardEvent): string {
	const control = e.ctrlKey || e.metaKey;
	return (control ? "ctrl+" : "") + (control && e.shiftKey ? "shift+" : "") + e.key.toLowerCase();
}

/** Return: what ends it. */
export function bindKeys(actions: KeyActions): () => void {
	const listener = (e: KeyboardEvent) => {
		if (e.altKey || e.defaultPrevented || isTyping(e.target) || isOwnKey(e)) {
			return;
		}
		const name = nameOf(e);
		const key = GRAPH_KEYS.find((k) => k.keys.includes(name));
		if (key) {
			e.preventDefault();
			key.does(actions);
		}
	};
	addEventListener("keydown", listener);
	return () => removeEventListener("keydown", listener);
}
