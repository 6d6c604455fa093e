// What is drawn where, for those who ask: the tooltip, and programs that drive the page.

import type { Lane, RowId } from "../api";
import { stateEnd, stateIndex, stateLabel, type Tile } from "./pixels";
import { sampleY, timeToX, type Scene } from "./scene";
import type { TreeNode } from "./tree";

/** A state of a lane. */
export interface Hit {
	lane: Lane;
	i: number;
}

export interface Drawn {
	state: string;
	label: string;
	/** As the server gave it: 0 as it was, 1 gathered, 2 a share. */
	truth: number;
	start: number;
	end: number;
}

/** Where on the page a row's state at a time is, and how it looks there. */
export interface Spot {
	x: number;
	y: number;
	color: string;
	state: string;
}

/** `tiles`: worst first. Return: the state that is drawn at a time; null where nothing is. */
export function hitAt(tiles: readonly Tile[], time: number): Hit | null {
	for (const { lane } of [...tiles].reverse()) {
		const i = stateIndex(lane, time);
		if (i >= 0) {
			return { lane, i };
		}
	}
	return null;
}

export function drawnAt(scene: Scene, node: TreeNode, time: number): Drawn | null {
	const hit = hitAt(scene.tiles(node.id as RowId), time);
	if (!node.family || !hit) {
		return null;
	}
	const { lane, i } = hit;
	return {
		state: scene.palette.paint(node.family, lane.state[i] as number)?.name ?? "",
		label: stateLabel(lane, i),
		truth: lane.truth[i] as number,
		start: lane.begin[i] as number,
		end: stateEnd(lane, i),
	};
}

/** `columns`: what the row's columns of pixels show. Return: null where the row is out of view. */
export function spotAt(
	scene: Scene,
	node: TreeNode,
	columns: Uint8Array,
	time: number,
	canvas: HTMLCanvasElement,
): Spot | null {
	const { range, layout } = scene;
	const placed = layout.placed.find((row) => row.node === node);
	if (!node.family || !placed || time < range.start || time >= range.end) {
		return null;
	}
	const y = sampleY(placed);
	const column = Math.floor(timeToX(range, columns.length, time));
	const paint = scene.palette.paint(node.family, columns[column] as number);
	const clipped = y >= scene.height || (!placed.pinned && y < layout.pinnedHeight);
	if (!paint || clipped) {
		return null;
	}
	const box = canvas.getBoundingClientRect();
	const x = ((column + 0.5) / columns.length) * scene.width;
	return { x: box.left + x, y: box.top + y, color: paint.color, state: paint.name };
}
