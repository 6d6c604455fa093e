// Making elements. The page has no framework: a panel makes its elements once and then sets what
// changes.

type Child = Node | string | null | undefined | false;
type Props = Record<
	string,
	string | number | boolean | ((event: never) => void) | null | undefined
>;

/**
 * Makes an element; functions become listeners ("onclick"), true and false set and leave out
 * attributes.
 */
export function el<K extends keyof HTMLElementTagNameMap>(
	tag: K,
	props: Props = {},
	...children: Child[]
): HTMLElementTagNameMap[K] {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(props)) {
		if (typeof value === "function") {
			element.addEventListener(name.slice(2), value as EventListener);
		} else if (value !== null && value !== undefined && value !== false) {
			element.setAttribute(name, value === true ? "" : String(value));
		}
	}
	append(element, children);
	return element;
}

export function append(parent: Element, children: readonly Child[]): void {
	for (const child of children) {
		if (child) {
			parent.append(child);
		}
	}
}

export function replace(parent: Element, ...children: Child[]): void {
	parent.replaceChildren();
	append(parent, children);
}

/** Outlines on a field of 16 x 16. */
const ICONS = {
	undo: "M6 4 3 7l3 3M3 7h6.5a3.5 3.5 0 0 1 0 7H8",
	redo: "m10 4 3 3-3 3M13 7H6.5a3.5 3.5 0 0 0 0 7H8",
	fit: "M2.5 3v10M13.5 3v10M5 8h6M7 6 5 8l2 2M9 6l2 2-2 2",
	search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14",
	previous: "m10 3-5 5 5 5",
	next: "m6 3 5 5-5 5",
	filter: "M2 3h12L9.5 8.5V13l-3-1.5v-3z",
	open: "M2 4h4l1.5 2H14v7H2zM8 12V8.5M6.5 10 8 8.5 9.5 10",
	save: "M8 2v8M5 7l3 3 3-3M2.5 11v2.5h11V11",
	copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
	link: "M6.5 9.5l3-3M7 4.5 8.5 3a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5 7.5 13A3.2 3.2 0 0 1 3 8.5L4.5 7",
	theme: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
	help: "M5.8 6a2.3 2.3 0 1 1 3.3 2.1C8.3 8.5 8 9 8 10M8 12.5v.5",
	close: "M4 4l8 8M12 4l-8 8",
	warning: "M8 2.5 14.5 13.5h-13zM8 6.5v3.5M8 12v.2",
	pin: "M6 2h4l-.5 4.5 2 2.5h-7l2-2.5zM8 9v5",
	eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
	down: "m4 6 4 4 4-4",
} as const;

export type Icon = keyof typeof ICONS;

export function icon(name: Icon): SVGElement {
	const space = "http://www.w3.org/2000/svg";
	const svg = document.createElementNS(space, "svg");
	const path = document.createElementNS(space, "path");
	svg.setAttribute("viewBox", "0 0 16 16");
	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	path.setAttribute("d", ICONS[name]);
	svg.append(path);
	return svg;
}

/**
 * A button that is an icon; `title` is what it does, for those who point at it and those who hear
 * it.
 */
export function iconButton(name: Icon, title: string, onclick: () => void): HTMLButtonElement {
	return el(
		"button",
		{ type: "button", class: "icon-button", title, "aria-label": title, onclick },
		icon(name),
	);
}

/** Calls `then` once nothing has asked for it for `ms`. */
export function debounce(ms: number, then: () => void): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	return () => {
		clearTimeout(timer);
		timer = setTimeout(then, ms);
	};
}

export function download(name: string, content: Blob): void {
	const url = URL.createObjectURL(content);
	el("a", { href: url, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Return: whether it is in the clipboard now; outside of secure contexts there is only the old way.
 */
export async function copyText(text: string): Promise<boolean> {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		const area = el("textarea", { class: "off-screen" });
		area.value = text;
		document.body.append(area);
		area.select();
		const done = document.execCommand("copy");
		area.remove();
		return done;
	}
}

/**
 * Says that an answer is on its way, if it takes long. Return: what is to be called when it is
 * there.
 */
export function sayIfLate(place: HTMLElement, signal: AbortSignal): () => void {
	const timer = setTimeout(() => (place.textContent = "Reading the file…"), 400);
	const end = () => clearTimeout(timer);
	signal.addEventListener("abort", end);
	return end;
}
