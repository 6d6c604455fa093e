#include "input/feed.h"

#include <stdlib.h>
#include <string.h>

#include "input/tracedat/pages.h"
#include "input/tracedat/recording.h"
#include "input/tracedat/ring.h"
#include "input/tracedat/scale.h"

/* One stream of the file that is replayed. */
struct feed_source {
	struct tracedat_pages pages;
	struct fed_page next; /* borrowed: what is to be pulled */
	int64_t begin;	      /* ns: of its events, or those before it */
	bool ended;
};

struct feed {
	struct tracedat *trace;
	struct fed_pages *streams; /* owned; as the recording's */
	struct tracedat *file;	   /* owned; a replay's, or NULL */
	struct feed_source *sources;
	uint64_t kept;	       /* bytes */
	uint8_t *room;	       /* owned; see feed_room(), or NULL */
	VEC(uint8_t *) spares; /* owned; like it, of those that are forgotten */
};

/* ---- life ------------------------------------------------------------------------------------ */

static struct feed *feed_new(struct tracedat *t)
{
	struct feed *f = mem_zalloc(1, sizeof(*f));

	f->trace = t;
	t->base.name = mem_strdup(t->base.hostname ? t->base.hostname : "host");
	f->streams = mem_zalloc(t->streams.n, sizeof(*f->streams));
	for (size_t i = 0; i < t->streams.n; i++)
		t->streams.at[i].fed = &f->streams[i];
	return f;
}

static void feed_free_source(struct feed *f)
{
	for (size_t i = 0; f->sources && i < f->file->streams.n; i++)
		tracedat_pages_deinit(&f->sources[i].pages);
	free(f->sources);
	if (f->file)
		recording_free(&f->file->base);
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->trace->streams.n; i++) {
		for (size_t k = f->streams[i].from; k < f->streams[i].at.n; k++)
			free(f->streams[i].at.at[k].at);
		vec_deinit(&f->streams[i].at);
	}
	free(f->streams);
	vec_each (spare, &f->spares)
		free(*spare);
	vec_deinit(&f->spares);
	free(f->room);
	feed_free_source(f);
	recording_free(&f->trace->base);
	free(f);
}

struct recording *feed_recording(const struct feed *f)
{
	return &f->trace->base;
}

/* ---- live ------------------------------------------------------------------------------------ */

static bool feed_is_big_endian(void)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
}

static void feed_add_cpus(struct tracedat *t, const struct feed_live *live)
{
	for (size_t i = 0; i < live->n_cpus; i++) {
		*vec_push(&t->streams) = (struct tracedat_stream){.page_size = live->page_size,
								  .scale = tracedat_scale_ns(0),
								  .slack = UINT64_C(1000000000)};
		*vec_push(&t->base.streams) =
			(struct recording_stream){.cpu = live->cpus[i], .has_cpu = true};
	}
}

int feed_new_live(struct feed **fp, const struct feed_live *live, const struct feed_format *formats,
		  size_t n_formats, struct error *err)
{
	struct tracedat *t = mem_zalloc(1, sizeof(*t));
	struct error ignored = {0};

	*fp = NULL;
	t->base.ops = &tracedat_ops;
	t->file = "tracefs";
	t->is_live = true;
	t->version = 7;
	t->big_endian = feed_is_big_endian();
	t->page_size = live->page_size;
	t->long_size = live->long_size;
	t->data_at = live->data_at;
	t->formats = (struct ftrace_formats){.arena = &t->base.arena,
					     .big_endian = t->big_endian,
					     .is_x86_64 = live->is_x86_64,
					     .long_size = live->long_size};
	for (size_t i = 0; i < n_formats; i++)
		ftrace_formats_add(&t->formats, formats[i].system, formats[i].text, formats[i].size,
				   &ignored);
	error_deinit(&ignored);
	*vec_push(&t->base.clocks) = (struct recording_clock){
		.name = arena_strdup(&t->base.arena, live->clock), .frequency = 1000000000};
	t->base.kernel = live->kernel ? arena_strdup(&t->base.arena, live->kernel) : NULL;
	t->base.hostname = live->hostname ? arena_strdup(&t->base.arena, live->hostname) : NULL;
	feed_add_cpus(t, live);
	tracedat_describe(t);
	/* Only what was enabled is described. */
	t->base.lists_unrecorded = false;
	t->base.tracer = "ftrace";
	if (!t->formats.all.n || live->data_at >= live->page_size) {
		recording_free(&t->base);
		return error_set(err, "tracefs does not describe its events");
	}
	*fp = feed_new(t);
	return 0;
}

