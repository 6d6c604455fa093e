// Which rows there are, and where: chosen from the tree, scrolled, and kept so that the row that
// the reader is at stays in view.

import type { RowId } from "../api";
import type { RowKey } from "../view";
import type { Frame } from "./frame";
import { layoutRows, rowHeight, rowOffset, type Layout, type Placed } from "./layout";
import { barOf } from "./scene";
import { shownRows, type Choice, type Shown, type Tree, type TreeNode } from "./tree";

/** Beyond the window's edge, so that an arrow leaves it. */
const BEYOND = 10;

export class RowList {
	layout: Layout = { placed: [], pinnedHeight: 0, total: 0 };
	/** The row that the keyboard is at. */
	current: RowKey = "";
	private shown: { pinned: Shown[]; rows: Shown[] } = { pinned: [], rows: [] };
	/**
	 * The row that stays in view whatever folds or changes its size, until somebody scrolls.
	 */
	private follow: RowKey | null = null;

	constructor(
		private readonly tree: Tree,
		private readonly frame: Frame,
	) {
		frame.scroller.addEventListener("pointerdown", () => (this.follow = null));
	}

	/** The rows that are not pinned, in their order, whether scrolled into view or not. */
	get rows(): readonly Shown[] {
		return this.shown.rows;
	}

	/** Chooses the rows again and finds out where they are now. */
	update(choice: Choice): void {
		this.shown = shownRows(this.tree, choice);
		const { pinned, rows } = this.shown;
		const { scroller, height } = this.frame;
		const all = layoutRows(pinned, rows, 0, 0);
		this.frame.setScrollHeight(all.total);
		if (this.follow !== null) {
			this.scrollTo(this.follow, all.pinnedHeight);
		}
		this.layout = layoutRows(pinned, rows, scroller.scrollTop, height);
	}

	/** The rows with states that are in view, or less than `beyond` out of it. */
	near(beyond: number): TreeNode[] {
		const { pinned, rows } = this.shown;
		const from = Math.max(this.frame.scroller.scrollTop - beyond, 0);
		const { placed } = layoutRows(pinned, rows, from, this.frame.height + 2 * beyond);
		return placed.map((row) => row.node).filter((node) => node.output !== null);
	}

	goTo(key: RowKey): void {
		this.current = key;
		this.follow = key;
	}

	scrollBy(by: number): void {
		this.follow = null;
		this.frame.scroller.scrollTop += by;
	}

	at(y: number): Placed | undefined {
		return this.layout.placed.find((row) => y >= row.y && y < row.y + row.height);
	}

	/** Where a row's states are drawn: [top, height], once or also pinned. */
	placesOf(row: RowId): (readonly [number, number])[] {
		return this.layout.placed.filter((p) => p.node.id === row).map(barOf);
	}

	/** An arrow ends at the row, at what it is folded into, or beyond the window's edge. */
	arrowEnd(row: RowId): { y: number; seen: boolean } | null {
		for (let n = this.tree.byId.get(row) ?? null; n; n = n.parent) {
			const { key } = n;
			const placed = this.layout.placed.find((p) => p.node.key === key);
			if (placed) {
				const [top, height] = barOf(placed);
				return { y: top + height / 2, seen: n.id === row };
			}
			const y = rowOffset(this.shown.rows, key);
			if (y >= 0) {
				const above = y < this.frame.scroller.scrollTop;
				const { pinnedHeight } = this.layout;
				return {
					y: above ? pinnedHeight - BEYOND : this.frame.height + BEYOND,
					seen: false,
				};
			}
		}
		return null;
	}

	private scrollTo(key: RowKey, pinnedHeight: number): void {
		const { scroller } = this.frame;
		const y = rowOffset(this.shown.rows, key);
		const row = this.shown.rows.find((shown) => shown.node.key === key);
		if (!row) {
			return;
		}
		const room = this.frame.height - pinnedHeight;
		const height = rowHeight(row);
		const top = scroller.scrollTop;
		if (y < top - height || y > top + room) {
			// From afar it comes to where what is around it is seen, too.
			scroller.scrollTop = y - (room - height) / 2;
		} else if (y < top || y + height > top + room) {
			scroller.scrollTop = Math.min(Math.max(top, y + height - room), y);
		}
	}
}
