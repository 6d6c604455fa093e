// The rows as a tree: machines, below them their vCPUs and CPUs, then their threads by container
// and process. A pure function of what the server says; which rows are open, hidden or pinned is in
// the view.

import {
	isIn,
	type Container,
	type Cpu,
	type Family,
	type GraphOutput,
	type Machine,
	type RowId,
	type Rows,
	type StateStyle,
	type Thread,
	type Vcpu,
} from "../api";
import type { RowKey } from "../view";

export type NodeKind = "machine" | "vcpu" | "cpu" | "group" | "thread";

export interface TreeNode {
	key: RowKey;
	kind: NodeKind;
	name: string;
	/** Said behind the name, in a quieter voice. */
	note: string;
	/** What a filter finds it by. */
	words: string;
	/** Its row's id; null where it only holds others together. */
	id: RowId | null;
	/** Where its states come from; null: it has none. */
	output: GraphOutput | null;
	family: Family | null;
	parent: TreeNode | null;
	children: TreeNode[];
	/** Whether its children are shown before anybody touched it. */
	open: boolean;
	/** How long it ran, in ns: what is busiest comes first. */
	busy: number;
	/** Of the time that it wanted to run, the share in which it had no CPU. */
	lost: number;
}

export interface Tree {
	roots: TreeNode[];
	/** The nodes with a lane. */
	byId: ReadonlyMap<RowId, TreeNode>;
	byKey: ReadonlyMap<RowKey, TreeNode>;
}

/** Beyond so many busy threads, those that did less are in a group of their own. */
const MANY_THREADS = 12;
/** Whether a thread or vCPU in that state does nothing. */
export function isQuiet(state: StateStyle | undefined): boolean {
	return isIn(state, "unknown", "idle", "asleep", "absent");
}

function node(kind: NodeKind, key: RowKey, name: string, rest: Partial<TreeNode>): TreeNode {
	return {
		key,
		kind,
		name,
		note: "",
		words: `${name} ${rest.note ?? ""}`,
		id: null,
		output: null,
		family: null,
		parent: null,
		children: [],
		open: true,
		busy: 0,
		lost: 0,
		...rest,
	};
}

function adopt(parent: TreeNode, children: readonly TreeNode[]): void {
	for (const child of children) {
		child.parent = parent;
		parent.children.push(child);
	}
}

function sum(times: readonly number[], counts: (state: number) => boolean): number {
	return times.reduce((all, ns, state) => (counts(state) ? all + ns : all), 0);
}

function shareLost(times: readonly number[], states: readonly StateStyle[]): number {
	const lost = sum(times, (i) => isIn(states[i], "lost"));
	const wanted = sum(times, (i) => !isQuiet(states[i]));
	return wanted > 0 ? lost / wanted : 0;
}

function vcpuName(vcpu: Vcpu): string {
	if (vcpu.index !== null) {
		return `vCPU ${vcpu.index}`;
	}
	return vcpu.tid === null ? "vCPU ?" : `vCPU thread ${vcpu.tid}`;
}

// ---- threads ------------------------------------------------------------------------------------

class ThreadForest {
	private readonly quiet: Set<number>;
	private readonly containers: ReadonlyMap<number, Container>;
	/** Of the nodes that stand directly below a machine's threads. */
	private readonly containerOf = new Map<TreeNode, Container | undefined>();

	constructor(private readonly rows: Rows) {
		this.containers = new Map(rows.containers.map((c) => [c.id, c]));
		this.quiet = new Set(rows.states.thread.flatMap((s, i) => (isQuiet(s) ? [i] : [])));
	}

	private busy(thread: Thread): number {
		return sum(thread.times, (state) => !this.quiet.has(state));
	}

	private vmName(thread: Thread): string {
		const vcpu = this.rows.vcpus.find((v) => v.id === thread.vcpu);
		const vm = this.rows.machines.find((m) => m.id === vcpu?.machine);
		return vcpu && vm ? `${vm.name} ${vcpuName(vcpu)}` : "";
	}

	private threadNode(thread: Thread): TreeNode {
		const vm = thread.vcpu === null ? "" : this.vmName(thread);
		const tid = thread.tid ? String(thread.tid) : "";
		return node("thread", String(thread.id), thread.comm || "?", {
			note: vm || tid,
			// Who asks for vCPUs does not want the threads that run them.
			words: `${thread.comm} ${tid} ${vm.replace(/ vCPU.*/, "")}`,
			id: thread.id,
			output: "threads",
			family: "thread",
			busy: this.busy(thread),
			lost: shareLost(thread.times, this.rows.states.thread),
		});
	}

