// A sample of how a state is drawn, as the graph's rows draw it.

import type { Paint } from "../graph/palette";
import { el } from "./dom";

export function swatch(paint: Paint | undefined): HTMLElement {
	const classes = ["swatch"];
	if (paint?.low) {
		classes.push("low");
	}
	if (paint?.unknown) {
		classes.push("unknown");
	}
	if (paint?.taken) {
		classes.push("taken");
	}
	return el("span", { class: classes.join(" "), style: paint ? `--color:${paint.color}` : null });
}
