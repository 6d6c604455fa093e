// Wires the page: the view and the address, the session, and what shows them.

import "./base.css";
import "./graph/graph.css";

import { bindAddress } from "./address";
import { TimeGraph } from "./graph/graph";
import type { Drawn, Spot } from "./graph/probe";
import { mountPanels } from "./panels";
import { Session, type Phase } from "./session";
import { bindTheme } from "./theme";
import { fromHash, View } from "./view";

/** For those who drive the page by program: what is drawn where, without reading pixels. */
export interface PageHandle {
	readonly view: View;
	readonly phase: Phase;
	/** null while there is none. */
	readonly graph: TimeGraph | null;
	stateAt: (row: number, time: number) => Drawn | null;
	pixelAt: (row: number, time: number) => Spot | null;
	/** Resolves when all that is looked at is drawn. */
	settled: () => Promise<void>;
}

declare global {
	interface Window {
		vmscope: PageHandle;
	}
}

function start(host: HTMLElement): PageHandle {
	const view = new View(fromHash(location.hash));
	const session = new Session(view);
	let graph: TimeGraph | null = null;
	let dark = bindTheme(view, (now) => {
		dark = now;
		graph?.setTheme(now);
	});

	bindAddress(view);
	session.subscribe((phase) => {
		graph?.close();
		graph = null;
		if (phase.kind === "ready") {
			graph = new TimeGraph(host, view, phase.experiment, phase.api, phase.rows, dark);
		}
	});
	mountPanels(session);
	session.load();
	return {
		view,
		get phase() {
			return session.phase;
		},
		get graph() {
			return graph;
		},
		stateAt: (row, time) => graph?.stateAt(row, time) ?? null,
		pixelAt: (row, time) => graph?.pixelAt(row, time) ?? null,
		settled: async () => graph?.settled(),
	};
}

window.vmscope = start(document.getElementById("graph") as HTMLElement);
