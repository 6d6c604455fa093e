#include <stdlib.h>
#include <string.h>

#include "api/api_error.h"
#include "api/file.h"
#include "api/rows.h"
#include "report/section_rows.h"

struct api_section {
	struct vms_rows rows;
	struct section_rows section;
	size_t next; /* row, of the one after the current */
};

static const struct rows *api_section_of(const struct vms_rows *rows)
{
	return &((const struct api_section *)rows)->section.rows;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const char *api_section_name(const struct vms_rows *rows, int column)
{
	return api_section_of(rows)->columns[column];
}

static int api_section_next(struct vms_rows *rows, struct error *err)
{
	struct api_section *s = (struct api_section *)rows;
	const struct rows *t = &s->section.rows;

	(void)err;
	if (s->next * t->n_columns >= t->cells.n)
		return 0;
	s->next++;
	return 1;
}

static struct api_value api_section_value(const struct vms_rows *rows, int column)
{
	const struct api_section *s = (const struct api_section *)rows;
	const struct rows *t = &s->section.rows;
	const struct cell *c = &t->cells.at[(s->next - 1) * t->n_columns + (size_t)column];

	switch (c->kind) {
	case CELL_NULL:
		break;
	case CELL_INT:
		return (struct api_value){.type = VMS_TYPE_INT, .i = c->i};
	case CELL_UINT:
		return (struct api_value){.type = VMS_TYPE_INT, .i = (int64_t)c->u};
	case CELL_NUMBER:
		return (struct api_value){.type = VMS_TYPE_REAL, .real = c->number};
	case CELL_TEXT:
		return (struct api_value){.type = c->text ? VMS_TYPE_TEXT : VMS_TYPE_NULL,
					  .text = c->text};
	}
	return (struct api_value){0};
}

static void api_section_free(struct vms_rows *rows)
{
	section_rows_deinit(&((struct api_section *)rows)->section);
	free(rows);
}

static const struct api_rows_ops api_section_ops = {
	.name = api_section_name,
	.next = api_section_next,
	.value = api_section_value,
	.free = api_section_free,
};

/* ---- what is wanted -------------------------------------------------------------------------- */

const char *vms_section_name(size_t i)
{
	return i < REPORT_N_SECTIONS ? report_section_names()[i] : NULL;
}

static int api_find_section(const char *name, enum report_section *sectionp, struct error *err)
{
	for (int i = 0; name && i < REPORT_N_SECTIONS; i++) {
		if (!strcmp(report_section_names()[i], name)) {
			*sectionp = (enum report_section)i;
			return 0;
		}
	}
	return error_set(err, "there is no section '%s'", name ? name : "");
}

/* The range as the report takes it: within what was recorded. */
static struct results_range api_range(const struct vms_file *file, const struct vms_select *wanted)
{
	const struct results *r = &file->results;

	if (wanted->from_ns == INT64_MIN && wanted->to_ns == INT64_MAX)
		return (struct results_range){0};
	return (struct results_range){
		.given = true,
		.from = wanted->from_ns > r->begin ? wanted->from_ns : r->begin,
		.to = wanted->to_ns < r->end ? wanted->to_ns : r->end,
	};
}

static int api_take_wanted(struct section_wanted *to, const struct vms_file *file, const char *name,
			   const struct vms_select *select, struct error *err)
{
	struct vms_select wanted;

	*to = (struct section_wanted){.threads = 1};
	if (api_find_section(name, &to->section, err) || api_select_take(&wanted, select, err))
		return ERR;
	to->range = api_range(file, &wanted);
	if (to->range.given && to->range.from >= to->range.to)
		return error_set(err, "nothing was recorded between these times");
	to->choice.vm = wanted.vm;
	to->choice.one_vcpu = wanted.vcpu != VMS_NULL;
	to->choice.vcpu = wanted.vcpu;
	return 0;
}

struct vms_rows *vms_section(const struct vms_file *file, const char *name,
			     const struct vms_select *select, struct vms_error **error)
{
	struct section_wanted wanted;
	struct error err = {0};

	if (api_take_wanted(&wanted, file, name, select, &err)) {
		api_fail(error, &err);
		return NULL;
	}
	struct api_section *s = mem_zalloc(1, sizeof(*s));

	s->rows = (struct vms_rows){.ops = &api_section_ops, .file = file};
	if (section_rows_init(&s->section, file->store, &wanted, &err)) {
		api_section_free(&s->rows);
		api_fail(error, &err);
		return NULL;
	}
	s->rows.n_columns = (int)s->section.rows.n_columns;
	return &s->rows;
}
