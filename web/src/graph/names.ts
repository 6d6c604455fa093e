// The rows' names, left of their states: a tree of which only what is seen is in the document.

import type { RowId } from "../api";
import type { Placed } from "./layout";
import type { TreeNode } from "./tree";

/** What can be done with a row; the view is changed by whoever made this. */
export interface NameActions {
	toggle: (node: TreeNode) => void;
	select: (node: TreeNode) => void;
	pin: (node: TreeNode) => void;
	hide: (node: TreeNode) => void;
	hover: (node: TreeNode | null) => void;
}

export interface NamesScene {
	placed: readonly Placed[];
	pinnedHeight: number;
	row: RowId | null;
	/** The row that the keyboard is at. */
	current: string;
	isPinned: (node: TreeNode) => boolean;
	/** Rows that a search is not about. */
	dimmed: (node: TreeNode) => boolean;
	/** The share lost of the time that it wanted, in what is shown. */
	lost: (node: TreeNode) => number;
}

/** Less than this share of the time lost is not worth a word. */
const LEAST_LOST = 0.005;

function element(tag: string, className: string): HTMLElement {
	const made = document.createElement(tag);
	made.className = className;
	return made;
}

class NameRow {
	readonly root = element("div", "name-row");
	private readonly twisty = element("button", "twisty");
	private readonly name = element("span", "name");
	private readonly note = element("span", "note");
	private readonly lost = element("span", "lost");
	private readonly pin = element("button", "act pin");
	private readonly hide = element("button", "act hide");

	constructor(
		readonly node: TreeNode,
		actions: NameActions,
	) {
		const { root, twisty, pin, hide } = this;
		root.setAttribute("role", "treeitem");
		root.dataset["key"] = node.key;
		root.classList.add(node.kind);
		this.name.textContent = node.name;
		this.note.textContent = node.note;
		root.title = node.note ? `${node.name} · ${node.note}` : node.name;
		this.lost.title = "of the time shown in which it wanted to run, it had no CPU";
		for (const button of [twisty, pin, hide]) {
			// One stop for the whole tree: its keys do the same.
			button.tabIndex = -1;
		}
		hide.title = "Hide (h)";
		hide.setAttribute("aria-label", `Hide ${node.name}`);
		this.listen(actions);
		root.append(twisty, this.name, this.note, this.lost);
		if (node.output !== null) {
			root.append(pin);
		}
		root.append(hide);
	}

	private listen(actions: NameActions): void {
		const { node, root } = this;
		const on = (target: HTMLElement, then: (node: TreeNode) => void) =>
			target.addEventListener("click", (e) => {
				e.stopPropagation();
				then(node);
			});
		on(this.twisty, actions.toggle);
		on(this.pin, actions.pin);
		on(this.hide, actions.hide);
		on(root, node.output === null ? actions.toggle : actions.select);
		root.addEventListener("dblclick", () => node.output !== null && actions.toggle(node));
		root.addEventListener("pointerenter", () => actions.hover(node));
		root.addEventListener("pointerleave", () => actions.hover(null));
	}

	update(row: Placed, scene: NamesScene): void {
		const { root, node } = this;
		const pinned = scene.isPinned(node);
		root.style.transform = `translateY(${row.y - (row.pinned ? 0 : scene.pinnedHeight)}px)`;
		root.style.height = `${row.height}px`;
		root.style.paddingLeft = `calc(6px + ${row.depth} * var(--indent))`;
		root.setAttribute("aria-level", String(row.depth + 1));
		root.setAttribute("aria-selected", String(node.id !== null && node.id === scene.row));
		root.id = `${row.pinned ? "pin" : "row"}-${node.key}`;
		root.classList.toggle("current", !row.pinned && node.key === scene.current);
		root.classList.toggle("dimmed", scene.dimmed(node));
		root.classList.toggle("pinned", pinned);
		const lost = scene.lost(node);
		this.lost.textContent =
			lost >= LEAST_LOST ? `−${(lost * 100).toFixed(lost < 0.0995 ? 1 : 0)} %` : "";
		this.pin.title = pinned ? "Unpin (p)" : "Pin to the top (p)";
		this.pin.setAttribute("aria-label", this.pin.title);
		const folds = node.children.length > 0 && !row.pinned;
		this.twisty.hidden = !folds;
		this.twisty.setAttribute("aria-label", row.open ? "Close" : "Open");
		root.classList.toggle("leaf", !folds);
		this.twisty.classList.toggle("open", row.open);
		if (folds) {
			root.setAttribute("aria-expanded", String(row.open));
		}
		if (row.pinned) {
			this.note.textContent = [machineOf(node), node.note]
				.filter((part) => part !== "")
				.join(" · ");
		}
	}
}

/** A pinned row stands alone and says whose it is. */
function machineOf(node: TreeNode): string {
	let top = node.parent;
	while (top?.parent) {
		top = top.parent;
	}
	return top ? top.name : "";
}

export class Names {
	private readonly held = element("div", "names-pinned");
	private readonly rest = element("div", "names-rest");
	private rows = new Map<string, NameRow>();

	constructor(
		readonly root: HTMLElement,
		private readonly actions: NameActions,
	) {
		root.append(this.held, this.rest);
	}

	update(scene: NamesScene): void {
		const seen = new Map<string, NameRow>();
		for (const row of scene.placed) {
			const key = `${row.pinned ? "pin" : "row"} ${row.node.key}`;
			const old = this.rows.get(key);
			const made = old?.node === row.node ? old : new NameRow(row.node, this.actions);
			made.update(row, scene);
			seen.set(key, made);
			const parent = row.pinned ? this.held : this.rest;
			if (made.root.parentElement !== parent) {
				parent.append(made.root);
			}
			this.rows.delete(key);
			if (old && old !== made) {
				old.root.remove();
			}
		}
		this.rows.forEach((gone) => gone.root.remove());
		this.rows = seen;
		const current = scene.placed.find((row) => !row.pinned && row.node.key === scene.current);
		if (current) {
			this.root.setAttribute("aria-activedescendant", `row-${scene.current}`);
		} else {
			this.root.removeAttribute("aria-activedescendant");
		}
		this.held.style.height = `${scene.pinnedHeight}px`;
		this.rest.style.top = `${scene.pinnedHeight}px`;
	}
}
