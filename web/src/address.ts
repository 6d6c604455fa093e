// Keeps the page's address and the view the same: links show what was looked at, and the browser's
// Back goes to what was looked at before.

import { fromHash, toHash, type View, type ViewState } from "./view";

/** Browsers refuse more than some 100 changes of the address in 30 s. */
const SETTLE_MS = 200;

/** Whether a reader would want to come back to what was there before. */
function isStep(before: Readonly<ViewState>, after: Readonly<ViewState>): boolean {
	const known = before.experiment !== "" && before.range.end > before.range.start;
	const keys = ["experiment", "range", "selection", "row"] as const;
	return known && keys.some((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}

export function bindAddress(view: View): void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let written = location.hash;
	let last = view.state;
	// What the browser went back to is in its history already.
	let travelled = false;

	const write = () => {
		const hash = `#${toHash(view.state)}`;
		const pushes = !travelled && isStep(last, view.state);
		last = view.state;
		travelled = false;
		if (hash !== location.hash) {
			history[pushes ? "pushState" : "replaceState"](null, "", hash);
		}
		written = hash;
	};
	view.subscribe(() => {
		clearTimeout(timer);
		timer = setTimeout(write, SETTLE_MS);
	});
	addEventListener("hashchange", () => {
		if (location.hash !== written) {
			const { experiment, ...rest } = fromHash(location.hash);
			travelled = true;
			view.choose(experiment ?? "");
			view.change(rest);
		}
	});
}
