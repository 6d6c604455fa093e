// What is asked of the server once what is looked at has settled, and given up when that changes.

import { isAbort } from "../api";

export class Deferred {
	private timer: ReturnType<typeof setTimeout> | undefined;
	private stop: AbortController | null = null;
	private asked = "";
	private pending: Promise<void> = Promise.resolve();

	constructor(private readonly settleMs: number) {}

	close(): void {
		clearTimeout(this.timer);
		this.stop?.abort();
	}

	/** Resolves when what was wanted last is known. */
	settled(): Promise<void> {
		return this.pending;
	}

	/**
	 * Return: whether this is something else than what was wanted last, which is given up then.
	 * key: names it; "": nothing.
	 */
	turnsTo(key: string): boolean {
		if (key === this.asked) {
			return false;
		}
		this.asked = key;
		this.close();
		return true;
	}

	/** Asks a moment later. failed: there is no answer, but not for being given up. */
	ask(load: (signal: AbortSignal) => Promise<void>, failed: () => void): void {
		const stop = new AbortController();
		this.stop = stop;
		this.pending = new Promise((resolve) => {
			stop.signal.addEventListener("abort", () => resolve());
			const run = () =>
				load(stop.signal).catch((e: unknown) => {
					if (!isAbort(e)) {
						failed();
					}
				});
			this.timer = setTimeout(() => void run().then(resolve), this.settleMs);
		});
	}

	/** The same thing is asked for again when it is wanted again. */
	forget(): void {
		this.asked = "";
	}
}
