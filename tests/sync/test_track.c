#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vcpu_maker.h"
#include "sync/limits.h"
#include "sync/track.h"

#define EPOCH  INT64_C(1795396653061998529)
#define SECOND INT64_C(1000000000)
#define DAY    (86400 * SECOND)

enum { CHUNK = 20000 /* events */ };

static struct vcpu_options options(const struct clock_map *truth, int64_t span)
{
	return (struct vcpu_options){
		.begin = EPOCH,
		.end = EPOCH + span,
		.trace_begin = EPOCH + span / 5,
		.trace_end = EPOCH + span / 5 * 4,
		.truth = truth,
	};
}

static struct sync_fit_options fit_options(const struct made_vcpu *v)
{
	return sync_fit_defaults(v->events.at[0].ts, v->events.at[v->events.n - 1].ts);
}

/* Gives the track all events, a chunk of n after the other. Return: how many chunks did not fit. */
static int track_chunks(struct sync_track *t, const struct made_vcpu *events,
			const struct made_vcpu *windows, size_t n)
{
	struct sync_thread thread = made_thread(windows);
	int failed = 0;

	for (size_t i = 0; i < events->events.n; i += n) {
		size_t left = events->events.n - i, some = left < n ? left : n;
		struct sync_cpu cpu = {&events->events.at[i], some};
		struct sync_cpu longer = {&events->events.at[i] - (i ? n : 0), some + (i ? n : 0)};
		struct sync_pair pair = {&cpu, &thread}, both = {&longer, &thread};

		failed += sync_track_chunk(t, &pair, i ? &both : NULL, 1);
	}
	return failed;
}

static int track_all(struct sync_track *t, const struct made_vcpu *events,
		     const struct made_vcpu *windows)
{
	return track_chunks(t, events, windows, CHUNK);
}

/* Return: how many of 1000 times in the trace the error does not cover. */
static int wrong_per_1000(const struct sync_fit *fit, const struct clock_map *truth,
			  const struct made_vcpu *v)
{
	int64_t begin = v->events.at[0].ts, end = v->events.at[v->events.n - 1].ts;
	int wrong = 0;

	for (int64_t i = 0; i <= 1000; i++) {
		int64_t t = begin + (int64_t)((__int128)(end - begin) * i / 1000);
		const struct clock_piece *p = clock_map_piece(&fit->map, t);
		int64_t off = llabs(clock_map_apply(&fit->map, t) - clock_map_apply(truth, t));

		wrong += p->error == CLOCK_ERROR_UNKNOWN || off > p->error;
	}
	return wrong;
}

/* Return: at how many of 1000 times the error is greater than 1 ms. */
static int vague_per_1000(const struct sync_fit *fit, const struct made_vcpu *v)
{
	int64_t begin = v->events.at[0].ts, end = v->events.at[v->events.n - 1].ts;
	int vague = 0;

	for (int64_t i = 0; i < 1000; i++)
		vague += clock_map_piece(&fit->map, begin + (end - begin) / 1000 * i)->error >
			 1000000;
	return vague;
}

static void test_as_good_as_all_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		uint64_t r = seed * 1000;
		struct clock_map truth;
		struct sync_contain whole;
		struct sync_track track;
		struct sync_fit fit;

		clock_map_init_offset(&truth, random_in(&r, -40 * DAY, 40 * DAY),
				      (double)random_in(&r, -100000, 100000) * 1e-9, EPOCH, 0);
		struct vcpu_options o = options(&truth, 50 * SECOND);
		struct made_vcpu v = make_vcpu(seed, &o);
		struct sync_cpu cpu = made_cpu(&v);
		struct sync_thread thread = made_thread(&v);
		struct sync_pair pair = {&cpu, &thread};
		struct sync_fit_options fo = fit_options(&v);

		assert_true(v.events.n > 3 * CHUNK);
		sync_track_init(&track, &fo);
		assert_int_equal(track_all(&track, &v, &v), 0);
		assert_int_equal(track.quick, track.chunks.n - 1); /* all but the first */
		assert_true(track.kept.at.n < v.events.n / 10);
		assert_int_equal(sync_track_finish(&track, &fit), 0);
		assert_int_equal(sync_contain_init(&whole, &pair, 1, &fo, SYNC_EFFORT), 0);

		assert_int_equal(wrong_per_1000(&fit, &truth, &v), 0);
		assert_int_equal(fit.map.n_pieces, 1);
		/*
		 * Both know the same corridor, but the error allows for turns between bounds as
		 * well, and a track keeps fewer of those.
		 */
		assert_true(sync_fit_width(&fit, v.events.at[v.events.n / 2].ts) <=
			    sync_fit_width(&whole.fit, v.events.at[v.events.n / 2].ts) * 21 / 20);
		assert_true(fit.map.pieces[0].error <= whole.fit.map.pieces[0].error * 5 / 4);
		vec_each (c, &track.chunks)
			assert_int_equal(c->outside, 0);
		sync_fit_deinit(&fit);
		sync_contain_deinit(&whole);
		sync_track_deinit(&track);
		made_deinit(&v);
		clock_map_deinit(&truth);
	}
}