	/**
	 * A process is its first thread with the others below, or a group of its own when that one
	 * is not known.
	 */
	private processNodes(machine: Machine): TreeNode[] {
		const threads = this.rows.threads.filter((t) => t.machine === machine.id);
		const nodes = new Map(threads.map((t) => [t.id, this.threadNode(t)]));
		const tops: TreeNode[] = [];

		for (const thread of threads) {
			const own = nodes.get(thread.id);
			if (!own) {
				continue;
			}
			if (thread.process === machine.id) {
				tops.push(own);
				this.setContainer(own, thread);
				continue;
			}
			let parent = nodes.get(thread.process);
			if (!parent) {
				parent = node("group", `p${thread.process}`, thread.comm || "?", {
					note: thread.pid === null ? "process" : `process ${thread.pid}`,
				});
				nodes.set(thread.process, parent);
				tops.push(parent);
				this.setContainer(parent, thread);
			}
			adopt(parent, [own]);
		}
		tops.forEach(settleProcess);
		return tops.sort((a, b) => b.busy - a.busy);
	}

	private setContainer(top: TreeNode, thread: Thread): void {
		if (thread.container !== null) {
			this.containerOf.set(top, this.containers.get(thread.container));
		}
	}

	/**
	 * Return: the container that it is in; none where the chain of parents leads in a circle.
	 */
	private outer(container: Container): Container | undefined {
		let at: Container | undefined = container;
		for (let i = 0; at && i <= this.containers.size; i++) {
			at = at.parent === null ? undefined : this.containers.get(at.parent);
		}
		return at || container.parent === null
			? undefined
			: this.containers.get(container.parent);
	}

	/** Return: the nodes with those in containers below their container, the busiest first. */
	private inContainers(nodes: readonly TreeNode[]): TreeNode[] {
		const groups = new Map<Container, TreeNode>();
		const tops: TreeNode[] = [];
		const put = (child: TreeNode, container: Container | undefined) => {
			if (!container) {
				tops.push(child);
				return;
			}
			let group = groups.get(container);
			if (!group) {
				group = node("group", `n${container.id}`, container.name, { note: "container" });
				groups.set(container, group);
				put(group, this.outer(container));
			}
			adopt(group, [child]);
		};
		nodes.forEach((n) => put(n, this.containerOf.get(n)));
		for (const group of groups.values()) {
			if (!group.parent) {
				settleContainer(group);
			}
		}
		return tops.sort((a, b) => b.busy - a.busy);
	}

	/**
	 * Return: the group of the machine's threads, the busiest first; null when there are none.
	 */
	group(machine: Machine, open: boolean): TreeNode | null {
		const all = this.processNodes(machine);
		if (all.length === 0) {
			return null;
		}
		const group = node("group", `t${machine.id}`, "Threads", { open });
		const busy = this.inContainers(all.filter((n) => n.busy > 0));
		const quiet = all.filter((n) => n.busy <= 0);
		adopt(group, busy.slice(0, MANY_THREADS));
		addFolded(group, `u${machine.id}`, "More threads", busy.slice(MANY_THREADS));
		addFolded(group, `q${machine.id}`, "Threads that never ran", quiet);
		group.note = `${this.rows.threads.filter((t) => t.machine === machine.id).length}`;
		return group;
	}
}

function addFolded(
	group: TreeNode,
	key: RowKey,
	name: string,
	nodes: readonly TreeNode[],
): void {
	if (nodes.length > 0) {
		const folded = node("group", key, name, { note: String(nodes.length), open: false });
		adopt(folded, nodes);
		adopt(group, [folded]);
	}
}

function settleProcess(process: TreeNode): void {
	process.children.sort((a, b) => b.busy - a.busy);
	process.busy += process.children.reduce((all, child) => all + child.busy, 0);
	process.open = process.children.length <= 4;
}

/** How busy all in it is; the busiest are shown. */
function settleContainer(container: TreeNode): void {
	for (const child of container.children) {
		if (child.kind === "group" && child.key.startsWith("n")) {
			settleContainer(child);
		}
	}
	container.children.sort((a, b) => b.busy - a.busy);
	container.busy = container.children.reduce((all, child) => all + child.busy, 0);
	addFolded(container, `u${container.key}`, "More threads", container.children.splice(MANY_THREADS));
}

// ---- machines -----------------------------------------------------------------------------------

function vcpuNode(vcpu: Vcpu, states: readonly StateStyle[]): TreeNode {
	return node("vcpu", String(vcpu.id), vcpuName(vcpu), {
		id: vcpu.id,
		output: "vcpus",
		family: "vcpu",
		lost: shareLost(vcpu.times, states),
	});
}

function cpuNode(cpu: Cpu, name: string, note: string): TreeNode {
	return node("cpu", String(cpu.id), name, { note, id: cpu.id, output: "cpus", family: "cpu" });
}

