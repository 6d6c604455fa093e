// Drives a headless Chromium by its DevTools protocol over a pipe: no package, no driver, no port.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
	"--headless",
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
	"--disable-extensions",
	"--disable-dev-shm-usage",
	"--hide-scrollbars=false",
	"--force-color-profile=srgb",
	"--remote-debugging-pipe",
];
const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const ANSWER_MS = 30_000;

/** Keys that are not what they type; the numbers are Windows's. */
const KEY_CODES = {
	Enter: 13,
	Escape: 27,
	ArrowLeft: 37,
	ArrowUp: 38,
	ArrowRight: 39,
	ArrowDown: 40,
	Tab: 9,
	Home: 36,
};
const MODIFIERS = { Alt: 1, Control: 2, Meta: 4, Shift: 8 };
const BUTTONS = { left: 1, right: 2, middle: 4 };

/** Return: the path of a Chromium, or null. */
export function findChromium() {
	return [process.env.CHROMIUM, ...PROGRAMS].find((path) => path && existsSync(path)) ?? null;
}

export function sleep(ms) {
	return new Promise((done) => setTimeout(done, ms));
}

/** A browser with one page. */
export class Browser {
	/** What the page said to the console, threw, or was refused by its own security policy. */
	complaints = [];
	downloads = [];
	#child;
	#dir;
	#session;
	#next = 1;
	#waiting = new Map();
	#listeners = new Map();
	#held = "";
	#pressed = 0;

	static async start({ width = 1280, height = 800, program = findChromium() } = {}) {
		const browser = new Browser();
		browser.#dir = mkdtempSync(join(tmpdir(), "vmscope-chromium-"));
		browser.#child = spawn(
			program,
			[
				...FLAGS,
				`--user-data-dir=${browser.#dir}`,
				`--window-size=${width},${height}`,
				"about:blank",
			],
			{
				stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
				env: { ...process.env, HOME: browser.#dir },
			},
		);
		browser.#child.stdio[4].on("data", (data) => browser.#read(data));
		browser.#child.on("exit", () => browser.#fail(new Error("Chromium ended")));
		await browser.#attach();
		await browser.resize(width, height);
		return browser;
	}

