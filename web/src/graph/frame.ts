// The graph's elements: what stands where. Nothing in them is drawn here.

/** Narrower than this, names say nothing; wider, there is no room for states. */
const NAMES_MIN = 140;
const NAMES_MAX = 560;
const NAMES_STEP = 20;

function add<K extends keyof HTMLElementTagNameMap>(
	parent: HTMLElement,
	tag: K,
	className: string,
): HTMLElementTagNameMap[K] {
	const made = document.createElement(tag);
	made.className = className;
	parent.append(made);
	return made;
}

export class Frame {
	readonly root: HTMLElement;
	readonly clock: HTMLButtonElement;
	readonly active: HTMLButtonElement;
	readonly cores: HTMLButtonElement;
	readonly byLost: HTMLButtonElement;
	readonly overview: HTMLCanvasElement;
	readonly axis: HTMLCanvasElement;
	readonly names: HTMLElement;
	readonly area: HTMLElement;
	readonly rows: HTMLCanvasElement;
	readonly overlay: HTMLCanvasElement;
	readonly notice: HTMLElement;
	/** Its scroll bar is the graph's; inside is nothing but height. */
	readonly scroller: HTMLElement;
	private readonly spacer: HTMLElement;
	private readonly observer: ResizeObserver;
	private readonly stop = new AbortController();
	private silence: ReturnType<typeof setTimeout> | undefined;

	constructor(host: HTMLElement, resized: () => void) {
		this.root = add(host, "div", "time-graph");
		const top = add(this.root, "div", "g-top");
		const corner = add(top, "div", "g-corner");
		const ways = add(corner, "div", "g-ways");
		this.cores = add(ways, "button", "g-active g-cores");
		this.byLost = add(ways, "button", "g-active g-by-lost");
		this.active = add(corner, "button", "g-active");
		this.clock = add(corner, "button", "g-clock");
		const head = add(top, "div", "g-head");
		this.overview = add(head, "canvas", "g-overview");
		this.axis = add(head, "canvas", "g-axis");
		const body = add(this.root, "div", "g-body");
		this.names = add(body, "div", "g-names");
		const split = add(body, "div", "g-split");
		this.area = add(body, "div", "g-area");
		this.rows = add(this.area, "canvas", "g-rows");
		this.overlay = add(this.area, "canvas", "g-overlay");
		this.notice = add(this.area, "div", "g-notice");
		this.scroller = add(body, "div", "g-scroller");
		this.spacer = add(this.scroller, "div", "g-spacer");
		this.label();
		bindSplit(split, this.names);
		this.observer = new ResizeObserver(resized);
		this.observer.observe(this.area);
		this.watchRatio(resized);
	}

	close(): void {
		clearTimeout(this.silence);
		this.stop.abort();
		this.observer.disconnect();
		this.root.remove();
	}

	/**
	 * The browser's own zoom, or another screen, changes how many pixels there are, but no
	 * size.
	 */
	private watchRatio(resized: () => void): void {
		matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener(
			"change",
			() => {
				resized();
				this.watchRatio(resized);
			},
			{ once: true, signal: this.stop.signal },
		);
	}

	private label(): void {
		this.names.setAttribute("role", "tree");
		this.names.setAttribute("aria-label", "Machines, vCPUs, CPUs and threads");
		this.names.tabIndex = 0;
		this.cores.textContent = "vCPUs and CPUs only";
		this.cores.title = "Leave out all threads (v)";
		this.byLost.textContent = "Worst first";
		this.byLost.title = "Rows that lost most of the time that they wanted come first (r)";
		this.active.textContent = "Only active threads";
		this.active.title = "Leave out threads that do nothing in the time that is shown (e)";
		this.rows.setAttribute("role", "img");
		this.rows.setAttribute("aria-label", "What each row did over time");
		this.overview.title =
			"The whole recording: how often states changed, and in orange the share of time stolen";
		this.notice.setAttribute("role", "status");
		this.scroller.tabIndex = -1;
	}

	get width(): number {
		return this.area.clientWidth;
	}

	get height(): number {
		return this.area.clientHeight;
	}

	/** Charts under the graph have the same margins, so that times are below each other. */
	publishMargins(): void {
		const style = document.documentElement.style;
		const outer = this.root.getBoundingClientRect();
		const inner = this.area.getBoundingClientRect();
		style.setProperty("--graph-left", `${inner.left - outer.left}px`);
		style.setProperty("--graph-right", `${outer.right - inner.right}px`);
	}

	setScrollHeight(height: number): void {
		this.spacer.style.height = `${height}px`;
	}

	/** Until something else is said, or for a while. */
	say(text: string, forMs = Infinity): void {
		clearTimeout(this.silence);
		this.notice.textContent = text;
		if (forMs < Infinity) {
			this.silence = setTimeout(() => (this.notice.textContent = ""), forMs);
		}
	}
}

/** The border between names and states is moved with the pointer or the arrow keys. */
function bindSplit(split: HTMLElement, names: HTMLElement): void {
	const set = (width: number) => {
		const w = Math.round(Math.min(Math.max(width, NAMES_MIN), NAMES_MAX));
		document.documentElement.style.setProperty("--names-width", `${w}px`);
		split.setAttribute("aria-valuenow", String(w));
	};
	split.tabIndex = 0;
	split.setAttribute("role", "separator");
	split.setAttribute("aria-orientation", "vertical");
	split.setAttribute("aria-label", "Width of the names");
	split.setAttribute("aria-valuemin", String(NAMES_MIN));
	split.setAttribute("aria-valuemax", String(NAMES_MAX));
	split.setAttribute("aria-valuenow", String(names.offsetWidth || NAMES_MIN));
	split.addEventListener("pointerdown", (e) => split.setPointerCapture(e.pointerId));
	split.addEventListener("pointermove", (e) => {
		if (split.hasPointerCapture(e.pointerId)) {
			set(e.clientX - names.getBoundingClientRect().left);
		}
	});
	split.addEventListener("keydown", (e) => {
		const by = e.key === "ArrowLeft" ? -NAMES_STEP : e.key === "ArrowRight" ? NAMES_STEP : 0;
		if (by !== 0) {
			e.preventDefault();
			e.stopPropagation();
			set(names.offsetWidth + by);
		}
	});
}
