// Numbers as people read them; times are in time.ts.

/** "38.5 %"; nothing where there is nothing. */
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