function roleText(machine: Machine, rows: Rows): string {
	const on = rows.machines.find((m) => m.id === machine.parent);
	switch (machine.role) {
		case "guest":
			return on ? `guest on ${on.name}` : "guest";
		case "host+guest":
			return on ? `guest on ${on.name}, host of its own` : "host and guest";
		case "host":
			return "host";
		default:
			return on ? `on ${on.name}` : "";
	}
}

/** What the guest itself saw of a CPU stands below the vCPU that it truly was. */
function addVcpus(parent: TreeNode, machine: Machine, rows: Rows, threads: TreeNode | null): void {
	const vcpus = rows.vcpus.filter((v) => v.machine === machine.id);
	const nodes = vcpus.map((vcpu) => {
		const own = vcpuNode(vcpu, rows.states.vcpu);
		const seen = rows.cpus.filter((c) => c.machine === machine.id && c.cpu === vcpu.index);
		adopt(
			own,
			seen.map((cpu) => cpuNode(cpu, `CPU ${cpu.cpu}`, "as the guest saw it")),
		);
		return own;
	});
	const seen = new Set(vcpus.flatMap((v) => v.index ?? []));
	const others = rows.cpus.filter((c) => c.machine === machine.id && !seen.has(c.cpu));
	adopt(parent, nodes);
	adopt(
		parent,
		others.map((cpu) => cpuNode(cpu, `CPU ${cpu.cpu}`, "")),
	);
	if (threads) {
		// With one vCPU all threads are its own; with more they move between them.
		adopt(nodes.length === 1 && nodes[0] ? nodes[0] : parent, [threads]);
	}
}

function machineNode(machine: Machine, rows: Rows, forest: ThreadForest): TreeNode {
	const isGuest = rows.vcpus.some((v) => v.machine === machine.id);
	const own = node("machine", `m${machine.id}`, machine.name, {
		note: roleText(machine, rows),
		id: machine.id,
	});
	addVcpus(own, machine, rows, forest.group(machine, isGuest));
	return own;
}

/** Guests first, since they are what is asked about, each with those that run on it; hosts last. */
function inOrder(rows: Rows): Machine[] {
	const on = (parent: Machine): Machine[] =>
		rows.machines
			.filter((m) => m.parent === parent.id)
			.flatMap((guest) => [guest, ...on(guest)]);
	const tops = rows.machines.filter((m) => m.parent === null);
	return [...tops.flatMap(on), ...tops];
}

/** What belongs to a machine that is not there is shown all the same. */
function withAllMachines(rows: Rows): Rows {
	const known = new Set(rows.machines.map((m) => m.id));
	const named = [...rows.vcpus, ...rows.threads, ...rows.cpus].map((row) => row.machine);
	const missing = [...new Set(named)].filter((id) => !known.has(id));
	const nobody = { role: "", parent: null, begin: null, end: null, time_origin: null };
	const others = missing.map((id) => ({ id, name: "machine ?", ...nobody }));
	return { ...rows, machines: [...rows.machines, ...others] };
}

export function buildTree(given: Rows): Tree {
	const rows = withAllMachines(given);
	const forest = new ThreadForest(rows);
	const byId = new Map<RowId, TreeNode>();
	const byKey = new Map<RowKey, TreeNode>();
	const roots = inOrder(rows)
		.map((machine) => machineNode(machine, rows, forest))
		.filter((root) => root.children.length > 0);
	const index = (n: TreeNode) => {
		byKey.set(n.key, n);
		if (n.output !== null && n.id !== null) {
			byId.set(n.id, n);
		}
		n.children.forEach(index);
	};

	roots.forEach(index);
	return { roots, byId, byKey };
}

/** The machine and what is between: "g1 › vCPU 0". */
export function fullName(of: TreeNode): string {
	const own = of.note && of.kind !== "machine" ? `${of.name} (${of.note})` : of.name;
	let machine = of.parent;
	while (machine?.parent) {
		machine = machine.parent;
	}
	return machine ? `${machine.name} › ${own}` : own;
}

// ---- what is shown ------------------------------------------------------------------------------

export interface Shown {
	node: TreeNode;
	depth: number;
	open: boolean;
}

export interface Choice {
	toggled: readonly RowKey[];
	hidden: readonly RowKey[];
	pinned: readonly RowId[];
	filter: string;
	/** The threads that did anything; without it all count. */
	only?: ReadonlySet<RowId> | null;
	/** Only vCPUs and CPUs, without threads. */
	cores?: boolean;
	/** Rows that lost more of the time that they wanted come first. */
	byLost?: boolean;
	/** The share that rows lost in what is shown; without it that of everything. */
	lost?: ReadonlyMap<RowId, number> | null;
}

/** What a filter and the choice of active threads leave. */
interface Kept {
	keys: ReadonlySet<RowKey>;
	/** What stands above rows that the filter found. */
	above: ReadonlySet<RowKey>;
}