/* Bends that NTP makes, and a step: in the middle of chunks as well as between. */
static void test_follows_slew_and_step(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		uint64_t r = seed;
		struct clock_piece pieces[4];
		struct clock_map truth = {pieces, 4};
		struct sync_track track;
		struct sync_fit fit;
		int64_t at = EPOCH - 5 * DAY, offset = 5 * DAY;

		for (int i = 0; i < 4; i++) {
			pieces[i] = (struct clock_piece){
				.from = at,
				.to = at + 12 * SECOND,
				.offset = offset,
				.drift = (double)random_in(&r, -200000, 200000) * 1e-9,
			};
			offset += (int64_t)(pieces[i].drift * 12e9);
			offset -= i == 1 ? random_in(&r, SECOND / 100, SECOND) : 0;
			at += 12 * SECOND;
		}
		struct vcpu_options o = options(&truth, 48 * SECOND);
		struct made_vcpu v = make_vcpu(seed, &o);
		struct sync_fit_options fo = fit_options(&v);

		sync_track_init(&track, &fo);
		assert_int_equal(track_all(&track, &v, &v), 0);
		assert_int_equal(sync_track_finish(&track, &fit), 0);
		assert_int_equal(wrong_per_1000(&fit, &truth, &v), 0);
		assert_true(vague_per_1000(&fit, &v) < 30);
		sync_fit_deinit(&fit);
		sync_track_deinit(&track);
		made_deinit(&v);
	}
}

/* Return: at how many events the error does not cover the truth, or is not stated. */
static size_t wrong_events(const struct sync_fit *fit, const struct clock_map *truth,
			   const struct made_vcpu *v)
{
	size_t wrong = 0;

	vec_each (e, &v->events) {
		int64_t error = clock_map_piece(&fit->map, e->ts)->error;
		int64_t off = clock_map_apply(&fit->map, e->ts) - clock_map_apply(truth, e->ts);

		wrong += error == CLOCK_ERROR_UNKNOWN || llabs(off) > error;
	}
	return wrong;
}

/*
 * The truth of a clock that is set forward by `step` after `n` events of v, which it is the clock
 * of.
 */
static void set_clock_after(struct clock_piece pieces[2], const struct made_vcpu *v, size_t n,
			    int64_t step)
{
	int64_t at = v->events.at[n].ts;

	pieces[0].to = at;
	pieces[1] = pieces[0];
	pieces[1].from = at;
	pieces[1].to = INT64_MAX;
	pieces[1].offset -= step;
	for (size_t i = n; i < v->events.n; i++)
		v->events.at[i].ts += step;
}

/*
 * The events behind a step that are left to a chunk are few, and happen to lie in windows as if
 * there were none: the next chunk, which contradicts, must not make the clock be set between the
 * two.
 */
static void test_step_at_the_end_of_a_chunk(void **state)
{
	enum { SOME = 4000, AFTER = 12 };

	(void)state;
	for (uint64_t seed = 1; seed <= 24; seed++) {
		struct clock_piece pieces[2] = {{.from = EPOCH, .to = INT64_MAX, .offset = DAY}};
		struct clock_map before = {pieces, 1}, truth = {pieces, 2};
		struct vcpu_options o = options(&before, 12 * SECOND);
		struct made_vcpu v = make_vcpu(seed, &o);
		struct sync_track track;
		struct sync_fit fit;

		assert_true(v.events.n > 4 * SOME);
		set_clock_after(pieces, &v, 2 * SOME - AFTER, 1000000);
		struct sync_fit_options fo = fit_options(&v);
		sync_track_init(&track, &fo);
		assert_int_equal(track_chunks(&track, &v, &v, SOME), 0);
		assert_int_equal(sync_track_finish(&track, &fit), 0);
		assert_int_equal(wrong_events(&fit, &truth, &v), 0);
		assert_true(vague_per_1000(&fit, &v) < 30);
		sync_fit_deinit(&fit);
		sync_track_deinit(&track);
		made_deinit(&v);
	}
}

