// Export of the view: the rows that are open, in the range that is shown, as PNG, SVG or CSV.

import type { ExperimentApi, GraphOutput, Lane, RowId } from "../api";
import { rowsInUse } from "../graph/activity";
import type { Palette } from "../graph/palette";
import { shownRows, type Shown, type Tree } from "../graph/tree";
import type { Session } from "../session";
import { formatDuration, formatTime, type TimeLine } from "../time";
import { toCsv } from "./csv";
import { download } from "./dom";
import { COLUMNS, STATE_COLUMNS, stateLines, toSvg, type Picture } from "./picture";

export type Format = "png" | "svg" | "csv";

/** More rows make no picture. */
const ROWS_AT_MOST = 200;
/** The PNG's, for sharp screens. */
const SCALE = 2;

export interface Exported {
	api: ExperimentApi;
	tree: Tree;
	palette: Palette;
	name: string;
	line: TimeLine;
}

async function loadLanes(
	what: Exported,
	session: Session,
	rows: readonly Shown[],
	labels: boolean,
): Promise<Map<RowId, Lane>> {
	const byOutput = new Map<GraphOutput, RowId[]>();
	for (const { node } of rows) {
		if (node.output && node.id !== null) {
			byOutput.set(node.output, [...(byOutput.get(node.output) ?? []), node.id]);
		}
	}
	const { range } = session.view.state;
	const asked = [...byOutput].map(([output, items]) =>
		what.api.lanes(output, range, COLUMNS, items, undefined, labels),
	);
	return new Map((await Promise.all(asked)).flat().map((lane) => [lane.row, lane]));
}

/** `labels`: short states have theirs, too. */
async function gather(what: Exported, session: Session, labels: boolean): Promise<Picture> {
	const { state } = session.view;
	const only = await rowsInUse(what.api, what.palette.states.thread, state);
	const shown = shownRows(what.tree, { ...state, only });
	const rows = [...shown.pinned, ...shown.rows].slice(0, ROWS_AT_MOST);
	const style = getComputedStyle(document.documentElement);
	const color = (name: string) => style.getPropertyValue(name).trim();
	const { start, end } = state.range;
	const from = formatTime(state.clock, what.line, start);
	return {
		title: `${what.name}: ${formatDuration(end - start)} from ${from}`,
		line: what.line,
		clock: state.clock,
		range: state.range,
		rows,
		lanes: await loadLanes(what, session, rows, labels),
		palette: what.palette,
		colors: {
			ground: color("--ground"),
			text: color("--text"),
			quiet: color("--quiet"),
			grid: color("--grid"),
		},
	};
}

async function toPng(svg: string, width: number, height: number): Promise<Blob> {
	const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
	try {
		const image = new Image();
		image.src = url;
		await image.decode();
		const canvas = document.createElement("canvas");
		canvas.width = width * SCALE;
		canvas.height = height * SCALE;
		canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
		const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
		if (!blob) {
			throw new Error("The picture is too large for this browser");
		}
		return blob;
	} finally {
		URL.revokeObjectURL(url);
	}
}

/** Throws what the page then says. */
export async function exportView(format: Format, what: Exported, session: Session): Promise<void> {
	const picture = await gather(what, session, format === "csv");
	const name = `vmscope-${what.name.replace(/[^\w.-]+/g, "-")}.${format}`;
	if (format === "csv") {
		download(name, new Blob([toCsv(STATE_COLUMNS, stateLines(picture))], { type: "text/csv" }));
		return;
	}
	const { svg, width, height } = toSvg(picture);
	const blob =
		format === "svg"
			? new Blob([svg], { type: "image/svg+xml" })
			: await toPng(svg, width, height);
	download(name, blob);
}
