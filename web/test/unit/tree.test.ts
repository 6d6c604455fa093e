import assert from "node:assert/strict";
import { test } from "node:test";

import type { Rows, StateSet, StateStyle, Thread } from "../../src/api";
import { layoutRows, rowHeight, rowOffset } from "../../src/graph/layout";
import { Matcher } from "../../src/graph/match";
import { Palette } from "../../src/graph/palette";
import { buildTree, fullName, revealed, shownRows, type Choice } from "../../src/graph/tree";

const KIND = 2 ** 26;
const SETS: Record<string, StateSet[]> = {
	unknown: ["unknown"],
	guest: ["ran"],
	user: ["ran", "charged"],
	vm: ["ran"],
	preempted: ["taken", "lost"],
	stolen: ["taken", "lost", "charged"],
	blocked: ["idle"],
	idle: ["idle"],
};
const style = (name: string): StateStyle => ({
	name,
	help: "",
	color: "#123456",
	sets: SETS[name] ?? [],
});
const open: Choice = { toggled: [], hidden: [], pinned: [], filter: "" };

function thread(
	n: number,
	machine: number,
	comm: string,
	ran: number,
	rest: Partial<Thread> = {},
): Thread {
	const own = { id: 2 * KIND + n, machine, process: machine, tid: n, pid: n, comm, vcpu: null, container: null };
	return { ...own, times: [0, ran, 0], ...rest };
}

/** A host with a guest of two vCPUs, another of one, and a guest within the first one. */
function recording(): Rows {
	return {
		machines: [
			{ id: 0, name: "web", role: "guest", parent: 2, begin: 0, end: 100, time_origin: "epoch" },
			{ id: 1, name: "inner", role: "guest", parent: 3, begin: 0, end: 100, time_origin: "epoch" },
			{ id: 2, name: "host", role: "host", parent: null, begin: 0, end: 100, time_origin: "epoch" },
			{ id: 3, name: "n1", role: "host+guest", parent: 2, begin: 0, end: 100, time_origin: "epoch" },
		],
		vcpus: [
			{ id: KIND, machine: 0, index: 0, host: 2, tid: 10, times: [0, 60, 40] },
			{ id: KIND + 1, machine: 0, index: 1, host: 2, tid: 11, times: [0, 0, 0] },
			{ id: KIND + 2, machine: 3, index: 0, host: 2, tid: 12, times: [0, 1, 0] },
			{ id: KIND + 3, machine: 1, index: 0, host: 3, tid: 13, times: [0, 1, 0] },
		],
		threads: [
			thread(1, 0, "init", 5),
			thread(2, 0, "nginx", 50),
			thread(3, 0, "worker", 70, { process: 2 * KIND + 2, pid: 2 }),
			thread(4, 0, "kthreadd", 0),
			thread(5, 3, "qemu", 9),
			thread(10, 2, "CPU 0/KVM", 90, { vcpu: KIND }),
		],
		cpus: [
			{ id: 3 * KIND, machine: 0, cpu: 0, times: [] },
			{ id: 3 * KIND + 1, machine: 2, cpu: 0, times: [] },
			{ id: 3 * KIND + 2, machine: 2, cpu: 1, times: [] },
		],
		containers: [],
		warnings: [],
		states: {
			vcpu: [style("unknown"), style("guest"), style("preempted")],
			thread: [style("unknown"), style("user"), style("blocked")],
			cpu: [style("unknown"), style("idle"), style("vm")],
		},
	};
}

function names(choice: Partial<Choice> = {}): string[] {
	const { rows } = shownRows(buildTree(recording()), { ...open, ...choice });
	return rows.map((row) => `${" ".repeat(row.depth)}${row.node.name}`);
}

test("threads in containers stand below them, and containers below those that they are in", () => {
	const rows = recording();
	rows.containers = [
		{ id: 0, machine: 0, parent: 1, name: "inner" },
		{ id: 1, machine: 0, parent: null, name: "outer" },
		{ id: 2, machine: 0, parent: 3, name: "circle" },
		{ id: 3, machine: 0, parent: 2, name: "round" },
	];
	rows.threads.push(
		thread(30, 0, "app", 500, { container: 0 }),
		thread(31, 0, "sidecar", 1, { container: 1 }),
		thread(32, 0, "lost", 7, { container: 2 }),
		thread(33, 0, "asleep", 0, { container: 1 }),
	);
	const tree = buildTree(rows);
	const path = (n: number) => {
		const names = [];
		for (let at = tree.byId.get(2 * KIND + n)?.parent; at; at = at.parent) {
			names.push(at.name);
		}
		return names;
	};

	assert.deepEqual(path(30), ["inner", "outer", "Threads", "web"]);
	assert.deepEqual(path(31), ["outer", "Threads", "web"]);
	assert.deepEqual(path(32), ["circle", "Threads", "web"]);
	assert.deepEqual(path(33), ["Threads that never ran", "Threads", "web"]);
	const outer = tree.byKey.get("n1");
	assert.equal(outer?.busy, 501);
	assert.deepEqual(
		outer?.parent?.children.slice(0, 2).map((n) => n.name),
		["outer", "nginx"],
	);
	const filtered = shownRows(tree, { ...open, filter: "inner" }).rows.map((s) => s.node.name);
	assert.ok(filtered.includes("app") && !filtered.includes("sidecar"), filtered.join());
});

