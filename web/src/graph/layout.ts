// Where rows are: their heights, the pinned ones held at the top, the others scrolled below them.

import type { NodeKind } from "./tree";
import type { Shown } from "./tree";

const HEIGHTS: Record<NodeKind, number> = { machine: 30, vcpu: 26, cpu: 24, group: 22, thread: 22 };
/** Between a row's states and the next row's, in CSS pixels. */
export const ROW_GAP = 3;
/** Below the pinned rows. */
export const PIN_GAP = 7;

export interface Placed extends Shown {
	/** From the top of the viewport; negative when it is scrolled out by a part. */
	y: number;
	height: number;
	pinned: boolean;
}

export interface Layout {
	/** What is in the viewport, pinned ones first. */
	placed: Placed[];
	pinnedHeight: number;
	/** How high everything is. */
	total: number;
}

export function rowHeight(row: Shown): number {
	return HEIGHTS[row.node.kind];
}

/** `scroll`: how much of the rows that are not pinned is above the viewport. */
export function layoutRows(
	pinned: readonly Shown[],
	rows: readonly Shown[],
	scroll: number,
	viewport: number,
): Layout {
	const placed: Placed[] = [];
	let top = 0;

	for (const row of pinned) {
		const height = rowHeight(row);
		placed.push({ ...row, y: top, height, pinned: true });
		top += height;
	}
	const pinnedHeight = pinned.length > 0 ? top + PIN_GAP : 0;
	let y = pinnedHeight - scroll;
	for (const row of rows) {
		const height = rowHeight(row);
		if (y + height > pinnedHeight && y < viewport) {
			placed.push({ ...row, y, height, pinned: false });
		}
		y += height;
	}
	return { placed, pinnedHeight, total: y + scroll };
}

/** Return: how far below the top of all rows that one begins; -1 where it is not. */
export function rowOffset(rows: readonly Shown[], key: string): number {
	let y = 0;
	for (const row of rows) {
		if (row.node.key === key) {
			return y;
		}
		y += rowHeight(row);
	}
	return -1;
}