/* ---- replay ---------------------------------------------------------------------------------- */

static void feed_look_at_time(struct feed_source *s, const struct tracedat *t)
{
	struct ring_shape shape = {
		.big_endian = t->big_endian, .long_size = t->long_size, .data_at = t->data_at};
	struct ring r;

	if (s->next.at &&
	    tracedat_ring_enter(&r, &shape, s->next.at, s->next.n, s->pages.stream->page_size))
		s->begin = tracedat_scale_to_ns(&s->pages.stream->scale, r.begin);
}

/* Finds what is to be pulled from a stream next. */
static void feed_fetch(struct feed *f, size_t stream)
{
	struct feed_source *s = &f->sources[stream];
	struct page page = {0};
	int r = tracedat_pages_next(&s->pages, &page);

	s->ended = r == PAGES_END;
	f->streams[stream].ended = s->ended;
	if (s->ended)
		return;
	if (r == PAGES_DAMAGED)
		page = (struct page){.place = s->pages.kept[s->pages.current].place};
	s->next = (struct fed_page){.at = (uint8_t *)page.at,
				    .n = (uint32_t)page.n,
				    .place = page.place,
				    .ends_stretch = tracedat_pages_changes(&s->pages)};
	feed_look_at_time(s, f->file);
}

int feed_new_replay(struct feed **fp, const char *path, const struct input_options *options,
		    struct error *err)
{
	struct recording *twin, *file;

	*fp = NULL;
	if (tracedat_open(&twin, path, options, err))
		return ERR;
	if (tracedat_open(&file, path, options, err)) {
		recording_free(twin);
		return ERR;
	}
	struct feed *f = *fp = feed_new((struct tracedat *)twin);

	f->file = (struct tracedat *)file;
	f->sources = mem_zalloc(f->file->streams.n, sizeof(*f->sources));
	for (size_t i = 0; i < f->file->streams.n; i++) {
		f->sources[i].begin = INT64_MIN;
		tracedat_pages_init(&f->sources[i].pages, f->file, i);
		feed_fetch(f, i);
	}
	return 0;
}

/* ---- sub-buffers come ------------------------------------------------------------------------ */

static void feed_keep(struct feed *f, size_t stream, const struct fed_page *page)
{
	struct fed_page *kept = vec_push(&f->streams[stream].at);

	*kept = *page;
	kept->at = NULL;
	if (!page->at)
		return;
	kept->at = mem_alloc(page->n + 1);
	memcpy(kept->at, page->at, page->n);
	f->kept += page->n;
}

uint8_t *feed_room(struct feed *f)
{
	if (!f->room)
		f->room =
			f->spares.n ? f->spares.at[--f->spares.n] : mem_alloc(f->trace->page_size);
	return f->room;
}

/* The kernel damages none: each is judged by itself. */
void feed_push(struct feed *f, size_t stream, size_t n)
{
	struct fed_pages *pages = &f->streams[stream];

	*vec_push(&pages->at) = (struct fed_page){.at = f->room,
						  .n = (uint32_t)n,
						  .place = pages->first + pages->at.n - pages->from,
						  .ends_stretch = true};
	f->room = NULL;
	f->kept += n;
}

