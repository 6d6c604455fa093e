/*
 * Metadata of any bytes: it is refused, or the trace type is all that decoders rely on.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "input/ctf/metadata.h"
#include "fuzz.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_fc(const struct ctf_trace_type *t, const struct ctf_fc *fc, unsigned int depth);

static void check_inner(const struct ctf_trace_type *t, const struct ctf_fc *fc, unsigned int depth)
{
	for (uint32_t i = 0; i < fc->n_members; i++) {
		require(fc->members[i].name && fc->members[i].fc->align <= fc->align);
		check_fc(t, fc->members[i].fc, depth + 1);
	}
	for (uint32_t i = 0; i < fc->n_options; i++)
		check_fc(t, fc->options[i].fc, depth + 1);
	if (fc->elem)
		check_fc(t, fc->elem, depth + 1);
}

static void check_slot(const struct ctf_trace_type *t, int32_t slot)
{
	require(slot >= 0 && (uint32_t)slot < t->n_saves);
}

static void check_number(const struct ctf_trace_type *t, const struct ctf_fc *fc)
{
	require(fc->kind != CTF_INT || (fc->size >= 1 && fc->size <= 64));
	require(fc->kind != CTF_VARINT || (fc->size == 0 && fc->align >= 8));
	require(fc->kind != CTF_FLOAT || (fc->size >= 16 && fc->size <= 128));
	require(fc->base == 2 || fc->base == 8 || fc->base == 10 || fc->base == 16);
	if (fc->save != CTF_NO_SLOT)
		check_slot(t, fc->save);
	for (uint32_t i = 0; i < fc->n_labels; i++)
		require(ctf_label_of(fc, fc->labels[i].range.lo) &&
			ctf_label_of(fc, fc->labels[i].range.hi));
}

static void check_fc(const struct ctf_trace_type *t, const struct ctf_fc *fc, unsigned int depth)
{
	require(depth <= CTF_MAX_DEPTH);
	require(fc->align && !(fc->align & (fc->align - 1)));
	switch (fc->kind) {
	case CTF_INT:
	case CTF_VARINT:
	case CTF_FLOAT:
		check_number(t, fc);
		break;
	case CTF_STRING:
		require(fc->align >= 8 &&
			(fc->code_unit == 1 || fc->code_unit == 2 || fc->code_unit == 4));
		break;
	case CTF_ARRAY:
		require(fc->elem && fc->align >= fc->elem->align);
		break;
	case CTF_SEQUENCE:
		require(fc->elem && fc->align >= fc->elem->align && !fc->ref_signed);
		check_slot(t, fc->ref);
		break;
	case CTF_OPTIONAL:
		require(fc->elem);
		check_slot(t, fc->ref);
		break;
	case CTF_VARIANT:
		check_slot(t, fc->ref);
		break;
	case CTF_STRUCT:
		break;
	}
	check_inner(t, fc, depth);
}

static void check_root(const struct ctf_trace_type *t, const struct ctf_fc *root)
{
	if (!root)
		return;
	require(root->kind == CTF_STRUCT);
	check_fc(t, root, 1);
}

static void check_event(const struct ctf_trace_type *t, const struct ctf_stream_class *s,
			uint32_t i, uint32_t index)
{
	const struct ctf_event_class *e = s->events[i];

	require(e->name && e->stream == s && e->index == index);
	require(ctf_find_event_class(s, e->id) == e);
	check_root(t, e->specific_context);
	check_root(t, e->payload);
}

static void check_trace(const struct ctf_trace_type *t)
{
	uint32_t n = 0;

	check_root(t, t->packet_header);
	for (uint32_t i = 0; i < t->n_streams; i++) {
		const struct ctf_stream_class *s = t->streams[i];

		require(ctf_find_stream_class(t, s->id) == s);
		check_root(t, s->packet_context);
		check_root(t, s->event_header);
		check_root(t, s->event_common_context);
		for (uint32_t e = 0; e < s->n_events; e++)
			check_event(t, s, e, n++);
	}
	require(n == t->n_event_classes);
	require((t->damage != NULL) == (t->n_left_out + t->n_mended > 0));
	require(!t->n_left_out || n > 0);
	for (uint32_t i = 0; i < t->n_clocks; i++)
		require(t->clocks[i]->name && t->clocks[i]->frequency >= 1);
	for (uint32_t i = 0; i < t->n_env; i++)
		require(t->env[i].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctf_trace_type t;
	struct error err = {0};
	uint64_t dropped;
	int r = ctf_metadata_parse(&t, data, size, &dropped, &err);

	require(dropped <= size);
	if (r == 0)
		check_trace(&t);
	else
		require(r == ERR && err.text && strlen(err.text) > 0);
	error_deinit(&err);
	ctf_trace_type_deinit(&t);
	return 0;
}
