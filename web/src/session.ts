// One experiment after the other, as the view names them: finds it among those of the server, waits
// until it is analyzed, and has its rows. Everybody who needs data asks here.

import {
	ApiError,
	ExperimentApi,
	isAbort,
	listExperiments,
	type Experiment,
	type Rows,
} from "./api";
import { findRecordings, showing } from "./recordings";
import type { View } from "./view";

const POLL_MS = 500;
const RETRY_MS = 2000;

export type Phase =
	/** Asking the server. */
	| { kind: "connecting" }
	/** None is chosen, or there is none. */
	| { kind: "choose" }
	/** It is being analyzed. */
	| { kind: "running"; experiment: Experiment }
	| { kind: "ready"; experiment: Experiment; api: ExperimentApi; rows: Rows }
	/** `lost`: the server is gone, and is asked again. */
	| { kind: "failed"; message: string; lost: boolean };

export class Session {
	phase: Phase = { kind: "connecting" };
	experiments: readonly Experiment[] = [];
	private listeners = new Set<(phase: Phase) => void>();
	private timer: ReturnType<typeof setTimeout> | undefined;
	private stop: AbortController | null = null;

	constructor(readonly view: View) {
		view.subscribe((_, changed) => {
			if (changed.has("experiment")) {
				this.load();
			}
		});
	}

	/** Return: what ends it. */
	subscribe(listener: (phase: Phase) => void): () => void {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}

	/** Asks the server, again if need be. Answers come by `subscribe`. */
	load(): void {
		this.stop?.abort();
		clearTimeout(this.timer);
		this.stop = new AbortController();
		this.find(this.stop.signal).catch((e: unknown) => this.failed(e));
	}

	private async find(signal: AbortSignal): Promise<void> {
		this.experiments = await listExperiments(signal);
		const wanted = this.view.state.experiment;
		const only =
			wanted === "" && this.experiments.length === 1 ? this.experiments[0] : undefined;
		const { content } = this.view.state;
		const experiment =
			this.experiments.find((e) => e.id === wanted) ??
			this.experiments.find((e) => content !== "" && e.content === content) ??
			only;

		if (!experiment) {
			const gone = wanted !== "";
			this.enter(
				gone
					? { kind: "failed", message: "This experiment is not open", lost: false }
					: { kind: "choose" },
			);
		} else if (experiment.id !== wanted) {
			// The change comes back as another load.
			this.view.start({ experiment: experiment.id });
		} else if (experiment.status === "FAILED") {
			this.enter({
				kind: "failed",
				message: experiment.message || "It could not be analyzed",
				lost: false,
			});
		} else if (experiment.status === "RUNNING") {
			this.enter({ kind: "running", experiment });
			this.timer = setTimeout(() => this.load(), POLL_MS);
		} else {
			await this.open(experiment, signal);
		}
	}

	private async open(experiment: Experiment, signal: AbortSignal): Promise<void> {
		const api = new ExperimentApi(experiment.id);
		const rows = await api.rows(signal);
		const { view } = this;
		const { range } = view.state;
		const recordings = findRecordings(rows);
		const [first] = recordings;
		view.setDuration(experiment.duration);
		view.start({ content: experiment.content });
		// What an address says goes before; nobody has seen anything else, so there is no
		// way back.
		if (first && recordings.length > 1 && range.end <= range.start) {
			view.start(showing(recordings, first, view.state, view.duration));
		}
		this.enter({ kind: "ready", experiment, api, rows });
	}

	private failed(e: unknown): void {
		if (isAbort(e)) {
			return;
		}
		const lost = e instanceof ApiError && (e.status === 0 || e.status === 503);
		this.enter({ kind: "failed", message: e instanceof Error ? e.message : String(e), lost });
		if (lost) {
			this.timer = setTimeout(() => this.load(), RETRY_MS);
		}
	}

	private enter(phase: Phase): void {
		this.phase = phase;
		this.listeners.forEach((listener) => listener(phase));
	}
}
