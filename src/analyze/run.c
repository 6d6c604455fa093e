#include "analyze/run.h"

#include "analyze/save.h"

static int run_save(struct run *r, struct save *save, struct session *session,
		    const struct analysis_options *wanted, struct error *err)
{
	struct analysis_options options = *wanted;
	struct analysis a;

	options.sink = save_sink(save);
	if (options.threads > 1)
		options.helper = save_use_thread(save);
	int status = analysis_init(&a, session, &options, err);

	if (!status)
		status = save_finish(save, &a, err);
	analysis_deinit(&a);
	return status ? status : save_open(save, &r->store, err);
}

int run_init(struct run *r, struct session *session, const struct analysis_options *options,
	     const char *output, struct error *err)
{
	struct save *save;

	*r = (struct run){0};
	if (save_new(&save, output, err)) {
		session_deinit(session);
		return ERR;
	}
	int status = run_save(r, save, session, options, err);

	r->tally = save_take_tally(save);
	save_free(save);
	return status;
}

void run_deinit(struct run *r)
{
	tally_free(r->tally);
	store_free(r->store);
}
