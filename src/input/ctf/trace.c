#include "input/ctf/trace.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input/ctf/metadata.h"

#define NS_PER_S 1000000000

static void report_file(struct ctf_trace *t, enum diag_id id, const struct ctf_file *f)
{
	struct diag where = {.first_ns = DIAG_NO_TIME, .file = f->path};

	diag_add(&t->diags, id, 1, &where);
}

static void report_metadata(struct ctf_trace *t)
{
	struct diag where = {.first_ns = DIAG_NO_TIME};

	if (t->type.n_left_out)
		diag_add(&t->diags, DIAG_METADATA_DAMAGED, t->type.n_left_out, &where);
	if (t->type.n_mended)
		diag_add(&t->diags, DIAG_METADATA_MENDED, t->type.n_mended, &where);
}

static int read_metadata(struct ctf_trace *t, const char *dir, struct error *err)
{
	struct file_map map;
	uint64_t dropped = 0;
	char *path = mem_printf("%s/metadata", dir);
	int r = file_map_init(&map, path, err);

	if (!r) {
		t->metadata_size = map.size;
		r = ctf_metadata_parse(&t->type, map.data, map.size, &dropped, err);
		if (r)
			error_wrap(err, "cannot read '%s'", path);
		file_map_deinit(&map);
	}
	if (dropped) {
		struct diag where = {.first_ns = DIAG_NO_TIME,
				     .packet = t->metadata_size - dropped};

		diag_add(&t->diags, DIAG_METADATA_CUT, 1, &where);
	}
	if (!r)
		report_metadata(t);
	free(path);
	return r;
}

/* Directories (LTTng's index/) are none; what is neither is reported when it cannot be mapped. */
static bool is_stream_file(const char *dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_name[0] == '.' || !strcmp(e->d_name, "metadata"))
		return false;
	if (e->d_type == DT_REG || e->d_type == DT_DIR)
		return e->d_type == DT_REG;
	char *path = mem_printf("%s/%s", dir, e->d_name);
	bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	free(path);
	return !is_dir;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

/* Return: whether it is mapped. */
static bool add_file(struct ctf_trace *t, const char *dir, const char *name)
{
	struct error err = {0};
	struct ctf_file *f = mem_zalloc(1, sizeof(*f));

	f->path = mem_printf("%s/%s", dir, name);
	*vec_push(&t->files) = f;
	f->is_unreadable = file_map_init(&f->map, f->path, &err) != 0;
	if (f->is_unreadable)
		report_file(t, DIAG_FILE_UNREADABLE, f);
	f->index = ctf_index_of(f->path);
	error_deinit(&err);
	return f->map.data && !f->map.is_read;
}

/* Half of what a process may map, for each of them is two while it is read. */
enum { MAPPED_MAX = 30000 };

