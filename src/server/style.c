#include "server/style.h"

#include "server/label.h"
#include "base/member.h"

static const struct state_label *style_label(enum table_id table, int64_t state)
{
	const struct table *t = table_get(table);
	const struct state_labels *labels = t->columns[t->state].labels;

	return &labels->at[state >= 0 && state < labels->n ? state : 0];
}

const char *style_color(enum table_id table, int64_t state)
{
	return style_label(table, state)->color;
}

static void write_one(struct jsonw *j, const char *family, const char *name, const char *color,
		      const char *shape, double height)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", family, name);
	member_object(j, key);
	member_object(j, "values");
	member_text(j, shape, color);
	member_text(j, "style-name", name);
	member_text(j, "style-group", family);
	member_double(j, "height", height);
	member_double(j, "opacity", 1);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

/* Nothing going on is drawn lower than something. */
static double height_of(const struct state_label *label)
{
	return label->sets & (STATE_IDLE | STATE_ASLEEP | STATE_ABSENT | STATE_UNKNOWN) ? 0.5 : 1;
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
				  "background-color", height_of(style_label(tables[i], state)));
		}
	}
	write_one(j, "arrow", "preempt", "#d55e00", "color", 1);
	write_one(j, "arrow", "wakeup", "#56b4e9", "color", 1);
	write_one(j, "marker", "lost", "#d55e00", "color", 1);
	jsonw_object_end(j);
}
