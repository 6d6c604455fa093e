/*
 * The merge's promise on the order of its events (timeline/merge.h), on recordings made up here,
 * whose streams have many events at equal times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "input/format.h"
#include "random.h"
#include "timeline/merge.h"

enum { MAX_INPUTS = 3, MAX_STREAMS = 5, MAX_EVENTS = 3000 };

/* ---- a recording of numbers ------------------------------------------------------------------ */

struct made_stream {
	int64_t ts[MAX_EVENTS];
	size_t n;
};

struct made_recording {
	struct recording self;
	struct made_stream streams[MAX_STREAMS];
};

struct made_reader {
	struct reader self;
	const struct made_stream *stream;
	size_t next;
};

static struct input_plan *made_plan_new(const struct recording *r, struct event_set wanted,
					bool every)
{
	(void)r, (void)wanted, (void)every;
	return NULL;
}

static struct reader *made_reader_new(const struct recording *r, size_t stream,
				      const struct input_plan *plan, int64_t skip_before_ns)
{
	struct made_reader *m = mem_zalloc(1, sizeof(*m));

	(void)plan, (void)skip_before_ns;
	m->stream = &((const struct made_recording *)r)->streams[stream];
	return &m->self;
}

/* The event's tid is its number in its stream. */
static void made_reader_fill(struct reader *r)
{
	struct made_reader *m = (struct made_reader *)r;

	for (r->n = 0; r->n < r->room && m->next < m->stream->n; m->next++) {
		struct event *e = &r->events[r->n++];

		e->ts = m->stream->ts[m->next];
		e->id = EV_OTHER;
		e->tid = (int64_t)m->next;
	}
	r->ended = m->next == m->stream->n;
}

static void made_reader_free(struct reader *r)
{
	(void)r;
}

static const struct recording_ops made_ops = {
	.plan_new = made_plan_new,
	.reader_new = made_reader_new,
	.reader_fill = made_reader_fill,
	.reader_free = made_reader_free,
};

/* ---- what comes out -------------------------------------------------------------------------- */

struct fixture {
	struct made_recording recordings[MAX_INPUTS];
	struct merge_input inputs[MAX_INPUTS];
	size_t n;
	struct clock_map clock;
};

/* Steps of 0 are many: within a stream, and so between streams. */
static void fill_stream(struct made_stream *s, uint64_t *seed)
{
	int64_t ts = random_in(seed, 0, 3), zeros = random_in(seed, 0, 4);

	s->n = (size_t)(random_in(seed, 0, 3) ? random_in(seed, 0, MAX_EVENTS)
					      : random_in(seed, 0, 3));
	for (size_t i = 0; i < s->n; i++) {
		s->ts[i] = ts;
		ts += random_in(seed, 0, zeros) ? 0 : random_in(seed, 1, 40);
	}
}

static void fill(struct fixture *f, uint64_t *seed)
{
	f->n = (size_t)random_in(seed, 0, MAX_INPUTS);
	clock_map_init_offset(&f->clock, 0, 0, 0, 0);
	for (size_t i = 0; i < f->n; i++) {
		struct made_recording *r = &f->recordings[i];

		*r = (struct made_recording){.self.ops = &made_ops};
		for (int64_t s = random_in(seed, 0, MAX_STREAMS) - 1; s >= 0; s--) {
			fill_stream(&r->streams[s], seed);
			vec_push(&r->self.streams);
		}
		vec_each (s, &r->self.streams)
			s->cpu = (uint32_t)(s - r->self.streams.at);
		f->inputs[i] = (struct merge_input){
			.recording = &r->self, .clock = &f->clock, .machine = (uint16_t)i};
	}
}

static void deinit(struct fixture *f)
{
	for (size_t i = 0; i < f->n; i++)
		vec_deinit(&f->recordings[i].self.streams);
	clock_map_deinit(&f->clock);
}

/* Where an event must come: by time, then by input, stream and number. */
struct place {
	int64_t ts;
	size_t input, stream, number;
};

static int compare(const void *a, const void *b)
{
	const struct place *p = a, *q = b;
	const int64_t left[] = {p->ts, (int64_t)p->input, (int64_t)p->stream, (int64_t)p->number};
	const int64_t right[] = {q->ts, (int64_t)q->input, (int64_t)q->stream, (int64_t)q->number};

	for (int i = 0; i < 4; i++) {
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	}
	return 0;
}

typedef VEC(struct place) places_t;

static void expect(const struct fixture *f, places_t *places)
{
	for (size_t i = 0; i < f->n; i++) {
		for (size_t s = 0; s < f->recordings[i].self.streams.n; s++) {
			const struct made_stream *stream = &f->recordings[i].streams[s];

			for (size_t k = 0; k < stream->n; k++)
				*vec_push(places) = (struct place){stream->ts[k], i, s, k};
		}
	}
	if (places->n)
		qsort(places->at, places->n, sizeof(*places->at), compare);
}

static void check(const struct fixture *f, struct worker *helper, int seed)
{
	struct merge *m = merge_new(f->inputs, f->n);
	places_t places = {0};
	const struct event *e;
	size_t n = 0;

	expect(f, &places);
	merge_use_worker(m, helper);
	while ((e = merge_next(m))) {
		const struct place is = {e->ts, e->machine, e->cpu, (size_t)e->tid};

		if (n == places.n || compare(&is, &places.at[n]))
			fail_msg(
				"seed %d, event %zu: of time %lld, input %zu, stream %zu, number %zu",
				seed, n, (long long)is.ts, is.input, is.stream, is.number);
		n++;
	}
	assert_int_equal(n, places.n);
	assert_null(merge_next(m));
	merge_free(m);
	vec_deinit(&places);
}

static void check_seeds(struct worker *helper)
{
	struct fixture *f = mem_zalloc(1, sizeof(*f));

	for (int i = 0; i < 60; i++) {
		uint64_t seed = (uint64_t)i;

		fill(f, &seed);
		check(f, helper, i);
		deinit(f);
	}
	free(f);
}

static void test_alone(void **state)
{
	(void)state;
	check_seeds(NULL);
}

static void test_reading_ahead(void **state)
{
	struct worker *helper = worker_new(NULL, NULL, 1);

	(void)state;
	assert_non_null(helper);
	check_seeds(helper);
	worker_free(helper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_reading_ahead),
	};

	return cmocka_run_group_tests_name("merge-order", tests, NULL, NULL);
}