type Keeps = (n: TreeNode, above: string) => boolean;

/**
 * Each word has to be there or in a parent's name, and one of them there. A note counts only with
 * the name that it stands at: "vcpu" is not about the threads that run vCPUs, "kvm vcpu" is.
 */
function namedKeeps(filter: string): Keeps | null {
	const words = filter
		.toLowerCase()
		.split(/\s+/)
		.filter((word) => word !== "");
	const keeps: Keeps = (n, above) => {
		const [name, own] = [n.name.toLowerCase(), n.words.toLowerCase()];
		const all = `${above} ${own}`.toLowerCase();
		const noted = `${all} ${n.note}`.toLowerCase();
		return (
			(words.some((w) => own.includes(w)) && words.every((w) => all.includes(w))) ||
			(words.some((w) => name.includes(w)) && words.every((w) => noted.includes(w)))
		);
	};
	return words.length > 0 ? keeps : null;
}

/** Return: what is to be shown, each with all that it stands below; null: everything. */
function keptRows(tree: Tree, choice: Choice): Kept | null {
	const named = namedKeeps(choice.filter);
	const { only } = choice;
	if (!named && !only && !choice.cores) {
		return null;
	}
	const keys = new Set<RowKey>();
	const above = new Set<RowKey>();
	// A machine or group that is found is kept with all that is in it, as it is folded.
	const visit = (n: TreeNode, text: string, inside: boolean): boolean => {
		const isRow = n.output !== null;
		const quiet = only && n.kind === "thread" && !only.has(n.id as RowId);
		const coreless = choice.cores && n.kind !== "vcpu" && n.kind !== "cpu";
		const hit = !named || named(n, text);
		const own = !quiet && !coreless && (isRow || !only) && (hit || inside);
		const within = inside || (hit && !isRow);
		const below = n.children.map((c) => visit(c, `${text} ${n.words}`, within)).some(Boolean);
		if (own || below) {
			keys.add(n.key);
		}
		if (below && !within) {
			above.add(n.key);
		}
		return own || below;
	};
	tree.roots.forEach((root) => visit(root, "", false));
	return { keys, above: named ? above : new Set() };
}

/** The worst first; with null as they are. */
function inOrderOf(
	nodes: readonly TreeNode[],
	lost: ((n: TreeNode) => number) | null,
): readonly TreeNode[] {
	return lost ? [...nodes].sort((a, b) => lost(b) - lost(a)) : nodes;
}

/** The rows to draw, from the top: pinned ones, and the others. */
export function shownRows(tree: Tree, choice: Choice): { pinned: Shown[]; rows: Shown[] } {
	const toggled = new Set(choice.toggled);
	const hidden = new Set(choice.hidden);
	const kept = keptRows(tree, choice);
	const rows: Shown[] = [];
	// What a filter found is shown, however deep it was folded away.
	const found = (n: TreeNode) => kept?.above.has(n.key);
	const lost = (n: TreeNode) => choice.lost?.get(n.id as RowId) ?? (choice.lost ? 0 : n.lost);
	// When few threads are left there is no need to fold the less busy ones.
	const opens = (n: TreeNode) => n.open || (Boolean(choice.only) && n.parent?.kind === "group");
	const visit = (n: TreeNode, depth: number) => {
		if (hidden.has(n.key) || (kept && !kept.keys.has(n.key))) {
			return;
		}
		const has = n.children.some((child) => !kept || kept.keys.has(child.key));
		const open = has && (found(n) || opens(n) !== toggled.has(n.key));
		rows.push({ node: n, depth, open });
		if (open) {
			inOrderOf(n.children, choice.byLost ? lost : null).forEach((child) =>
				visit(child, depth + 1),
			);
		}
	};

	const worst = (root: TreeNode) => Math.max(0, ...root.children.map(lost));
	inOrderOf(tree.roots, choice.byLost ? worst : null).forEach((root) => visit(root, 0));
	const pinned = choice.pinned
		.map((id) => tree.byId.get(id))
		.filter((n): n is TreeNode => n !== undefined)
		.map((n) => ({ node: n, depth: 0, open: false }));
	return { pinned, rows };
}

/** Return: what `toggled` must be so that a row deep in the tree is shown. */
export function revealed(tree: Tree, id: RowId, toggled: readonly RowKey[]): readonly RowKey[] {
	const closed: RowKey[] = [];
	for (let n = tree.byId.get(id)?.parent; n; n = n.parent) {
		if (n.open === toggled.includes(n.key)) {
			closed.push(n.key);
		}
	}
	if (closed.length === 0) {
		return toggled;
	}
	return [
		...toggled.filter((key) => !closed.includes(key)),
		...closed.filter((key) => !toggled.includes(key)),
	];
}
