// Times and numbers as people read them. All in ns, as everywhere.

const UNITS = [
	{ name: "s", ns: 1e9 },
	{ name: "ms", ns: 1e6 },
	{ name: "µs", ns: 1e3 },
	{ name: "ns", ns: 1 },
] as const;

/** "12.3 ms": a length with `digits` digits that count; "0" is without unit. */
export function formatDuration(ns: number, digits = 3): string {
	if (ns === 0) {
		return "0";
	}
	const size = Math.abs(ns);
	const at = UNITS.findIndex((u) => size >= u.ns);
	const unit = UNITS[at < 0 ? UNITS.length - 1 : at] ?? UNITS[3];
	const value = Number((ns / unit.ns).toPrecision(digits));
	// 999.9 µs with three digits is 1 ms.
	const larger = Math.abs(value) >= 1000 && at > 0 ? UNITS[at - 1] : undefined;
	if (larger) {
		return `${(ns / larger.ns).toPrecision(digits)} ${larger.name}`;
	}
	if (unit.ns === 1) {
		return `${Number.isInteger(ns) ? ns : value} ns`;
	}
	const before = Math.floor(Math.log10(Math.abs(value) || 1)) + 1;
	return `${value.toFixed(Math.max(digits - before, 0))} ${unit.name}`;
}

/** "12.345678 ms": a length to the last ns, without zeros that say nothing. */
export function formatExact(ns: number): string {
	const size = Math.abs(ns);
	const unit = UNITS.find((u) => size >= u.ns) ?? UNITS[3];
	const decimals = Math.round(Math.log10(unit.ns));
	const text = (ns / unit.ns).toFixed(decimals);
	return `${decimals ? text.replace(/\.?0+$/, "") : text} ${unit.name}`;
}

/** "3.000 012 345 s": a moment since the experiment's start, to the last ns. */
export function formatMoment(ns: number): string {
	const whole = Math.round(ns);
	const sign = whole < 0 ? "-" : "";
	const size = Math.abs(whole);
	const part = String(size % 1e9).padStart(9, "0");
	const grouped = part.replace(/(\d{3})(?=\d)/g, "$1 ");
	return `${sign}${Math.floor(size / 1e9)}.${grouped} s`;
}

/** "2026-11-23 01:17:59.191196227": the same moment by the wall clock, UTC; `start` as the server says it. */
export function formatUtc(start: string, ns: number): string {
	const at = BigInt(start) + BigInt(Math.round(ns));
	const seconds = at / 1000000000n;
	const rest = String(at % 1000000000n).padStart(9, "0");
	const date = new Date(Number(seconds) * 1000).toISOString();
	return `${date.slice(0, 10)} ${date.slice(11, 19)}.${rest}`;
}

/** "38.5 %" */
export function formatShare(part: number, whole: number): string {
	if (whole <= 0 || part === 0) {
		return "";
	}
	const share = (part / whole) * 100;
	return share < 0.05 ? "< 0.1 %" : `${share.toFixed(1)} %`;
}

/** Thousands apart, so that long numbers can be read. */
export function formatCount(n: number): string {
	const [whole = "", rest] = (Number.isInteger(n) ? String(n) : n.toPrecision(4)).split(".");
	return whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") + (rest ? `.${rest}` : "");
}
