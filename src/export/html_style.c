#include "export/html.h"
#include "schema/table.h"

/* Idle states are dimmed where the page is dark. */
static const char page_style[] =
	":root{--bg:#fff;--fg:#1c2024;--soft:#5c6670;--line:#d8dde2;--lane:#fff;--hatch:#e3e7eb;"
	"--head:#f4f6f8;--link:#0072b2;--heat:213,94,0}"
	"@media(prefers-color-scheme:dark){:root{--bg:#15181b;--fg:#e4e7ea;--soft:#9aa4ae;"
	"--line:#343b42;--lane:#1c2024;--hatch:#2c3238;--head:#1d2125;--link:#56b4e9}"
	".dim{fill:#343a41!important;background:#343a41!important}"
	".vcpu-blocked.dim{fill:#5d656e!important;background:#5d656e!important}}"
	"*{box-sizing:border-box}"
	"body{margin:0 auto;padding:2rem 1.5rem 4rem;max-width:1180px;background:var(--bg);"
	"color:var(--fg);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',"
	"Arial,sans-serif}"
	"h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.4rem 0 .3rem;"
	"padding-top:.9rem;border-top:1px solid var(--line)}h3{font-size:.95rem;margin:1.2rem 0 .3rem}"
	"p{margin:.3rem 0;max-width:56rem}.soft,footer{color:var(--soft)}.soft{font-size:.86rem}"
	"footer{margin-top:3rem;font-size:.8rem}"
	"ul.found{padding-left:1.1rem;margin:.6rem 0;max-width:60rem}ul.found li{margin:.25rem 0}"
	".wide{overflow-x:auto}"
	"table{border-collapse:collapse;font-size:.84rem;margin:.5rem 0;"
	"font-variant-numeric:tabular-nums}"
	"th,td{padding:.22rem .7rem;text-align:left;border-bottom:1px solid var(--line);"
	"vertical-align:top}"
	"th{font-weight:600;background:var(--head);vertical-align:bottom}"
	"th.n{max-width:8rem}.n{text-align:right}td.n,.name{white-space:nowrap}"
	".legend{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin:.5rem 0 .7rem;font-size:.82rem}"
	".key{display:inline-block;width:.85em;height:.85em;margin-right:.4em;vertical-align:-.06em;"
	"border:1px solid rgba(128,128,128,.45);border-radius:2px}"
	".row{display:grid;grid-template-columns:11.5rem 1fr;gap:.8rem;align-items:center;"
	"margin:.28rem 0}"
	".row .of{font-size:.84rem;text-align:right;line-height:1.25;overflow-wrap:anywhere}"
	".row .of small{color:var(--soft)}"
	".lane{position:relative;border:1px solid var(--line);height:44px;"
	"background:repeating-linear-gradient(135deg,var(--lane) 0 4px,var(--hatch) 4px 5px)}"
	".few .lane{height:64px}.many .lane{height:22px}"
	".lane svg{position:absolute;inset:0;width:100%;height:100%}"
	".hatch{background:repeating-linear-gradient(135deg,var(--lane) 0 2px,var(--soft) 2px 3px)}"
	".axis{position:relative;height:1.4rem;font-size:.75rem;color:var(--soft)}"
	".axis span{position:absolute;border-left:1px solid var(--soft);padding-left:.25rem;"
	"line-height:1;white-space:nowrap}"
	".bar{display:block;width:15rem;height:.95rem}"
	".hist{width:100%;max-width:46rem;height:auto}.hist text{fill:var(--soft);font-size:11px}"
	".hist rect{fill:var(--link)}.hist line{stroke:var(--soft)}"
	"@media(max-width:640px){.row{grid-template-columns:1fr;gap:.1rem}.row .of{text-align:left}"
	".bar{width:8rem}}"
	/* Paper is white and narrow, and does not scroll. */
	"@media print{:root{--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--lane:#fff;--hatch:#ddd;"
	"--head:#eee;--link:#0072b2}@page{margin:12mm}body{padding:0;font-size:12px;max-width:none}"
	"h2{break-after:avoid;margin-top:1.2rem}tr,.row,.legend,.hist{break-inside:avoid}"
	".wide{overflow:visible}table{font-size:9px}th,td{padding:.15rem .35rem}td.n,.name{white-space:normal}"
	".bar{width:8rem}.row{grid-template-columns:8rem 1fr}"
	"*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

bool html_is_dim(const struct state_label *label)
{
	return label->sets & (STATE_IDLE | STATE_ASLEEP);
}

static void write_family(struct html *h, const char *family, const struct state_labels *labels)
{
	for (int i = 1; i < labels->n; i++)
		html_rawf(h, ".%s-%s{fill:%s;background:%s}", family, labels->at[i].name,
			  labels->at[i].color, labels->at[i].color);
}

void html_style(struct html *h)
{
	/* Of VMs on a CPU: told apart by brightness. The last one is for all others. */
	static const char *const greens[] = {"#009e73", "#7fd1b9", "#00543d", "#b8e6c9",
					     "#4c8c2b", "#a9c74f", "#93a79c"};

	html_raw(h, "<style>");
	html_raw(h, page_style);
	write_family(h, "vcpu", &vcpu_state_labels);
	write_family(h, "cpu", &cpu_state_labels);
	for (size_t i = 0; i < sizeof(greens) / sizeof(*greens); i++)
		html_rawf(h, ".vm%zu{fill:%s;background:%s}", i, greens[i], greens[i]);
	html_raw(h, "</style>\n");
}
