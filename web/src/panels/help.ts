// The help: how to read the picture, and which keys there are.

import { GRAPH_KEYS, POINTER_HELP } from "../graph/keys";
import { el, iconButton, replace } from "./dom";
import { PANEL_KEYS } from "./keys";

const READING: readonly string[] = [
	"Each row is one virtual CPU, thread or CPU, and each colour what it did; time runs to the right. The legend says what the colours are.",
	"Dark orange with a dark edge is time that was taken away: the vCPU could have run, but its CPU was given to somebody else. Yellow and light orange are the hypervisor's and QEMU's work on its exits; green ran as it wanted.",
	"Threads of a guest show what truly happened: what the guest itself took for running is split into what ran, what was stolen, and what its exits cost.",
	"Where many short states share a pixel, one stands for them, each in turn and as often as it had time; zoom in for each of them, down to the nanosecond.",
	"The address has all that you see: copy it to show somebody the same picture.",
];

export class Help {
	private readonly dialog = el("dialog", { class: "dialog help", "aria-label": "Help" });

	constructor(host: HTMLElement) {
		replace(
			this.dialog,
			el(
				"header",
				{},
				el("h2", {}, "How to read and use this"),
				iconButton("close", "Close (Esc)", () => this.dialog.close()),
			),
			el("div", { class: "reading" }, ...READING.map((text) => el("p", {}, text))),
			el(
				"div",
				{ class: "keys" },
				section("Keys", GRAPH_KEYS),
				section("Pointer", POINTER_HELP),
				section("Finding", PANEL_KEYS),
			),
		);
		this.dialog.addEventListener(
			"click",
			(event) => event.target === this.dialog && this.dialog.close(),
		);
		host.hidden = false;
		host.append(this.dialog);
	}

	toggle(): void {
		if (this.dialog.open) {
			this.dialog.close();
		} else {
			this.dialog.showModal();
		}
	}
}

function section(title: string, keys: readonly { shown: string; help: string }[]): HTMLElement {
	const lines = keys.flatMap((key) => [
		el("dt", {}, el("kbd", {}, key.shown)),
		el("dd", {}, key.help),
	]);
	return el("section", {}, el("h3", {}, title), el("dl", {}, ...lines));
}
