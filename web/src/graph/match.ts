// What a search is about: which rows by their names, and which of their states by name, label and
// length.

import type { Lane } from "../api";
import type { Query } from "../view";
import type { Palette } from "./palette";
import { stateEnd, type Match } from "./pixels";
import type { Tree, TreeNode } from "./tree";

export function matchesName(node: TreeNode, text: string): boolean {
	return `${node.name} ${node.note}`.toLowerCase().includes(text.toLowerCase());
}

export class Matcher {
	/** Per list of labels: which of them have the text, counted from 1 as states count them. */
	private readonly labels = new WeakMap<readonly string[], Uint8Array>();
	private readonly text: string;
	/** The text is part of some row's name, so the other rows are not meant. */
	private readonly namesRows: boolean;

	constructor(
		private readonly query: Query,
		private readonly palette: Palette,
		tree: Tree,
	) {
		this.text = query.text.toLowerCase();
		this.namesRows = [...tree.byId.values()].some((node) => matchesName(node, this.text));
	}

	/** Return: whether the row is not what is searched for. */
	dims(node: TreeNode): boolean {
		return (
			this.text !== "" &&
			this.namesRows &&
			node.output !== null &&
			!matchesName(node, this.text)
		);
	}

	of(node: TreeNode): Match | null {
		if (!node.family) {
			return null;
		}
		const names = this.palette.states[node.family].map((s) => s.name);
		const { states, min } = this.query;
		const wanted = names.map((name) => states.length === 0 || states.includes(name));
		const named = matchesName(node, this.text);
		return (lane, i) =>
			wanted[lane.state[i] as number] === true &&
			stateEnd(lane, i) - (lane.begin[i] as number) >= min &&
			(named || this.hasLabel(lane, i));
	}

	private hasLabel(lane: Lane, i: number): boolean {
		let found = this.labels.get(lane.labels);
		if (!found) {
			found = Uint8Array.from(["", ...lane.labels], (label, n) =>
				n > 0 && label.toLowerCase().includes(this.text) ? 1 : 0,
			);
			this.labels.set(lane.labels, found);
		}
		return found[lane.label[i] as number] === 1;
	}
}