/* Makes what a track knows less: the difference may be `more` ns beside all that it was. */
static void make_vague(struct sync_track *t, int64_t more)
{
	vec_each (b, &t->kept.at)
		b->value += b->side == SYNC_UPPER ? more : -more;
	sync_fit_deinit(&t->before);
	assert_int_equal(sync_fit_init(&t->before, t->kept.at.at, t->kept.at.n, &t->options), 0);
}

/*
 * In a wide range there are several windows for every event, so none contradicts any line: that is
 * no proof of one, and the clock may be set unseen.
 */
static void test_wide_range_proves_nothing(void **state)
{
	enum { SOME = 8000 };

	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct clock_piece pieces[2] = {{.from = EPOCH, .to = INT64_MAX, .offset = DAY}};
		struct clock_map before = {pieces, 1}, truth = {pieces, 2};
		struct vcpu_options o = options(&before, 12 * SECOND);
		struct made_vcpu v = make_vcpu(seed, &o);
		struct sync_thread thread = made_thread(&v);
		struct sync_track track;
		struct sync_fit fit;

		set_clock_after(pieces, &v, SOME + SOME / 2, 2000000);
		struct sync_fit_options fo = fit_options(&v);
		sync_track_init(&track, &fo);
		for (size_t i = 0; i < 3; i++) {
			struct sync_cpu cpu = {&v.events.at[i * SOME], SOME};
			struct sync_pair pair = {&cpu, &thread};

			assert_int_equal(sync_track_chunk(&track, &pair, NULL, 1), 0);
			if (!i)
				make_vague(&track, 20000000);
		}
		assert_int_equal(sync_track_finish(&track, &fit), 0);
		v.events.n = 3 * SOME;
		assert_int_equal(wrong_events(&fit, &truth, &v), 0);
		assert_true(sync_fit_width(&fit, v.events.at[2 * SOME].ts) < 100000);
		sync_fit_deinit(&fit);
		sync_track_deinit(&track);
		made_deinit(&v);
	}
}

/* What would be in doubt as a whole trace, short and with losses, is so as a chunk, too. */
static void test_doubt_is_no_fit(void **state)
{
	int doubtful = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct clock_map truth;
		struct sync_contain whole;
		struct sync_track track;

		clock_map_init_offset(&truth, DAY, 0, EPOCH, 0);
		struct vcpu_options o = options(&truth, SECOND / 4);
		o.lost_windows = 30;
		struct made_vcpu v = make_vcpu(seed, &o);
		struct sync_cpu cpu = made_cpu(&v);
		struct sync_thread thread = made_thread(&v);
		struct sync_pair pair = {&cpu, &thread};
		struct sync_fit_options fo = fit_options(&v);

		sync_track_init(&track, &fo);
		if (!sync_contain_init(&whole, &pair, 1, &fo, SYNC_EFFORT)) {
			bool fits = !sync_track_chunk(&track, &pair, NULL, 1);

			assert_false(fits && whole.fit.doubtful);
			doubtful += whole.fit.doubtful;
			sync_contain_deinit(&whole);
		}
		sync_track_deinit(&track);
		made_deinit(&v);
		clock_map_deinit(&truth);
	}
	assert_true(doubtful > 0);
}

static void test_stranger_is_not_followed(void **state)
{
	struct clock_map truth;
	struct sync_track track;
	struct sync_fit fit;

	(void)state;
	clock_map_init_offset(&truth, DAY, 0, EPOCH, 0);
	struct vcpu_options o = options(&truth, 20 * SECOND);
	struct made_vcpu a = make_vcpu(1, &o), b = make_vcpu(2, &o);
	struct sync_fit_options fo = fit_options(&a);

	sync_track_init(&track, &fo);
	assert_true(track_all(&track, &a, &b) > 0);
	assert_false(track.following);
	assert_int_equal(sync_track_finish(&track, &fit), SYNC_NO_FIT);
	sync_track_deinit(&track);
	made_deinit(&a);
	made_deinit(&b);
	clock_map_deinit(&truth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_good_as_all_at_once),
		cmocka_unit_test(test_follows_slew_and_step),
		cmocka_unit_test(test_step_at_the_end_of_a_chunk),
		cmocka_unit_test(test_wide_range_proves_nothing),
		cmocka_unit_test(test_doubt_is_no_fit),
		cmocka_unit_test(test_stranger_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
