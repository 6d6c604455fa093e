// Wires the page: the view state and the address, the session, and what shows them.

import { Session } from "./session";
import { fromHash, toHash, View } from "./view";

/** The address follows the view, and the view an address that somebody put in. */
function bindAddress(view: View): void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let written = location.hash;

	view.subscribe(() => {
		clearTimeout(timer);
		// Browsers refuse more than some 100 changes of the address in 30 s.
		timer = setTimeout(() => {
			written = `#${toHash(view.state)}`;
			history.replaceState(null, "", written);
		}, 200);
	});
	addEventListener("hashchange", () => {
		if (location.hash !== written) {
			const { experiment, ...rest } = fromHash(location.hash);
			view.choose(experiment ?? "");
			view.change(rest);
		}
	});
}

const view = new View(fromHash(location.hash));
const session = new Session(view);
bindAddress(view);
session.load();
