#include "cli/analyzed.h"

#include <stdio.h>
#include <unistd.h>

#include "analyze/beside.h"
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

int analyzed_init(struct run *r, char **traces, size_t n, const struct analysis_options *options,
		  const struct input_options *input, const char *output, struct error *err)
{
	struct session session;
	struct beside beside;

	*r = (struct run){0};
	int status = session_open(&session, traces, n, input, err);

	if (status) {
		if (session.notes.n > 1)
			complain_session(stderr, &session);
		session_deinit(&session);
		return status;
	}
	beside_init(&beside, &session, options);
	complain_session(stderr, &session);
	analyzed_say_progress(&session);
	status = run_init(r, &session, &beside.options, output, err);
	beside_deinit(&beside);
	return status;
}
