// screenshot.mjs VMSCOPE RECORDING PICTURE [dark]: the picture of the page that is in the
// documents: where the sample's vCPU lost its CPU.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser } from "./test/chromium.mjs";
import { openPage, Server, settle } from "./test/harness.mjs";

const [program, recording, picture, theme] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), "vmscope-screenshot-"));
const file = join(dir, "one-guest.vms");
execFileSync(program, ["analyze", recording, "-o", file], { stdio: "ignore" });
const server = await Server.start(program, file);
const browser = await Browser.start({ width: 1280, height: 800 });
try {
	await browser.dark(theme === "dark");
	await openPage(browser, server.url);
	await browser.evaluate(() => {
		const { view, phase } = window.vmscope;
		view.change({
			range: { start: 15.45e9, end: 15.9e9 },
			selection: { start: 15.52e9, end: 15.62e9 },
			row: phase.rows.vcpus[0].id,
			tab: "steal",
		});
	});
	await settle(browser, 1500);
	writeFileSync(picture, await browser.screenshot());
} finally {
	await browser.close();
	await server.stop();
	rmSync(dir, { recursive: true, force: true });
}
