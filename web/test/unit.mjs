// unit.mjs PAGE: checks the types of the page and runs its unit tests (PAGE/test/unit), where PAGE
// is a directory that build_page.py has built (or this one, after npm ci). They are compiled by
// esbuild and run by node.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const page = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), ".."));
if (!existsSync(join(page, "node_modules"))) {
	console.log("1..0 # SKIP the page is not in the program");
	process.exit(0);
}
const require = createRequire(join(page, "package.json"));
const esbuild = require("esbuild");
const tests = join(page, "test", "unit");
const types = spawnSync(
	process.execPath,
	[require.resolve("typescript/bin/tsc"), "--noEmit", "-p", page],
	{ stdio: "inherit" },
);
if (types.status !== 0) {
	process.exit(1);
}
const out = mkdtempSync(join(tmpdir(), "vmscope-unit-"));
try {
	await esbuild.build({
		entryPoints: readdirSync(tests)
			.filter((name) => name.endsWith(".test.ts"))
			.map((name) => join(tests, name)),
		bundle: true,
		platform: "node",
		format: "esm",
		sourcemap: "inline",
		outExtension: { ".js": ".mjs" },
		loader: { ".css": "empty" },
		logLevel: "warning",
		outdir: out,
	});
	const files = readdirSync(out).map((name) => join(out, name));
	const run = spawnSync(
		process.execPath,
		["--enable-source-maps", "--test", "--test-reporter=tap", ...files],
		{ stdio: "inherit" },
	);
	process.exitCode = run.status ?? 1;
} finally {
	rmSync(out, { recursive: true, force: true });
}
