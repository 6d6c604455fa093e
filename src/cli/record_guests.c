#include "cli/record_guests.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/common.h"
#include "input/session.h"
#include "inspect/recipe.h"

enum {
	RECORD_GUEST_START_MS = 30000, /* ssh, and a guest that is slow */
	RECORD_GUEST_LOOK_MS = 500,
};

/* ---- which ----------------------------------------------------------------------------------- */

/* Names become names of files. */
static bool record_guest_is_name(const char *name, size_t n)
{
	return n > 0 && name[0] != '.' && !memchr(name, '/', n) && memcmp(name, "host", n + 1) != 0;
}

static bool record_guest_take_way(struct record_guest *guest, const char *way)
{
	if (!way)
		return true;
	if (!strncmp(way, "ssh:", 4) && way[4] && way[4] != '-') {
		guest->way = RECORD_BY_SSH;
		guest->where = mem_strdup(way + 4);
	} else if (!strncmp(way, "vsock:", 6) && way[6] &&
		   !way[6 + strspn(way + 6, "0123456789:")]) {
		guest->way = RECORD_BY_AGENT;
		guest->where = mem_strdup(way + 6);
	} else {
		return false;
	}
	return true;
}

int record_guests_take(struct record_guests *g, const struct command *cmd, const char *text)
{
	const char *equals = strchrnul(text, '=');
	struct record_guest guest = {.runner = {.in = -1, .out = -1}};

	if (!record_guest_is_name(text, (size_t)(equals - text)) ||
	    !record_guest_take_way(&guest, *equals ? equals + 1 : NULL)) {
		cli_usage(cmd,
			  "--guest takes NAME, NAME=ssh:DESTINATION or NAME=vsock:CID, not '%s'",
			  text);
		return CLI_OPTION_BAD;
	}
	guest.name = mem_strndup(text, (size_t)(equals - text));
	*vec_push(&g->all) = guest;
	return 0;
}

void record_guests_place(struct record_guests *g, const char *dir)
{
	vec_each (guest, &g->all) {
		guest->path = mem_printf("%s/%s.dat", dir, guest->name);
		guest->log = mem_printf("%s/%s.log", dir, guest->name);
	}
}

bool record_guests_has(const struct record_guests *g, enum record_guest_way way)
{
	vec_each (guest, &g->all) {
		if (guest->way == way)
			return true;
	}
	return false;
}

char *record_guests_cids(const struct record_guests *g)
{
	char *cids = mem_strdup("");

	vec_each (guest, &g->all) {
		if (guest->way == RECORD_BY_AGENT)
			mem_append(&cids, "%s%s", *cids ? " " : "", guest->where);
	}
	return cids;
}

void record_guests_print(const struct record_guests *g)
{
	vec_each (guest, &g->all) {
		if (guest->way == RECORD_BY_SSH)
			printf("  guest %s: trace-cmd in it, started by ssh %s\n", guest->name,
			       guest->where);
		else if (guest->way == RECORD_BY_AGENT)
			printf("  guest %s: trace-cmd's agent in it, by vsock %s\n", guest->name,
			       guest->where);
		else
			printf("  guest %s: by hand; the commands are printed, then its file is "
			       "waited for\n",
			       guest->name);
	}
}

/* ---- recording ------------------------------------------------------------------------------- */

/* In the guest, where ssh leaves its recording until it is fetched. */
static char *record_guest_remote(const struct record_guest *guest)
{
	return mem_printf("/tmp/vmscope-%ld-%s.dat", (long)getpid(), guest->name);
}

/* The recipe, with what it is asked for before it. */
static char *record_guest_script(const struct record_guests *g, const struct record_guest *guest)
{
	char *remote = record_guest_remote(guest), *text = NULL;
	char *output = runner_quote(remote);
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (f) {
		fprintf(f, "OUTPUT=%s\nCLOCK='-C %s'\nSYSCALLS=%s\n", output, g->clock,
			g->syscalls ? "yes" : "no");
		recipe_print(ROLE_GUEST, TRACER_TRACE_CMD, f);
		fclose(f);
	}
	free(output);
	free(remote);
	return text;
}

