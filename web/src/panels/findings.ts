// Why VMs were slow: the server's sentences, each with a way to where it was worst.

import type { Finding, Findings } from "../api";
import type { Session } from "../session";
import { el } from "./dom";

function zoomTo(session: Session, found: Finding): void {
	const { row, start, end } = found;
	if (row === undefined || start === undefined || end === undefined) {
		return;
	}
	const room = (end - start) / 2;
	session.view.change({
		row,
		range: { start: start - room, end: end + room },
		selection: { start, end },
	});
}

function findingOf(found: Finding, session: Session): HTMLElement {
	const why = [found.where, found.evidence, found.against].filter((s) => s !== null);
	return el(
		"li",
		{},
		el("strong", {}, found.what),
		el("p", {}, why.join(" ")),
		el("p", { class: "hint" }, `Remedy: ${found.remedy}.`),
		found.row === undefined
			? null
			: el(
					"button",
					{ type: "button", class: "link", onclick: () => zoomTo(session, found) },
					"Zoom to the worst of it",
				),
	);
}

/** Elements for all there is to say; none while it is not known. */
export function findingsOf(findings: Findings | null, session: Session): HTMLElement[] {
	if (!findings) {
		return [];
	}
	const { verdict, missing } = findings;
	return [
		el("h3", {}, "Why VMs were slow"),
		...(verdict === null ? [] : [el("p", {}, verdict)]),
		el("ol", { class: "findings" }, ...findings.findings.map((f) => findingOf(f, session))),
		...(missing.length === 0
			? []
			: [
					el("h3", {}, "What cannot be told, because it was not recorded"),
					el(
						"ul",
						{ class: "findings" },
						...missing.map((m) =>
							el("li", {}, `${m.machine ?? ""} ${m.event}: ${m.without}`.trim()),
						),
					),
				]),
	];
}
