// What keys and clicks on rows do: changes of the view. Drawing follows from the view.

import type { ExperimentApi, RowId } from "../api";
import { zoomRange, type RowKey, type View } from "../view";
import type { KeyActions } from "./keys";
import type { NameActions } from "./names";
import type { Shown, Tree, TreeNode } from "./tree";

/** What the commands ask of the graph. */
export interface CommandHost {
	view: View;
	tree: Tree;
	api: ExperimentApi;
	/** The rows that are not pinned, in their order, whether scrolled into view or not. */
	rows: () => readonly Shown[];
	/** The row that the keyboard is at. */
	current: () => RowKey;
	setCurrent: (key: RowKey) => void;
	fail: (e: unknown) => void;
}

function without<T>(list: readonly T[], item: T): T[] {
	return list.filter((other) => other !== item);
}

/** Adds what is not there, and takes out what is. */
function flipped<T>(list: readonly T[], item: T): T[] {
	return list.includes(item) ? without(list, item) : [...list, item];
}

export class Commands implements KeyActions {
	constructor(private readonly host: CommandHost) {}

	private get view(): View {
		return this.host.view;
	}

	private node(): TreeNode | null {
		return this.host.tree.byKey.get(this.host.current()) ?? null;
	}

	// ---- time

	zoom(factor: number): void {
		const { range } = this.view.state;
		const { time } = this.view.hover;
		const inside = time !== null && time >= range.start && time <= range.end;
		this.view.change({
			range: zoomRange(range, factor, inside ? time : (range.start + range.end) / 2),
		});
	}

	pan(share: number): void {
		const { range } = this.view.state;
		const by = (range.end - range.start) * share;
		this.view.change({ range: { start: range.start + by, end: range.end + by } });
	}

	zoomToSelection(): void {
		const { selection } = this.view.state;
		if (selection && selection.end > selection.start) {
			const margin = (selection.end - selection.start) * 0.02;
			this.view.change({
				range: { start: selection.start - margin, end: selection.end + margin },
			});
		}
	}

	showAll(): void {
		this.view.change({ range: { start: 0, end: this.view.duration } });
	}

	undo(): void {
		this.view.undo();
	}

	redo(): void {
		this.view.redo();
	}

	step(direction: "next" | "previous"): void {
		const { row, selection, range } = this.view.state;
		const node = row === null ? undefined : this.host.tree.byId.get(row);
		if (node?.output) {
			const from = selection?.start ?? (direction === "next" ? range.start : range.end);
			const { output } = node;
			this.host.api
				.search({ output, items: [row as RowId], from, direction })
				.then((found) => found && this.showState(found.start, found.end), this.host.fail);
		}
	}

	/** Selects a state, and brings it into view if it is not. */
	private showState(start: number, end: number): void {
		const { range } = this.view.state;
		const span = range.end - range.start;
		const seen = start >= range.start && start < range.end;
		const moved = { start: start - span / 4, end: start + (span * 3) / 4 };
		this.view.change({ selection: { start, end }, ...(seen ? {} : { range: moved }) });
	}

	/** Selects the state that a row is in at a time, from its true begin to its true end. */
	selectState(row: RowId, time: number): void {
		this.host.api
			.details(row, time)
			.then(
				(d) => d && this.view.change({ row, selection: { start: d.start, end: d.end } }),
				this.host.fail,
			);
	}

	clear(): void {
		this.view.change({ selection: null, row: null, query: null, evidence: null });
	}

	// ---- rows

	moveRow(by: number): void {
		const rows = this.host.rows();
		const at = rows.findIndex((row) => row.node.key === this.host.current());
		const next = rows[Math.min(Math.max(at < 0 ? 0 : at + by, 0), rows.length - 1)];
		if (next) {
			this.goToRow(next.node);
		}
	}

	private goToRow(node: TreeNode): void {
		this.host.setCurrent(node.key);
		if (node.output !== null) {
			this.view.change({ row: node.id });
		}
	}

	fold(open: boolean): void {
		const at = this.host.rows().find((row) => row.node.key === this.host.current());
		if (at && at.open !== open && at.node.children.length > 0) {
			this.toggleNode(at.node);
		} else if (at && !open && at.node.parent) {
			this.goToRow(at.node.parent);
		} else if (at && open && at.node.children.length > 0) {
			this.moveRow(1);
		}
	}

	toggle(): void {
		const node = this.node();
		if (node && node.children.length > 0) {
			this.toggleNode(node);
		}
	}

	toggleActive(): void {
		this.view.change({ active: !this.view.state.active });
	}

	toggleCores(): void {
		this.view.change({ cores: !this.view.state.cores });
	}

	toggleByLost(): void {
		this.view.change({ byLost: !this.view.state.byLost });
	}

	pin(): void {
		const node = this.node();
		if (node && node.output !== null) {
			this.pinNode(node);
		}
	}

	hide(): void {
		const node = this.node();
		if (node) {
			// The keyboard stays where it was.
			this.moveRow(1);
			this.hideNode(node);
		}
	}

	private toggleNode(node: TreeNode): void {
		this.view.change({ toggled: flipped(this.view.state.toggled, node.key) });
	}

	private pinNode(node: TreeNode): void {
		this.view.change({ pinned: flipped(this.view.state.pinned, node.id as RowId) });
	}

	private hideNode(node: TreeNode): void {
		const { pinned, hidden } = this.view.state;
		this.view.change({
			hidden: flipped(hidden, node.key),
			pinned: node.id === null ? pinned : without(pinned, node.id),
		});
	}

	/** The same for the pointer on names. */
	forNames(): NameActions {
		return {
			toggle: (node) => {
				this.host.setCurrent(node.key);
				this.toggleNode(node);
			},
			select: (node) => this.goToRow(node),
			pin: (node) => this.pinNode(node),
			hide: (node) => this.hideNode(node),
			hover: (node) => this.view.setHover({ row: node?.output ? node.id : null }),
		};
	}
}
