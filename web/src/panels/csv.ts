// Tables as text for other programs.

import type { Statistics } from "../api";

function cell(value: string | number | null): string {
	const text = value === null ? "" : String(value);
	return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** RFC 4180, with a line of names first. */
export function toCsv(
	names: readonly string[],
	rows: readonly (readonly (string | number | null)[])[],
): string {
	return [names, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/**
 * Ids of rows mean nothing outside of the page; times are as they are, ns since the experiment's
 * start.
 */
export function statisticsCsv(table: Statistics): string {
	const shown = table.columns.map((_, i) => i).filter((i) => table.columns[i]?.type !== "row");
	const unit = (type: string | undefined) => (type === "ns" || type === "time" ? "_ns" : "");
	return toCsv(
		shown.map((i) => `${table.columns[i]?.name}${unit(table.columns[i]?.type)}`),
		table.rows.map((row) => shown.map((i) => row[i] ?? null)),
	);
}