test("what has no number says so", () => {
	const rows = recording();
	rows.vcpus[0] = { ...rows.vcpus[0]!, index: null, tid: 10 };
	rows.vcpus[1] = { ...rows.vcpus[1]!, index: null, tid: null };
	rows.threads.push(thread(20, 2, "lost", 1, { tid: null, pid: null }));
	const tree = buildTree(rows);

	assert.equal(tree.byId.get(KIND)?.name, "vCPU thread 10");
	assert.equal(tree.byId.get(KIND + 1)?.name, "vCPU ?");
	assert.equal(tree.byId.get(2 * KIND + 20)?.note, "");
	assert.match(tree.byId.get(2 * KIND + 10)?.note ?? "", /web vCPU thread 10/);
});

test("guests come first, each with those that run on it, and the host last", () => {
	const machines = buildTree(recording()).roots.map((root) => root.name);
	assert.deepEqual(machines, ["web", "n1", "inner", "host"]);
});

test("machines have vCPUs, what the guest saw of them, and threads with the busiest process first", () => {
	assert.deepEqual(names().slice(0, 10), [
		"web",
		" vCPU 0",
		"  CPU 0",
		" vCPU 1",
		" Threads",
		"  nginx",
		"   worker",
		"  init",
		"  Threads that never ran",
		"n1",
	]);
	// The only vCPU has the threads below it; a host's are folded away.
	assert.deepEqual(names().slice(9, 13), ["n1", " vCPU 0", "  Threads", "   qemu"]);
	assert.deepEqual(names().slice(-4), ["host", " CPU 0", " CPU 1", " Threads"]);
});

test("the thread that is a vCPU says which, and a row its machine", () => {
	const tree = buildTree(recording());
	const kvm = tree.byId.get(2 * KIND + 10);
	assert.equal(kvm?.note, "web vCPU 0");
	assert.equal(kvm && fullName(kvm), "host › CPU 0/KVM (web vCPU 0)");
});

test("a row says how much of the time that it wanted it lost", () => {
	const tree = buildTree(recording());
	assert.equal(tree.byId.get(KIND)?.lost, 0.4);
	assert.equal(tree.byId.get(KIND + 1)?.lost, 0);
});

test("a filter keeps what it matches with what that stands below, however deep it was folded", () => {
	assert.deepEqual(names({ filter: "KTHREAD" }), [
		"web",
		" Threads",
		"  Threads that never ran",
		"   kthreadd",
	]);
	// What does not match itself is dropped, threads of a vCPU's among it.
	assert.deepEqual(names({ filter: "web vcpu" }), ["web", " vCPU 0", " vCPU 1"]);
	assert.deepEqual(names({ filter: "vCPU" }), [
		...["web", " vCPU 0", " vCPU 1"],
		...["n1", " vCPU 0", "inner", " vCPU 0"],
	]);
	// A machine is kept with all it has.
	assert.ok(names({ filter: "web" }).includes("  nginx"));
	assert.deepEqual(names({ filter: "no such thing" }), []);
});

test("vCPUs and CPUs alone, and the worst first", () => {
	assert.deepEqual(names({ cores: true }).slice(0, 4), ["web", " vCPU 0", "  CPU 0", " vCPU 1"]);
	assert.ok(!names({ cores: true }).some((name) => /nginx|Threads/.test(name)));
	const lost = new Map([[KIND + 1, 0.5]]);
	assert.deepEqual(names({ cores: true, byLost: true, lost }).slice(0, 3), [
		...["web", " vCPU 1", " vCPU 0"],
	]);
});

test("threads that did nothing are left out, the others come out of their folds", () => {
	const only = new Set([2 * KIND + 3, 2 * KIND + 4]);
	assert.deepEqual(names({ only }).slice(0, 8), [
		"web",
		" vCPU 0",
		"  CPU 0",
		" vCPU 1",
		" Threads",
		"  nginx",
		"   worker",
		"  Threads that never ran",
	]);
	assert.deepEqual(names({ only }).slice(8, 9), ["   kthreadd"]);
	// A group with nothing left is gone, and what a reader closed stays closed.
	assert.ok(!names({ only }).some((name) => name.trim() === "qemu"));
	assert.deepEqual(names({ only, toggled: ["t0"] }).slice(4, 6), [" Threads", "n1"]);
});

test("a filter finds the host thread of a vCPU by the vCPU's name", () => {
	assert.ok(names({ filter: "kvm web vcpu" }).includes("  CPU 0/KVM"));
});

