#include "server/style.h"

#include "server/label.h"

static const char *const vcpu_colors[VCPU_N_STATES] = {
	[VCPU_UNKNOWN] = "#ffffff",   [VCPU_GUEST] = "#009e73",	    [VCPU_HYPERVISOR] = "#f0e442",
	[VCPU_USERSPACE] = "#e69f00", [VCPU_PREEMPTED] = "#d55e00", [VCPU_WAITING] = "#cc79a7",
	[VCPU_HALTED] = "#d9d9d9",    [VCPU_BLOCKED] = "#999999",
};

static const char *const thread_colors[THREAD_N_STATES] = {
	[THREAD_UNKNOWN] = "#ffffff", [THREAD_USER] = "#009e73",
	[THREAD_SYSCALL] = "#0072b2", [THREAD_IRQ] = "#e69f00",
	[THREAD_SOFTIRQ] = "#b37a00", [THREAD_WAIT_CPU] = "#cc79a7",
	[THREAD_BLOCKED] = "#d9d9d9", [THREAD_DEAD] = "#f2f2f2",
	[THREAD_STOLEN] = "#d55e00",  [THREAD_HYPERVISOR] = "#f0e442",
};

static const char *const cpu_colors[CPU_N_STATES] = {
	[CPU_UNKNOWN] = "#ffffff", [CPU_IDLE] = "#d9d9d9", [CPU_USER] = "#56b4e9",
	[CPU_SYSCALL] = "#0072b2", [CPU_IRQ] = "#e69f00",  [CPU_SOFTIRQ] = "#b37a00",
	[CPU_VM] = "#009e73",
};

const char *style_color(enum table_id table, int64_t state)
{
	const struct table *t = table_get(table);

	if (state < 0 || state >= t->columns[t->state].labels->n)
		state = 0;
	switch (table) {
	case TABLE_VCPU_STATE:
		return vcpu_colors[state];
	case TABLE_THREAD_STATE:
		return thread_colors[state];
	default:
		return cpu_colors[state];
	}
}

static void write_one(struct jsonw *j, const char *family, const char *name, const char *color,
		      const char *shape, double height)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", family, name);
	jsonw_key(j, key);
	jsonw_object_begin(j);
	jsonw_key(j, "values");
	jsonw_object_begin(j);
	jsonw_key(j, shape);
	jsonw_string(j, color);
	jsonw_key(j, "style-name");
	jsonw_string(j, name);
	jsonw_key(j, "style-group");
	jsonw_string(j, family);
	jsonw_key(j, "height");
	jsonw_double(j, height);
	jsonw_key(j, "opacity");
	jsonw_double(j, 1);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

/* Nothing going on is drawn lower than something. */
static double height_of(const char *state)
{
	static const char *const low[] = {"halted", "blocked", "idle", "dead", "unknown"};

	for (size_t i = 0; i < sizeof(low) / sizeof(*low); i++) {
		if (!strcmp(state, low[i]))
			return 0.5;
	}
	return 1;
}

void style_write(struct jsonw *j)
{
	static const enum table_id tables[] = {TABLE_VCPU_STATE, TABLE_THREAD_STATE,
					       TABLE_CPU_STATE};

	jsonw_object_begin(j);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (int state = 0; state < table_n_states(table_get(tables[i])); state++) {
			const char *name = label_state(tables[i], state);

			write_one(j, label_family(tables[i]), name, style_color(tables[i], state),
				  "background-color", height_of(name));
		}
	}
	write_one(j, "arrow", "preempt", "#d55e00", "color", 1);
	write_one(j, "arrow", "wakeup", "#56b4e9", "color", 1);
	write_one(j, "marker", "lost", "#d55e00", "color", 1);
	jsonw_object_end(j);
}
