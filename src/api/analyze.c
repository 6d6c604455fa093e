#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/beside.h"
#include "analyze/run.h"
#include "api/api_error.h"
#include "api/file.h"

/* What the user wants, as the analysis takes it. */
struct api_wanted {
	struct vms_analysis options;
	struct analysis_options analysis;
	struct input_options input;
	VEC(struct analysis_vm) vms;
	VEC(struct sync_given) given;
	VEC(struct sync_tsc) tscs;
};

/* ---- options --------------------------------------------------------------------------------- */

static int api_sync_method(enum vms_sync sync, struct error *err)
{
	switch (sync) {
	case VMS_SYNC_AUTO:
		return SYNC_AUTO;
	case VMS_SYNC_VMSYNC:
		return SYNC_VMSYNC;
	case VMS_SYNC_CONTAINMENT:
		return SYNC_CONTAINMENT;
	case VMS_SYNC_TSC:
		return SYNC_TSC;
	case VMS_SYNC_AGENT:
		return SYNC_AGENT;
	case VMS_SYNC_NONE:
		return SYNC_AS_IS;
	}
	return error_set(err, "there is no way %d to synchronize", (int)sync);
}

static int api_take_clocks(struct api_wanted *w, struct error *err)
{
	for (size_t i = 0; i < w->options.n_clocks; i++) {
		const struct vms_clock_is *c = &w->options.clocks[i];

		/* As --clock-offset: no two clocks differ by more. */
		if (!(c->slope > 0.5 && c->slope < 2))
			return error_set(err, "the clock of '%s' cannot have a slope of %g",
					 c->machine, c->slope);
		*vec_push(&w->given) = (struct sync_given){
			.machine = c->machine, .offset_ns = c->offset_ns, .drift = c->slope - 1};
	}
	for (size_t i = 0; i < w->options.n_tscs; i++) {
		const struct vms_tsc_is *t = &w->options.tscs[i];

		if (t->frac >= 64)
			return error_set(err, "the TSC of '%s' cannot have %u bits of fraction",
					 t->machine, t->frac);
		*vec_push(&w->tscs) = (struct sync_tsc){.machine = t->machine,
							.scale = {.offset = t->offset,
								  .ratio = t->ratio ? t->ratio : 1,
								  .frac = t->ratio ? t->frac : 0}};
	}
	return 0;
}

static unsigned api_threads(unsigned wanted)
{
	enum { USUAL = 3, MOST = 256 };
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted)
		return wanted < MOST ? wanted : MOST;
	return n < 1 ? 1 : n < USUAL ? (unsigned)n : USUAL;
}

static int api_take_options(struct api_wanted *w, const struct vms_analysis *options,
			    struct error *err)
{
	if (options && options->size > sizeof(w->options))
		return error_set(err, "the program was built for a later version of libvmscope");
	if (options)
		memcpy(&w->options, options, options->size);
	w->analysis = ANALYSIS_OPTIONS_AUTO;
	w->analysis.sync.method = api_sync_method(w->options.sync, err);
	if (w->analysis.sync.method == ERR || api_take_clocks(w, err))
		return ERR;
	for (size_t i = 0; i < w->options.n_vms; i++)
		*vec_push(&w->vms) = (struct analysis_vm){.machine = w->options.vms[i].machine,
							  .pid = w->options.vms[i].pid};
	w->analysis.vms = w->vms.at;
	w->analysis.n_vms = w->vms.n;
	w->analysis.sync.given = w->given.at;
	w->analysis.sync.n_given = w->given.n;
	w->analysis.sync.tsc = w->tscs.at;
	w->analysis.sync.n_tsc = w->tscs.n;
	w->analysis.threads = api_threads(w->options.threads);
	w->input.tsc_frequency = w->options.tsc_frequency;
	return 0;
}

static void api_wanted_deinit(struct api_wanted *w)
{
	vec_deinit(&w->vms);
	vec_deinit(&w->given);
	vec_deinit(&w->tscs);
}

/* ---- work ------------------------------------------------------------------------------------ */

/* The session is taken over, but for its notes. Return: 0 or ERR. */
static int api_analyze_session(struct session *session, const struct api_wanted *w,
			       const struct analysis_options *options, struct vms_file **fp,
			       struct error *err)
{
	struct run run;
	int r = run_init(&run, session, options, w->options.output, err);

	if (!r) {
		r = api_file_new(fp, run.store, err);
		run.store = NULL;
	}
	run_deinit(&run);
	return r;
}

/* Return: 0 or ERR. */
static int api_analyze(const char *const traces[], size_t n, const struct api_wanted *w,
		       struct vms_file **fp, struct error *err)
{
	struct session session;
	struct beside beside;
	VEC(char *) notes = {0};

	if (!n)
		return error_set(err, "no recording was named");
	if (session_open(&session, (char *const *)traces, n, &w->input, err)) {
		session_deinit(&session);
		return ERR;
	}
	beside_init(&beside, &session, &w->analysis);
	vec_each (note, &session.notes)
		*vec_push(&notes) = mem_strdup(*note);
	int r = api_analyze_session(&session, w, &beside.options, fp, err);

	beside_deinit(&beside);
	for (size_t i = 0; i < notes.n; i++) {
		if (r)
			free(notes.at[i]);
		else
			*vec_push(&(*fp)->notes) = notes.at[i];
	}
	vec_deinit(&notes);
	return r;
}

struct vms_file *vms_analyze(const char *const traces[], size_t n,
			     const struct vms_analysis *options, struct vms_error **error)
{
	struct api_wanted w = {.options = VMS_ANALYSIS_INIT};
	struct vms_file *f = NULL;
	struct error err = {0};

	if (api_take_options(&w, options, &err) || api_analyze(traces, n, &w, &f, &err))
		api_fail(error, &err);
	api_wanted_deinit(&w);
	return f;
}