static int read_directory(struct ctf_trace *t, const char *dir, struct error *err)
{
	struct dirent **entries;
	size_t n_mapped = 0;
	int n = scandir(dir, &entries, NULL, by_name);

	if (n < 0)
		return error_errno(err, errno, "cannot list '%s'", dir);
	for (int i = 0; i < n; i++) {
		if (n_mapped <= MAPPED_MAX && is_stream_file(dir, entries[i]))
			n_mapped += add_file(t, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (n_mapped <= MAPPED_MAX)
		return 0;
	return error_set(
		err,
		"'%s' has more than %d stream files that are not small, which is more than "
		"can be open: give fewer at a time, or record with larger files",
		dir, MAPPED_MAX);
}

struct ctf_packets ctf_trace_packets(const struct ctf_trace *t, const struct ctf_file *f,
				     struct file_window *window, struct diag_list *diags)
{
	file_window_init(window, &f->map);
	return (struct ctf_packets){.type = &t->type,
				    .data = f->map.data,
				    .size = f->map.size,
				    .name = f->path,
				    .window = window,
				    .diags = diags};
}

/*
 * Where packets have no stream id, files of one name in the parts of a recording are one stream.
 * The CPU has to be the same: a damaged id must not mix two of them.
 */
static bool is_stream_of(const struct ctf_stream *s, const struct ctf_file *f,
			 const struct ctf_packet *p)
{
	bool has_cpu = CTF_HAS(p, CTF_ROLE_CPU_ID);

	if (s->cls != p->cls || s->has_id != CTF_HAS(p, CTF_ROLE_STREAM_ID) ||
	    s->has_cpu != has_cpu || (has_cpu && s->cpu != (uint32_t)p->cpu))
		return false;
	return s->has_id ? s->id == p->stream_id
			 : !strcmp(ctf_index_base_name(s->files.at[0]->path),
				   ctf_index_base_name(f->path));
}

static struct ctf_stream *find_stream(struct ctf_trace *t, const struct ctf_file *f,
				      const struct ctf_packet *p)
{
	vec_each (s, &t->streams) {
		if (is_stream_of(s, f, p))
			return s;
	}
	return NULL;
}

static struct ctf_stream *new_stream(struct ctf_trace *t, const struct ctf_packet *p)
{
	struct ctf_stream *s = vec_push(&t->streams);

	s->cls = p->cls;
	s->has_id = CTF_HAS(p, CTF_ROLE_STREAM_ID);
	s->id = s->has_id ? p->stream_id : t->streams.n - 1;
	s->has_cpu = CTF_HAS(p, CTF_ROLE_CPU_ID);
	s->cpu = (uint32_t)p->cpu;
	return s;
}

static bool same_origin(const struct ctf_packet *a, const struct ctf_packet *b)
{
	return a->cls == b->cls && a->stream_id == b->stream_id && a->cpu == b->cpu;
}

/*
 * Reads the first packet into f->first. Return: 1 with *originp a packet that says truly whose the
 * file is: the second, where it and the third one contradict the first; 0 when there is none.
 */
static int read_first(const struct ctf_packets *src, struct ctf_file *f, struct ctf_reader *r,
		      struct ctf_packet *originp)
{
	struct ctf_packet *a = &f->first, b, c;

	if (!ctf_packet_read(src, 0, r, a))
		return 0;
	*originp = *a;
	if (ctf_packet_read(src, a->offset + a->size, r, &b) && !same_origin(a, &b) &&
	    ctf_packet_read(src, b.offset + b.size, r, &c) && same_origin(&b, &c))
		*originp = b;
	return 1;
}

/* No machine has a CPU of such a number. */
enum { CPUS_MAX = 1 << 16 };

/*
 * The CPU in the first packet of a file may be damaged. LTTng calls files after their CPUs: where
 * that of the name is the second packet's, or the first one's cannot be, the name is right.
 */
static void trace_mend_cpu(struct ctf_trace *t, const struct ctf_packets *src,
			   const struct ctf_file *f, struct ctf_reader *r,
			   struct ctf_packet *origin)
{
	int64_t named = ctf_index_cpu_of(f->path);
	const struct ctf_packet *a = &f->first;
	struct ctf_packet b;

	if (named >= 0 && CTF_HAS(origin, CTF_ROLE_CPU_ID) && origin->cpu != (uint64_t)named) {
		bool is_second = ctf_packet_read(src, a->offset + a->size, r, &b) &&
				 b.cls == a->cls && b.cpu == (uint64_t)named;

		if (is_second || origin->cpu >= CPUS_MAX)
			origin->cpu = (uint64_t)named;
	}
	if (origin->cpu != a->cpu)
		report_file(t, DIAG_PACKET_CPU, f);
}

static void assign_file(struct ctf_trace *t, struct ctf_file *f, uint64_t *saved)
{
	struct ctf_reader r;
	struct ctf_packet origin;
	struct diag_list found = {0};
	struct file_window window;
	struct ctf_packets src = ctf_trace_packets(t, f, &window, &found);

	t->size += f->map.size;
	ctf_reader_init(&r, saved);
	int is_read = read_first(&src, f, &r, &origin);
	if (is_read)
		trace_mend_cpu(t, &src, f, &r, &origin);
	file_window_deinit(&window);
	if (!is_read) {
		/* No cursor will meet this damage again. */
		diag_merge(&t->diags, &found);
		if (!f->map.size && !f->is_unreadable)
			report_file(t, DIAG_STREAM_EMPTY, f);
		return;
	}
	struct ctf_stream *s = find_stream(t, f, &origin);

	if (!s)
		s = new_stream(t, &origin);
	*vec_push(&s->files) = f;
}

static int by_begin(const void *a, const void *b)
{
	const struct ctf_file *x = *(struct ctf_file *const *)a, *y = *(struct ctf_file *const *)b;

	if (x->first.begin != y->first.begin)
		return x->first.begin < y->first.begin ? -1 : 1;
	return strverscmp(x->path, y->path);
}

static int by_cpu(const void *a, const void *b)
{
	const struct ctf_stream *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return strverscmp(x->files.at[0]->path, y->files.at[0]->path);
}

/* Forgets what assigning files to streams has reported: it will be reported once more. */
static void forget_found(struct diag_list *diags)
{
	static const enum diag_id found[] = {DIAG_STREAM_EMPTY,	 DIAG_STREAM_SHARED,
					     DIAG_PACKET_CPU,	 DIAG_PACKET_MAGIC,
					     DIAG_PACKET_HEADER, DIAG_PACKET_STREAM};

	for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++)
		diags->at[found[i]] = (struct diag){0};
}

static void drop_streams(struct ctf_trace *t)
{
	vec_each (s, &t->streams)
		vec_deinit(&s->files);
	vec_deinit(&t->streams);
	t->size = 0;
}

/* ---- streams that share an id ---------------------------------------------------------------- */

static bool is_same_directory(const struct ctf_file *a, const struct ctf_file *b)
{
	size_t n = (size_t)(ctf_index_base_name(a->path) - a->path);

	return n == (size_t)(ctf_index_base_name(b->path) - b->path) &&
	       !memcmp(a->path, b->path, n);
}

/*
 * Return: whether b begins while a goes on, so that it is no later part of the same stream. One
 * packet that says so may be damaged; and what begins with a packet of a's is a copy.
 */
static bool trace_files_overlap(const struct ctf_trace *t, const struct ctf_file *a,
				const struct ctf_file *b, uint64_t *saved)
{
	struct file_window window;
	struct diag_list ignored = {0};
	struct ctf_packets src = ctf_trace_packets(t, a, &window, &ignored);
	struct ctf_packet p = a->first;
	struct ctf_reader r;
	uint64_t n = 0, later = 0, offset = 0;
	bool is_copy = false;

	if (!CTF_HAS(&b->first, CTF_ROLE_BEGIN_TIME) || !is_same_directory(a, b))
		return false;
	ctf_reader_init(&r, saved);
	for (; later < 2 && ctf_packet_read(&src, offset, &r, &p); offset = p.offset + p.size) {
		is_copy |= p.begin == b->first.begin && p.end == b->first.end;
		later += p.begin > b->first.begin;
		n++;
	}
	file_window_deinit(&window);
	if (is_copy)
		return false;
	return later > 1 || (n == 1 && CTF_HAS(&p, CTF_ROLE_END_TIME) && p.end > b->first.begin);
}

static struct ctf_stream *trace_add_stream_like(struct ctf_trace *t, size_t i)
{
	struct ctf_stream *s = vec_push(&t->streams);

	*s = t->streams.at[i];
	memset(&s->files, 0, sizeof(s->files));
	return s;
}

/*
 * Of several files that say they are stream i's: those that go on at the same time are streams of
 * their own.
 */
static void trace_split_stream(struct ctf_trace *t, size_t i, uint64_t *saved)
{
	struct ctf_stream whole = t->streams.at[i];
	size_t first = t->streams.n;

	memset(&t->streams.at[i].files, 0, sizeof(whole.files));
	*vec_push(&t->streams.at[i].files) = whole.files.at[0];
	for (size_t k = 1; k < whole.files.n; k++) {
		struct ctf_stream *to = NULL;

		for (size_t s = i; !to && s < t->streams.n; s = s == i ? first : s + 1) {
			struct ctf_stream *own = &t->streams.at[s];

			if (!trace_files_overlap(t, own->files.at[own->files.n - 1],
						 whole.files.at[k], saved))
				to = own;
		}
		if (!to) {
			to = trace_add_stream_like(t, i);
			report_file(t, DIAG_STREAM_SHARED, whole.files.at[k]);
		}
		*vec_push(&to->files) = whole.files.at[k];
	}
	vec_deinit(&whole.files);
}

static void trace_split_streams(struct ctf_trace *t, uint64_t *saved)
{
	for (size_t i = 0, n = t->streams.n; i < n; i++) {
		if (t->streams.at[i].has_id && t->streams.at[i].files.n > 1)
			trace_split_stream(t, i, saved);
	}
}

/* Assigns the files from number `from` on to streams. */
static void build_streams(struct ctf_trace *t, size_t from)
{
	uint64_t *saved = mem_zalloc(t->type.n_saves + 1, sizeof(*saved));

	for (size_t i = from; i < t->files.n; i++)
		assign_file(t, t->files.at[i], saved);
	vec_each (s, &t->streams)
		qsort(s->files.at, s->files.n, sizeof(*s->files.at), by_begin);
	trace_split_streams(t, saved);
	free(saved);
	if (t->streams.n)
		qsort(t->streams.at, t->streams.n, sizeof(*t->streams.at), by_cpu);
}

int ctf_trace_open(struct ctf_trace **tracep, const char *dir, struct error *err)
{
	struct ctf_trace *t = mem_zalloc(1, sizeof(*t));

	t->path = mem_strdup(dir);
	int r = read_metadata(t, dir, err);

	if (!r)
		r = read_directory(t, dir, err);
	if (r) {
		ctf_trace_free(t);
		return r;
	}
	build_streams(t, 0);
	*tracep = t;
	return 0;
}

bool ctf_trace_same(const struct ctf_trace *a, const struct ctf_trace *b)
{
	return a->type.has_uuid && b->type.has_uuid &&
	       memcmp(a->type.uuid, b->type.uuid, sizeof(a->type.uuid)) == 0;
}

static uint32_t damage_of(const struct ctf_trace *t)
{
	return t->type.n_left_out + t->type.n_mended;
}

/* Return: whether b's metadata is of more use than a's. */
static bool is_better(const struct ctf_trace *b, const struct ctf_trace *a)
{
	if (b->type.n_event_classes != a->type.n_event_classes)
		return b->type.n_event_classes > a->type.n_event_classes;
	return damage_of(b) < damage_of(a);
}

/* The damage of metadata that is not used is no damage any more. */
static void forgive_metadata(struct ctf_trace *t)
{
	static const enum diag_id damage[] = {DIAG_METADATA_DAMAGED, DIAG_METADATA_MENDED};
	struct diag where = {.first_ns = DIAG_NO_TIME};
	uint32_t n = damage_of(t);

	for (size_t i = 0; i < sizeof(damage) / sizeof(*damage); i++)
		t->diags.at[damage[i]] = (struct diag){0};
	if (n)
		diag_add(&t->diags, DIAG_METADATA_MENDED, n, &where);
}

static void swap_types(struct ctf_trace *a, struct ctf_trace *b)
{
	struct ctf_trace_type type = a->type;

	a->type = b->type;
	b->type = type;
}

void ctf_trace_merge(struct ctf_trace *a, struct ctf_trace *b)
{
	size_t from = a->files.n;
	bool better = is_better(b, a);

	forgive_metadata(better ? a : b);
	if (better) {
		swap_types(a, b);
		/* The streams' classes are of the other type: all files are assigned anew. */
		drop_streams(a);
		forget_found(&a->diags);
		from = 0;
	}
	vec_each (f, &b->files)
		*vec_push(&a->files) = *f;
	b->files.n = 0;
	forget_found(&b->diags);
	diag_merge(&a->diags, &b->diags);
	ctf_trace_free(b);
	build_streams(a, from);
}

static bool says_uuid(const struct ctf_trace_type *t)
{
	for (uint32_t i = 0; t->packet_header && i < t->packet_header->n_members; i++) {
		if (t->packet_header->members[i].fc->role == CTF_ROLE_UUID)
			return t->has_uuid;
	}
	return false;
}

/* Return: whether a packet in part's files says that it is of this trace. */
static bool has_packets_of(const struct ctf_trace *t, const struct ctf_trace *part)
{
	uint64_t *saved = mem_zalloc(t->type.n_saves + 1, sizeof(*saved));
	struct diag_list ignored = {0};
	bool found = false;

	vec_each (f, &part->files) {
		struct file_window window;
		struct ctf_packets src = ctf_trace_packets(t, *f, &window, &ignored);
		struct ctf_packet packet;
		struct ctf_reader r;

		ctf_reader_init(&r, saved);
		found |= ctf_packet_read(&src, 0, &r, &packet) && !packet.other_uuid;
		file_window_deinit(&window);
	}
	free(saved);
	return found;
}

bool ctf_trace_adopt(struct ctf_trace *t, const char *dir)
{
	struct ctf_trace *part = mem_zalloc(1, sizeof(*part));
	struct error ignored = {0};
	size_t from = t->files.n;

	part->path = mem_strdup(dir);
	bool same = says_uuid(&t->type) && !read_directory(part, dir, &ignored) &&
		    has_packets_of(t, part);
	if (same) {
		struct diag where = {.first_ns = DIAG_NO_TIME};

		vec_each (f, &part->files)
			*vec_push(&t->files) = *f;
		part->files.n = 0;
		diag_merge(&t->diags, &part->diags);
		diag_add(&t->diags, DIAG_METADATA_MENDED, 1, &where);
		build_streams(t, from);
	}
	error_deinit(&ignored);
	ctf_trace_free(part);
	return same;
}

/* Return: in cycles, 0 if no packet says one. */
static uint64_t trace_file_end(const struct ctf_trace *t, const struct ctf_file *f, uint64_t *saved)
{
	struct file_window window;
	struct diag_list ignored = {0};
	struct ctf_packets src = ctf_trace_packets(t, f, &window, &ignored);
	struct ctf_packet p;
	struct ctf_reader r;
	uint64_t end = 0, offset = 0;

	ctf_reader_init(&r, saved);
	for (; ctf_packet_read(&src, offset, &r, &p); offset = p.offset + p.size) {
		end = CTF_HAS(&p, CTF_ROLE_BEGIN_TIME) && p.begin > end ? p.begin : end;
		end = CTF_HAS(&p, CTF_ROLE_END_TIME) && p.end > end ? p.end : end;
	}
	file_window_deinit(&window);
	return end;
}

int64_t ctf_trace_stream_end(const struct ctf_trace *t, size_t stream)
{
	const struct ctf_stream *s = &t->streams.at[stream];
	uint64_t *saved = mem_zalloc(t->type.n_saves + 1, sizeof(*saved));
	uint64_t end = 0;

	vec_each (f, &s->files) {
		uint64_t own = trace_file_end(t, *f, saved);

		end = own > end ? own : end;
	}
	free(saved);
	return end ? ctf_clock_ns(s->cls->clock, end) : INT64_MIN;
}

void ctf_trace_free(struct ctf_trace *t)
{
	if (!t)
		return;
	drop_streams(t);
	vec_each (f, &t->files) {
		file_map_deinit(&(*f)->map);
		free((*f)->path);
		free(*f);
	}
	vec_deinit(&t->files);
	ctf_trace_type_deinit(&t->type);
	free(t->path);
	free(t);
}

int64_t ctf_clock_ns(const struct ctf_clock *clock, uint64_t cycles)
{
	if (!clock)
		return (int64_t)cycles;
	/* Rounded once: two parts, each rounded down, can be 1 ns less than their sum. */
	unsigned __int128 sum = (unsigned __int128)clock->offset_cycles + cycles;

	if (clock->frequency != NS_PER_S)
		sum = sum * NS_PER_S / clock->frequency;
	__int128 ns = (__int128)clock->offset_s * NS_PER_S + (__int128)sum;

	if (ns > INT64_MAX)
		return INT64_MAX;
	return ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}
