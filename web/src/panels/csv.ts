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
 * Ids of rows mean nothing outside of the page. A time is there twice: in ns since the experiment's
 * start, and by the clock that is shown.
 */
export function statisticsCsv(table: Statistics, stamp: (time: number) => string): string {
	const shown = table.columns.filter((column) => column.type !== "row");
	const names = shown.flatMap(({ name, type }) =>
		type === "time" ? [`${name}_ns`, name] : [type === "ns" ? `${name}_ns` : name],
	);
	const cells = (row: Statistics["rows"][0]) =>
		shown.flatMap((column) => {
			const value = row[table.columns.indexOf(column)] ?? null;
			const isTime = column.type === "time";
			return isTime ? [value, value === null ? null : stamp(Number(value))] : [value];
		});
	return toCsv(names, table.rows.map(cells));
}
