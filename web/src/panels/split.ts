// The upper border of the tables is moved with the pointer or the arrow keys: more table, or more
// graph.

import { el } from "./dom";

const LEAST = 60;
const STEP = 24;
/** Of the window: the graph above needs the rest. */
const MOST = 0.6;

export function splitAbove(body: HTMLElement): HTMLElement {
	const resize = (height: number) => {
		const most = Math.max(innerHeight * MOST, LEAST);
		const now = Math.round(Math.min(Math.max(height, LEAST), most));
		body.style.height = `${now}px`;
		split.setAttribute("aria-valuenow", String(now));
	};
	let drag: { y: number; height: number } | null = null;
	const split = el("div", {
		class: "split",
		role: "separator",
		tabindex: 0,
		"aria-orientation": "horizontal",
		"aria-label": "Height of the table",
		"aria-valuenow": LEAST,
		"aria-valuemin": LEAST,
		title: "Drag for more table or more graph; double click for as it was",
		onpointerdown: (event: PointerEvent) => {
			split.setPointerCapture(event.pointerId);
			drag = { y: event.clientY, height: body.offsetHeight };
		},
		onpointermove: (event: PointerEvent) =>
			drag && resize(drag.height + drag.y - event.clientY),
		onpointerup: () => (drag = null),
		onpointercancel: () => (drag = null),
		ondblclick: () => (body.style.height = ""),
		onkeydown: (event: KeyboardEvent) => {
			const by = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
			if (by) {
				event.preventDefault();
				event.stopPropagation();
				resize(body.offsetHeight + by);
			}
		},
	});
	return split;
}
