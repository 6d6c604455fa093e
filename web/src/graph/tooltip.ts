// What is under the pointer, in words.

import type { Lane } from "../api";
import { Truth } from "../api";
import { formatDuration, formatTime, type TimeLine } from "../time";
import type { Clock } from "../view";
import type { Paint } from "./palette";
import { stateEnd, stateLabel } from "./pixels";
import { fullName, type TreeNode } from "./tree";

const OFFSET = 14;

export interface TooltipScene {
	node: TreeNode;
	lane: Lane;
	/** The state's number in the lane. */
	i: number;
	paint: Paint;
	clock: Clock;
	line: TimeLine;
	/** In the host element. */
	x: number;
	y: number;
}

function line(className: string, text: string): HTMLElement {
	const made = document.createElement("div");
	made.className = className;
	made.textContent = text;
	return made;
}

function truthText(truth: number): string {
	switch (truth) {
		case Truth.Gathered:
			return "one of several here: zoom in to see all";
		case Truth.Share:
			return "about this share of what is here: zoom in to see all";
		default:
			return "";
	}
}

export class Tooltip {
	private readonly root = document.createElement("div");

	constructor(private readonly host: HTMLElement) {
		this.root.className = "tooltip";
		this.root.hidden = true;
		host.append(this.root);
	}

	hide(): void {
		this.root.hidden = true;
	}

	show(scene: TooltipScene): void {
		const { lane, i, paint } = scene;
		const label = stateLabel(lane, i);
		const begin = lane.begin[i] as number;
		const length = formatDuration(stateEnd(lane, i) - begin);
		const title = line("title", "");
		const mark = line(paint.low ? "mark low" : paint.unknown ? "mark unknown" : "mark", "");
		const name = document.createElement("b");
		mark.style.setProperty("--color", paint.color);
		name.textContent = paint.name;
		title.append(mark, name, label ? ` ${label}` : "");
		const lines = [
			title,
			line("help", paint.help),
			line("when", `${length} from ${formatTime(scene.clock, scene.line, begin)}`),
			line("row", fullName(scene.node)),
		];
		const truth = truthText(lane.truth[i] as number);
		this.root.replaceChildren(...lines, ...(truth ? [line("truth", truth)] : []));
		this.root.hidden = false;
		this.place(scene.x, scene.y);
	}

	/** Beside the pointer, within the host. */
	private place(x: number, y: number): void {
		const { offsetWidth: w, offsetHeight: h } = this.root;
		const left = x + OFFSET + w > this.host.clientWidth ? x - OFFSET - w : x + OFFSET;
		const top = y + OFFSET + h > this.host.clientHeight ? y - OFFSET - h : y + OFFSET;
		this.root.style.transform = `translate(${Math.max(left, 0)}px, ${Math.max(top, 0)}px)`;
	}
}
