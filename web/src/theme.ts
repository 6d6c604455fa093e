// Light or dark: as the system says, or as the reader chose, who is remembered by the browser.

import type { Theme, View } from "./view";

const KEY = "vmscope.theme";

function stored(): Theme {
	try {
		const text = localStorage.getItem(KEY);
		return text === "light" || text === "dark" ? text : "auto";
	} catch {
		// A browser that stores nothing has no say in it.
		return "auto";
	}
}

function store(theme: Theme): void {
	try {
		localStorage.setItem(KEY, theme);
	} catch {
		// Then the choice holds for this visit.
	}
}

/**
 * Keeps the document's colours as the view says. `changed` is told whether they are dark. Return:
 * whether they are now.
 */
export function bindTheme(view: View, changed: (dark: boolean) => void): boolean {
	const system = matchMedia("(prefers-color-scheme: dark)");
	const isDark = () =>
		view.state.theme === "dark" || (view.state.theme === "auto" && system.matches);
	const apply = () => {
		document.documentElement.dataset["theme"] = isDark() ? "dark" : "light";
		changed(isDark());
	};

	view.change({ theme: stored() });
	document.documentElement.dataset["theme"] = isDark() ? "dark" : "light";
	system.addEventListener("change", apply);
	view.subscribe((state, what) => {
		if (what.has("theme")) {
			store(state.theme);
			apply();
		}
	});
	return isDark();
}
