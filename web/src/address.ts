// Keeps the page's address and the view the same: links show what was looked at.

import { fromHash, toHash, type View } from "./view";

/** Browsers refuse more than some 100 changes of the address in 30 s. */
const SETTLE_MS = 200;

export function bindAddress(view: View): void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let written = location.hash;

	view.subscribe(() => {
		clearTimeout(timer);
		timer = setTimeout(() => {
			written = `#${toHash(view.state)}`;
			history.replaceState(null, "", written);
		}, SETTLE_MS);
	});
	addEventListener("hashchange", () => {
		if (location.hash !== written) {
			const { experiment, ...rest } = fromHash(location.hash);
			view.choose(experiment ?? "");
			view.change(rest);
		}
	});
}