bool feed_pull(struct feed *f)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < f->file->streams.n; i++) {
		if (!f->sources[i].ended &&
		    (first == SIZE_MAX || f->sources[i].begin < f->sources[first].begin))
			first = i;
	}
	if (first == SIZE_MAX)
		return false;
	feed_keep(f, first, &f->sources[first].next);
	feed_fetch(f, first);
	return true;
}

/* Return: when the next event of the stream is at the earliest. */
static int64_t feed_next_ns(const struct feed *f, size_t stream)
{
	const struct feed_source *s = &f->sources[stream];
	const struct fed_pages *pages = &f->streams[stream];
	const struct fed_page *last =
		pages->at.n > pages->from ? &pages->at.at[pages->at.n - 1] : NULL;
	struct feed_source held = *s;

	if (s->ended)
		return INT64_MAX;
	if (!last || last->ends_stretch)
		return s->begin;
	/* Readers hold back the last one, until they see what follows. */
	held.next = *last;
	feed_look_at_time(&held, f->file);
	return held.begin < s->begin ? held.begin : s->begin;
}

int64_t feed_complete_ns(const struct feed *f)
{
	int64_t complete = INT64_MAX;

	for (size_t i = 0; i < f->file->streams.n; i++) {
		int64_t next = feed_next_ns(f, i);

		complete = next < complete ? next : complete;
	}
	return complete;
}

void feed_end(struct feed *f)
{
	for (size_t i = 0; i < f->trace->streams.n; i++)
		f->streams[i].ended = true;
}

/* ---- and go ---------------------------------------------------------------------------------- */

/* When the sub-buffer of this index ends at the latest: where the next one begins. */
static int64_t feed_end_ns(const struct feed *f, size_t stream, size_t i)
{
	const struct tracedat *t = f->trace;
	const struct fed_pages *pages = &f->streams[stream];
	const struct fed_page *next = i + 1 < pages->at.n ? &pages->at.at[i + 1] : NULL;

	if (!next || !next->at || next->n < sizeof(uint64_t))
		return INT64_MAX;
	return tracedat_scale_to_ns(&t->streams.at[stream].scale,
				    load_u64(next->at, t->big_endian));
}

/* Moves those that are kept to the front, when as many are not. */
static void feed_pack(struct fed_pages *pages)
{
	if (pages->from * 2 < pages->at.n)
		return;
	memmove(pages->at.at, pages->at.at + pages->from,
		(pages->at.n - pages->from) * sizeof(*pages->at.at));
	pages->at.n -= pages->from;
	pages->from = 0;
}

static void feed_drop_first(struct feed *f, size_t stream)
{
	struct fed_pages *pages = &f->streams[stream];
	struct fed_page *first = &pages->at.at[pages->from];

	f->kept -= first->at ? first->n : 0;
	if (f->file)
		free(first->at);
	else
		*vec_push(&f->spares) = first->at;
	pages->from++;
	pages->first++;
}

/* Return: the stream whose oldest sub-buffer ends first; *endp: when. SIZE_MAX: there is none. */
static size_t feed_oldest(const struct feed *f, int64_t *endp)
{
	size_t oldest = SIZE_MAX;

	*endp = INT64_MAX;
	for (size_t i = 0; i < f->trace->streams.n; i++) {
		int64_t end = f->streams[i].from < f->streams[i].at.n
				      ? feed_end_ns(f, i, f->streams[i].from)
				      : INT64_MAX;

		if (end < *endp) {
			oldest = i;
			*endp = end;
		}
	}
	return oldest;
}

void feed_forget(struct feed *f, int64_t read_ns, int64_t before, uint64_t bytes)
{
	size_t oldest;
	int64_t end;

	while ((oldest = feed_oldest(f, &end)) != SIZE_MAX && end <= read_ns &&
	       (end <= before || f->kept > bytes))
		feed_drop_first(f, oldest);
	for (size_t i = 0; i < f->trace->streams.n; i++)
		feed_pack(&f->streams[i]);
}

uint64_t feed_kept(const struct feed *f)
{
	return f->kept;
}