static void record_guest_begin_ssh(const struct record_guests *g, struct record_guest *guest)
{
	struct error err = {0};
	char *script = record_guest_script(g, guest);
	struct runner_options o = {script, guest->where, guest->log};

	if (runner_start(&guest->runner, &o, &err))
		fprintf(stderr, "vmscope: guest %s: %s\n", guest->name, err.text);
	else if (!runner_wait(&guest->runner, RECORD_GUEST_START_MS))
		fprintf(stderr,
			"vmscope: guest %s is not recorded: nothing records in it; '%s' says "
			"why\n",
			guest->name, guest->log);
	else
		fprintf(stderr, "vmscope: guest %s is being recorded\n", guest->name);
	error_deinit(&err);
	free(script);
}

static void record_guest_print_hand(const struct record_guests *g, const struct record_guest *guest)
{
	fprintf(stderr,
		"\nIn guest %s, as root, where trace-cmd is (apt-get install trace-cmd):\n\n"
		"  vmscope record --print guest >record.sh   # here; then bring it into the guest\n"
		"  OUTPUT=%s.dat CLOCK='-C %s' SYSCALLS=%s sh record.sh   # in it, until Ctrl-C\n\n"
		"Stop it there before the host is stopped here, then bring %s.dat to\n"
		"  %s\n\n",
		guest->name, guest->name, g->clock, g->syscalls ? "yes" : "no", guest->name,
		guest->path);
}

void record_guests_begin(struct record_guests *g)
{
	vec_each (guest, &g->all) {
		if (guest->way == RECORD_BY_SSH)
			record_guest_begin_ssh(g, guest);
		else if (guest->way == RECORD_BY_HAND)
			record_guest_print_hand(g, guest);
	}
}

void record_guests_end(struct record_guests *g)
{
	vec_each (guest, &g->all) {
		if (guest->runner.pid && runner_end(&guest->runner))
			fprintf(stderr, "vmscope: the recorder of guest %s failed; '%s' says why\n",
				guest->name, guest->log);
	}
}

/* ---- files ----------------------------------------------------------------------------------- */

static void record_guest_fetch_ssh(struct record_guest *guest)
{
	char *remote = record_guest_remote(guest);
	struct error err = {0};

	if (runner_fetch(guest->where, remote, guest->path, guest->log, &err)) {
		fprintf(stderr, "vmscope: guest %s: %s\n", guest->name, err.text);
		unlink(guest->path);
	}
	error_deinit(&err);
	free(remote);
}

/* A file that still grows is not there yet. */
static bool record_guest_has_file(const struct record_guest *guest, off_t *sizep)
{
	struct stat st;
	off_t before = *sizep;

	*sizep = stat(guest->path, &st) ? 0 : st.st_size;
	return *sizep > 0 && *sizep == before && session_is_recording(guest->path, false);
}

static void record_guest_await(const struct record_guest *guest, int fd)
{
	struct pollfd stop = {.fd = fd, .events = POLLIN};
	off_t size = 0;

	if (record_guest_has_file(guest, &size))
		return;
	fprintf(stderr, "vmscope: waiting for '%s'; Ctrl-C goes on without it\n", guest->path);
	while (!record_guest_has_file(guest, &size)) {
		if (poll(&stop, 1, RECORD_GUEST_LOOK_MS) > 0)
			return;
	}
}

void record_guests_fetch(struct record_guests *g, int fd)
{
	vec_each (guest, &g->all) {
		if (guest->way == RECORD_BY_SSH)
			record_guest_fetch_ssh(guest);
	}
	vec_each (guest, &g->all) {
		if (guest->way == RECORD_BY_HAND)
			record_guest_await(guest, fd);
		guest->is_there = session_is_recording(guest->path, false);
		if (!guest->is_there)
			fprintf(stderr, "vmscope: there is no recording of guest %s\n",
				guest->name);
	}
}

void record_guests_deinit(struct record_guests *g)
{
	vec_each (guest, &g->all) {
		free(guest->name);
		free(guest->where);
		free(guest->path);
		free(guest->log);
	}
	vec_deinit(&g->all);
}