	async #attach() {
		const { targetInfos } = await this.#send("Target.getTargets", {}, null);
		const page = targetInfos.find((target) => target.type === "page");
		const { sessionId } = await this.#send(
			"Target.attachToTarget",
			{ targetId: page.targetId, flatten: true },
			null,
		);
		this.#session = sessionId;
		this.on("Runtime.exceptionThrown", ({ exceptionDetails: e }) =>
			this.complaints.push(e.exception?.description ?? e.text),
		);
		this.on("Log.entryAdded", ({ entry }) => {
			if (entry.level === "error" || entry.level === "warning") {
				this.complaints.push(`${entry.source}: ${entry.text} ${entry.url ?? ""}`);
			}
		});
		this.on("Runtime.consoleAPICalled", ({ type, args }) => {
			if (type === "error" || type === "warning" || type === "assert") {
				this.complaints.push(args.map((a) => a.value ?? a.description).join(" "));
			}
		});
		for (const domain of ["Page", "Runtime", "Log", "Network"]) {
			await this.send(`${domain}.enable`);
		}
	}

	async close() {
		const gone = new Promise((done) => this.#child.once("exit", done));
		this.#send("Browser.close", {}, null).catch(() => undefined);
		const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
		await gone;
		clearTimeout(timer);
		rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 });
	}

	// ---- the protocol ----

	#read(data) {
		const parts = (this.#held + data.toString("utf8")).split("\0");
		this.#held = parts.pop();
		for (const part of parts) {
			this.#take(JSON.parse(part));
		}
	}

	#take(message) {
		const waiting = this.#waiting.get(message.id);
		this.#waiting.delete(message.id);
		if (waiting && message.error) {
			waiting.reject(new Error(`${waiting.method}: ${message.error.message}`));
		} else if (waiting) {
			waiting.resolve(message.result);
		} else if (message.method) {
			(this.#listeners.get(message.method) ?? []).forEach((listener) =>
				listener(message.params),
			);
		}
	}

	#fail(error) {
		this.#waiting.forEach(({ reject }) => reject(error));
		this.#waiting.clear();
	}

	#send(method, params, sessionId) {
		const id = this.#next++;
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), ANSWER_MS);
			const settle = (then) => (value) => {
				clearTimeout(timer);
				then(value);
			};
			this.#waiting.set(id, { method, resolve: settle(resolve), reject: settle(reject) });
			this.#child.stdio[3].write(
				`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`,
			);
		});
	}

	send(method, params = {}) {
		return this.#send(method, params, this.#session);
	}

	on(method, listener) {
		this.#listeners.set(method, [...(this.#listeners.get(method) ?? []), listener]);
	}

	// ---- the page ----

	async resize(width, height, scale = 1) {
		await this.send("Emulation.setDeviceMetricsOverride", {
			width,
			height,
			deviceScaleFactor: scale,
			mobile: false,
		});
	}

	async dark(on) {
		const features = [{ name: "prefers-color-scheme", value: on ? "dark" : "light" }];
		await this.send("Emulation.setEmulatedMedia", { features });
	}

	async goto(url) {
		const loaded = new Promise((done) => this.#listeners.set("Page.loadEventFired", [done]));
		// A change behind the # alone loads nothing; that is what reload() is for.
		await this.send("Page.navigate", { url });
		await Promise.race([loaded, sleep(5000)]);
	}

	async reload() {
		const loaded = new Promise((done) => this.#listeners.set("Page.loadEventFired", [done]));
		await this.send("Page.reload", { ignoreCache: true });
		await loaded;
	}

	/**
	 * The value of an expression, or of a promise that it is; `f` may be a function with
	 * arguments.
	 */
	async evaluate(f, ...args) {
		const expression =
			typeof f === "function" ? `(${f})(${args.map((a) => JSON.stringify(a)).join(",")})` : f;
		const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
			expression,
			awaitPromise: true,
			returnByValue: true,
			userGesture: true,
		});
		if (exceptionDetails) {
			throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
		}
		return result.value;
	}

	/** Waits until an expression holds. */
	async until(f, ...args) {
		const end = Date.now() + 20_000;
		for (;;) {
			const value = await this.evaluate(f, ...args);
			if (value) {
				return value;
			}
			if (Date.now() > end) {
				throw new Error(`It did not become so: ${f}`);
			}
			await sleep(30);
		}
	}

	/** Where the middle of an element is that a selector, or a text that it has, names. */
	async place(selector, text = null) {
		return this.until(
			(selector, text) => {
				const all = [...document.querySelectorAll(selector)];
				const one = all.find((e) => text === null || e.textContent.includes(text));
				one?.scrollIntoView({ block: "nearest", inline: "nearest" });
				const box = one?.getBoundingClientRect();
				return box && box.width > 0
					? { x: box.x + box.width / 2, y: box.y + box.height / 2 }
					: null;
			},
			selector,
			text,
		);
	}

	async click(selector, text = null) {
		const { x, y } = await this.place(selector, text);
		await this.clickAt(x, y);
	}

	async clickAt(x, y, { count = 1, button = "left", keys = [] } = {}) {
		await this.mouse("mouseMoved", x, y, { keys });
		for (let i = 1; i <= count; i++) {
			await this.mouse("mousePressed", x, y, { button, count: i, keys });
			await this.mouse("mouseReleased", x, y, { button, count: i, keys });
		}
	}

	async drag(from, to, { button = "left", keys = [] } = {}) {
		await this.mouse("mouseMoved", from.x, from.y, { keys });
		await this.mouse("mousePressed", from.x, from.y, { button, count: 1, keys });
		for (let i = 1; i <= 5; i++) {
			await this.mouse(
				"mouseMoved",
				from.x + ((to.x - from.x) * i) / 5,
				from.y + ((to.y - from.y) * i) / 5,
				{ button, keys },
			);
		}
		await this.mouse("mouseReleased", to.x, to.y, { button, count: 1, keys });
	}

	async mouse(
		type,
		x,
		y,
		{ button = "none", count = 0, keys = [], deltaX = 0, deltaY = 0 } = {},
	) {
		if (type === "mousePressed") {
			this.#pressed |= BUTTONS[button];
		} else if (type === "mouseReleased") {
			this.#pressed &= ~BUTTONS[button];
		}
		const modifiers = keys.reduce((all, key) => all | MODIFIERS[key], 0);
		const more = type === "mouseWheel" ? { deltaX, deltaY } : {};
		await this.send("Input.dispatchMouseEvent", {
			type,
			x,
			y,
			button,
			buttons: this.#pressed,
			clickCount: count,
			modifiers,
			...more,
		});
	}

	async key(key, keys = []) {
		const modifiers = keys.reduce((all, name) => all | MODIFIERS[name], 0);
		const text =
			key.length === 1 && !(modifiers & (MODIFIERS.Control | MODIFIERS.Alt))
				? { text: key }
				: {};
		const code = KEY_CODES[key] ?? key.toUpperCase().charCodeAt(0);
		const event = {
			key,
			modifiers,
			windowsVirtualKeyCode: code,
			...(key === "Enter" ? { text: "\r" } : text),
		};
		await this.send("Input.dispatchKeyEvent", {
			type: event.text ? "keyDown" : "rawKeyDown",
			...event,
		});
		await this.send("Input.dispatchKeyEvent", {
			type: "keyUp",
			key,
			modifiers,
			windowsVirtualKeyCode: code,
		});
	}

	async type(text) {
		await this.send("Input.insertText", { text });
	}

	/** Files that the page saves go to `directory`. */
	async saveTo(directory) {
		await this.#send(
			"Browser.setDownloadBehavior",
			{ behavior: "allow", downloadPath: directory, eventsEnabled: true },
			null,
		);
	}

	/** Return: what the page has copied. */
	async clipboard() {
		const permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"];
		await this.#send("Browser.grantPermissions", { permissions }, null);
		return this.evaluate(() => navigator.clipboard.readText());
	}

	/** Return: what is seen, as PNG. */
	async screenshot() {
		const { data } = await this.send("Page.captureScreenshot", { format: "png" });
		return Buffer.from(data, "base64");
	}
}
