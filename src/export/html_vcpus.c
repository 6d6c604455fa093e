#include <inttypes.h>

#include "export/html.h"
#include "results/naming.h"
#include "results/split.h"

enum { MAX_VCPUS = 200 };

static void html_vcpu_head(struct html *h)
{
	html_raw(h, "<div class=wide><table><thead><tr><th>VM<th class=n>vCPU<th>on"
		    "<th class=n>in all");
	for (int i = 0; i < SPLIT_N; i++)
		html_rawf(h, "<th class=n>%s", split_part_name((enum split_part)i));
	html_raw(h, "<th>ready, but</thead><tbody>\n");
}

/* What it was ready for: "neighbour 25.1 %, quota 3.0 %" */
static void html_ready(struct html *h, const struct split *s)
{
	const char *before = "<td>";

	for (int i = 0; i < READY_N; i++) {
		if (s->of_ready[i] <= s->whole / 1000)
			continue;
		html_rawf(h, "%s%s ", before, split_ready_name((enum split_ready)i));
		html_percent(h, s->of_ready[i], s->whole);
		before = ", ";
	}
}

static void html_vcpu_row(struct html *h, const struct res_vcpu *v)
{
	const struct res_machine *machines = h->results.machines.at;
	const char *shares[SPLIT_N];
	struct split s;

	split_of(&s, &h->results, v);
	split_shares(&s, shares, &h->texts);
	html_raw(h, "<tr><td>");
	html_text(h, machines[v->machine].name);
	html_raw(h, "<td class=n>");
	html_text(h, vcpu_number(v, &h->texts));
	html_raw(h, "<td>");
	html_text(h, machines[v->host].name);
	html_raw(h, "<td class=n>");
	html_ns(h, s.whole);
	for (int i = 0; i < SPLIT_N; i++) {
		html_raw(h, "<td class=n>");
		html_text(h, shares[i]);
		if (!s.parts[i])
			continue;
		html_raw(h, "<br><small>");
		html_ns(h, s.parts[i]);
		html_raw(h, "</small>");
	}
	html_ready(h, &s);
}

int html_vcpus(struct html *h)
{
	size_t all = 0, shown = 0;

	vec_each (v, &h->results.vcpus)
		all += html_has_vcpu(h, v);
	if (!all) {
		html_raw(h, "<p>There is no vCPU.</p>\n");
		return 0;
	}
	html_vcpu_head(h);
	vec_each (v, &h->results.vcpus) {
		if (html_has_vcpu(h, v) && shown++ < MAX_VCPUS)
			html_vcpu_row(h, v);
	}
	html_raw(h, "</tbody></table></div>\n");
	if (all > MAX_VCPUS)
		html_rawf(h, "<p class=soft>And %zu more.</p>\n", all - MAX_VCPUS);
	return 0;
}
