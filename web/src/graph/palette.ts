// How states look. The colours are the server's, which mean the same everywhere; here they are
// fitted to the theme and made ready to be written into pixel buffers.
//
// What keeps the eye where it matters: states in which nothing goes on are drawn as a thin line,
// all others fill the row.
// What was taken from a vCPU or thread has a dark edge as well, so that it is told from what ran
// without its hue, too.

import { isIn, type Family, type StateStyle } from "../api";

/** Index of a dimmed state's paint: its state plus this. No family has more states. */
export const DIMMED = 16;

export interface Paint {
	name: string;
	help: string;
	/** CSS colour, as drawn. */
	color: string;
	/** CSS colour of text on it. */
	ink: string;
	/** Drawn as a line in the middle of the row. */
	low: boolean;
	/** Taken from a vCPU or thread. */
	taken: boolean;
	/** Not known: its place is hatched. */
	unknown: boolean;
	/**
	 * Pixels (see `pixel`) over the row's height, in the middle, and at its lower edge; 0:
	 * nothing.
	 */
	full: number;
	middle: number;
	edge: number;
}

type Rgb = readonly [number, number, number];

export function parseColor(text: string): Rgb {
	const n = /^#[0-9a-f]{6}$/i.test(text) ? parseInt(text.slice(1), 16) : 0x808080;
	return [n >> 16, (n >> 8) & 255, n & 255];
}

export function cssColor([r, g, b]: Rgb): string {
	return `#${((r << 16) | (g << 8) | b).toString(16).padStart(6, "0")}`;
}

/**
 * An opaque pixel of a canvas's buffer seen as 32-bit words. Browsers run on little-endian
 * machines.
 */
export function pixel([r, g, b]: Rgb): number {
	return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
	const part = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * share);
	return [part(0), part(1), part(2)];
}

/** 0 black to 1 white, as bright as it looks. */
export function luminance([r, g, b]: Rgb): number {
	const linear = (v: number) =>
		v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
	return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** Greys say that nothing goes on: on a dark page they are dark, and on a light one light. */
function themed(color: Rgb, dark: boolean): Rgb {
	const [low, high] = [Math.min(...color), Math.max(...color)];
	if (!dark || high - low > 24) {
		return color;
	}
	const grey = Math.round(70 + (255 - high) * 0.45);
	return [grey, grey + 2, grey + 6];
}

function makePaint(style: StateStyle, dark: boolean, ground: Rgb, dimmed: boolean): Paint {
	const own = themed(parseColor(style.color), dark);
	const color = dimmed ? mix(own, ground, 0.82) : own;
	const nothing = isIn(style, "absent", "unknown");
	const low = isIn(style, "idle", "asleep");
	const taken = isIn(style, "taken");
	const edge = mix(color, dark ? [255, 255, 255] : [0, 0, 0], 0.55);
	return {
		name: style.name,
		help: style.help,
		color: nothing ? cssColor(ground) : cssColor(color),
		ink: luminance(color) > 0.2 ? "#10151c" : "#ffffff",
		low,
		taken,
		unknown: isIn(style, "unknown"),
		full: nothing || low ? 0 : pixel(color),
		middle: nothing ? 0 : pixel(color),
		edge: taken && !dimmed ? pixel(edge) : nothing || low ? 0 : pixel(color),
	};
}

/**
 * All paints of a family: `paints[state]`, and `paints[state + DIMMED]` where a search does not
 * match.
 */
export type Paints = readonly (Paint | undefined)[];

export class Palette {
	private readonly families = new Map<Family, Paints>();

	/** `ground`: the page's colour behind the rows. */
	constructor(
		readonly states: Record<Family, StateStyle[]>,
		readonly dark: boolean,
		readonly ground: string,
	) {
		const behind = parseColor(ground);
		for (const family of ["vcpu", "thread", "cpu"] as const) {
			const paints: Paint[] = [];
			states[family].slice(0, DIMMED).forEach((style, i) => {
				paints[i] = makePaint(style, dark, behind, false);
				paints[i + DIMMED] = makePaint(style, dark, behind, true);
			});
			this.families.set(family, paints);
		}
	}

	of(family: Family): Paints {
		return this.families.get(family) ?? [];
	}

	paint(family: Family, state: number): Paint | undefined {
		return this.of(family)[state];
	}

	/** For those who know states by their names only. */
	named(family: Family, state: string): Paint | undefined {
		return this.of(family).find((paint) => paint?.name === state);
	}
}