test("rows fold, hide and are pinned", () => {
	assert.deepEqual(names({ toggled: ["m0"], hidden: ["m3", "m1"] }), [
		"web",
		"host",
		" CPU 0",
		" CPU 1",
		" Threads",
	]);
	const tree = buildTree(recording());
	const { pinned } = shownRows(tree, { ...open, pinned: [KIND + 1, 12345, 3 * KIND + 1] });
	assert.deepEqual(
		pinned.map((row) => row.node.id),
		[KIND + 1, 3 * KIND + 1],
	);
});

test("a selected row is brought out of what it was folded into, and no more is opened", () => {
	const tree = buildTree(recording());
	const id = 2 * KIND + 4;
	const toggled = revealed(tree, id, ["m0"]);
	assert.ok(shownRows(tree, { ...open, toggled }).rows.some((row) => row.node.id === id));
	assert.deepEqual(toggled, [tree.byId.get(id)?.parent?.key]);
	assert.equal(revealed(tree, id, toggled), toggled);
});

test("threads of a process whose first thread is not known stand below it all the same", () => {
	const rows = recording();
	rows.threads.push(thread(21, 0, "a", 1, { process: 4 * KIND + 21, pid: 20 }));
	rows.threads.push(thread(22, 0, "b", 2, { process: 4 * KIND + 21, pid: 20 }));
	const tree = buildTree(rows);
	assert.equal(tree.byId.get(2 * KIND + 21)?.parent, tree.byId.get(2 * KIND + 22)?.parent);
	assert.equal(tree.byId.get(2 * KIND + 21)?.parent?.name, "a");
	assert.equal(tree.byId.get(2 * KIND + 21)?.parent?.note, "process 20");
});

test("what belongs to no machine that is known is shown all the same", () => {
	const rows = { ...recording(), machines: [] };
	const tree = buildTree(rows);
	const lanes = rows.vcpus.length + rows.threads.length + rows.cpus.length;
	assert.equal(tree.byId.size, lanes);
	assert.ok(shownRows(tree, open).rows.some((row) => row.node.id === KIND + 1));
});

test("only what is in the viewport is placed; pinned rows stay at the top", () => {
	const tree = buildTree(recording());
	const { pinned, rows } = shownRows(tree, { ...open, pinned: [KIND] });
	const all = layoutRows(pinned, rows, 0, 10_000);
	const some = layoutRows(pinned, rows, 100, 200);
	assert.equal(all.placed.length, rows.length + 1);
	assert.equal(all.total, all.pinnedHeight + rows.reduce((sum, row) => sum + rowHeight(row), 0));
	assert.equal(some.placed[0]?.y, 0);
	assert.ok(some.placed.length < all.placed.length);
	for (const row of some.placed.slice(1)) {
		assert.ok(row.y + row.height > some.pinnedHeight && row.y < 200);
		assert.equal(row.y, some.pinnedHeight + rowOffset(rows, row.node.key) - 100);
	}
});

test("a search is about rows by name, or states by label, state and length", () => {
	const rows = recording();
	const tree = buildTree(rows);
	const palette = new Palette(rows.states, false, "#ffffff");
	const lane = {
		row: KIND,
		begin: Float64Array.of(0, 10, 100),
		state: Uint8Array.of(1, 2, 2),
		label: Uint16Array.of(1, 0, 2),
		truth: Uint8Array.of(0, 0, 0),
		end: 105,
		labels: ["NPF", "qemu by nginx"],
	};
	const vcpu = tree.byId.get(KIND);
	const nginx = tree.byId.get(2 * KIND + 2);
	assert.ok(vcpu && nginx);
	const matches = (text: string, states: string[], min: number) => {
		const match = new Matcher({ text, states, min }, palette, tree).of(vcpu);
		return [0, 1, 2].map((i) => match?.(lane, i));
	};
	assert.deepEqual(matches("", ["preempted"], 0), [false, true, true]);
	assert.deepEqual(matches("", ["preempted"], 50), [false, true, false]);
	assert.deepEqual(matches("NGINX", [], 0), [false, false, true]);
	assert.deepEqual(matches("vcpu 0", ["guest"], 0), [true, false, false]);
	const search = new Matcher({ text: "nginx", states: [], min: 0 }, palette, tree);
	assert.deepEqual([search.dims(vcpu), search.dims(nginx)], [true, false]);
});

test("what was taken has an edge, what idles is a line, what is unknown is left open", () => {
	const rows = recording();
	const palette = new Palette(rows.states, true, "#13171e");
	const taken = palette.named("vcpu", "preempted");
	const idle = palette.named("cpu", "idle");
	assert.ok(taken && idle);
	assert.notEqual(taken.edge, taken.full);
	assert.equal(idle.low, true);
	assert.equal(idle.full, 0);
	assert.notEqual(idle.middle, 0);
	assert.equal(palette.named("vcpu", "unknown")?.full, 0);
});
