#include "cli/analyzed.h"

#include <stdio.h>
#include <unistd.h>

#include "analyze/save.h"
#include "inspect/complain.h"

/* Below this, reading takes less time than reading what is said about it. */
enum { LARGE = 200 << 20 };

static void analyzed_say_progress(const struct session *s)
{
	uint64_t size = 0;

	vec_each (trace, &s->recordings)
		size += (*trace)->size;
	if (size >= LARGE && isatty(STDERR_FILENO))
		fprintf(stderr, "vmscope: reading %zu traces, %.1f GB\n", s->recordings.n,
			(double)size / 1e9);
}

/* Analyzes into a file, which is opened. Return: 0 or ERR. */
static int analyzed_save(struct analyzed *to, struct save *save, struct session *session,
			 const struct analysis_options *wanted, struct error *err)
{
	struct analysis_options options = *wanted;
	struct analysis a;

	options.sink = save_sink(save);
	if (options.threads > 1)
		options.helper = save_use_thread(save);
	int r = analysis_init(&a, session, &options, err);

	if (!r)
		r = save_finish(save, &a, err);
	analysis_deinit(&a);
	return r ? r : save_open(save, &to->store, err);
}

/* The session is taken over. Return: 0 or ERR. */
static int analyzed_take(struct analyzed *a, struct session *session,
			 const struct analysis_options *options, const char *output,
			 struct error *err)
{
	struct save *save;

	if (save_new(&save, output, err)) {
		session_deinit(session);
		return ERR;
	}
	analyzed_say_progress(session);
	int r = analyzed_save(a, save, session, options, err);

	a->tally = save_take_tally(save);
	save_free(save);
	return r;
}

int analyzed_init(struct analyzed *a, char **traces, size_t n,
		  const struct analysis_options *options, const struct input_options *input,
		  const char *output, struct error *err)
{
	struct session session;

	*a = (struct analyzed){0};
	int r = session_open(&session, traces, n, input, err);

	if (!r || session.notes.n > 1)
		complain_session(stderr, &session);
	if (!r)
		return analyzed_take(a, &session, options, output, err);
	session_deinit(&session);
	return r;
}

void analyzed_deinit(struct analyzed *a)
{
	tally_free(a->tally);
	store_free(a->store);
}
