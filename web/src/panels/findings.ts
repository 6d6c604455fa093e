// Why VMs were slow: the server's sentences, each with a way to where it was worst.

import type { Finding, Findings } from "../api";
import type { Session } from "../session";
import { el } from "./dom";

/** Shows where it was worst, who it was, and what is the proof of it. */
export function showFinding(session: Session, found: Finding): void {
	const { row, start, end, culprit } = found;
	if (row === undefined || start === undefined || end === undefined) {
		return;
	}
	const room = Math.max((end - start) / 2, 5);
	session.view.change({
		row: culprit ?? row,
		range: { start: start - room, end: end + room },
		selection: { start, end },
		evidence: { row, culprit: culprit ?? null, start, end },
	});
}

function sentences(found: Finding): string {
	return [found.where, found.evidence, found.against].filter((s) => s !== null).join(" ");
}

function findingOf(found: Finding, session: Session): HTMLElement {
	const body = [
		el("strong", {}, found.what),
		el("span", {}, sentences(found)),
		el("span", { class: "hint" }, `Remedy: ${found.remedy}.`),
	];
	if (found.row === undefined) {
		return el("li", {}, el("div", { class: "finding" }, ...body));
	}
	const button = el(
		"button",
		{
			type: "button",
			class: "finding",
			title: "Show where it was worst, and who it was",
			onclick: () => showFinding(session, found),
		},
		...body,
		el("span", { class: "link" }, "Show the worst of it"),
	);
	return el("li", {}, button);
}

/** The one that cost most, of a stretch that somebody asks about; null: there is none. */
export function stretchOf(findings: Findings, session: Session): HTMLElement | null {
	const [found] = findings.findings;
	if (!found || found.kind === "note") {
		return findings.verdict === null ? null : el("p", {}, findings.verdict);
	}
	const { culprit } = found;
	return el(
		"div",
		{ class: "why" },
		el("strong", {}, found.what),
		el("p", {}, sentences(found)),
		el("p", { class: "hint" }, `Remedy: ${found.remedy}.`),
		culprit === undefined
			? null
			: el(
					"button",
					{
						type: "button",
						class: "link",
						onclick: () => session.view.change({ row: culprit }),
					},
					"Show who it was",
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
