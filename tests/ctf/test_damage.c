/*
 * test_damage all|some TRACE: what a damaged trace still gives.
 *
 * `all` cuts each stream file at every byte and flips every bit of it; `some` does so at random
 * places of the first packets. Whatever the damage, the events of the packets it is not in must be
 * read, and be the same. The metadata is flipped and cut too, which has to be survived: what a flip
 * makes unreadable is refused and said, but for few places where what is wrong is as likely as what
 * was right (a size, an id); a long one's flips cost the events of one class at most, but for those
 * in the few blocks that nothing can be read without.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "input/ctf/cursor.h"
#include "input/ctf/trace.h"
#include "random_type.h"

/* Of the metadata every byte is damaged, under a sanitizer one in five. */
#if defined(__SANITIZE_ADDRESS__)
enum { METADATA_STEP = 5 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { METADATA_STEP = 5 };
#else
enum { METADATA_STEP = 1 };
#endif
#else
enum { METADATA_STEP = 1 };
#endif

enum { SLICE_PACKETS = 5, SOME = 400, KEPT_PERCENT = 95, SILENT_PERCENT = 1 };

struct seen {
	uint64_t packet; /* byte offset */
	int64_t ns;
	uint64_t id;   /* of the class */
	uint64_t hash; /* of class and fields */
};

struct reading {
	VEC(struct seen) events;
	VEC(uint64_t) packets; /* where each ends, in bytes; of the undamaged file */
	uint64_t damage;
};

struct file {
	char name[64];
	uint8_t *data;
	size_t n;
};

struct test {
	char dir[64];
	struct file metadata, stream;
	struct reading whole; /* what the undamaged trace gives */
	unsigned failures, opened;
	unsigned flips, cuts; /* of the metadata */
	unsigned kept;	      /* flips that cost one class at most */
	unsigned silent;      /* flips that cost something, which is not said */
};

static void mix(struct seen *e, uint64_t v)
{
	e->hash = (e->hash ^ v) * UINT64_C(0x100000001b3);
}

static void mix_integer(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value)
{
	(void)fc;
	(void)name;
	mix(ctx, value);
}

static void mix_bytes(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at,
		      size_t n)
{
	(void)fc;
	(void)name;
	for (size_t i = 0; i < n; i++)
		mix(ctx, at[i]);
}

static const struct ctf_visitor mixer = {.integer = mix_integer, .bytes = mix_bytes};

static void read_stream(const struct ctf_trace *t, const struct ctf_stream *s,
			const struct ctf_plan *plan, struct reading *out)
{
	struct ctf_cursor c;
	int r;

	ctf_cursor_init(&c, t, s, plan, true, INT64_MIN);
	while ((r = ctf_cursor_next(&c, NULL)) != CTF_CURSOR_END) {
		if (r != CTF_CURSOR_EVENT)
			continue;
		struct seen *e = vec_push(&out->events);

		*e = (struct seen){
			.packet = c.packet.offset, .ns = c.ns, .id = c.cls->id, .hash = c.cls->id};
		for (enum ctf_scope scope = CTF_EVENT_COMMON_CONTEXT; scope <= CTF_EVENT_PAYLOAD;
		     scope++)
			ctf_cursor_visit(&c, scope, &mixer, e);
		uint64_t end = c.packet.offset + c.packet.size;

		if (!out->packets.n || out->packets.at[out->packets.n - 1] != end)
			*vec_push(&out->packets) = end;
	}
	for (int i = 0; i < DIAG_N; i++)
		out->damage += c.diags.at[i].count != 0;
	ctf_cursor_deinit(&c);
}

/* Return: whether the trace could be opened at all. */
static bool read_trace(const char *dir, struct reading *out)
{
	struct ctf_trace *t;
	struct error err = {0};

	*out = (struct reading){0};
	if (ctf_trace_open(&t, dir, &err)) {
		error_deinit(&err);
		return false;
	}
	struct ctf_plan *plan = ctf_plan_new(&t->type, NULL, NULL);

	vec_each (s, &t->streams)
		read_stream(t, s, plan, out);
	ctf_plan_free(plan);
	ctf_trace_free(t);
	return true;
}

static void free_reading(struct reading *r)
{
	vec_deinit(&r->events);
	vec_deinit(&r->packets);
}

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void load(struct file *f, const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *in = fopen(path, "r");
	struct stat st;

	if (!in || fstat(fileno(in), &st))
		die(path);
	f->n = (size_t)st.st_size;
	f->data = mem_alloc(f->n + 1);
	if (fread(f->data, 1, f->n, in) != f->n)
		die(path);
	fclose(in);
	free(path);
	snprintf(f->name, sizeof(f->name), "%s", name);
}

static void store(const struct test *t, const struct file *f, size_t n)
{
	char *path = mem_printf("%s/%s", t->dir, f->name);
	int fd = open(path, O_WRONLY | O_CREAT, 0666);

	/* Not truncated first: some file systems then wait for the disk. */
	if (fd < 0 || write(fd, f->data, n) != (ssize_t)n || ftruncate(fd, (off_t)n) || close(fd))
		die(path);
	free(path);
}

/* The index of the undamaged packet that holds a byte. */
static size_t packet_of(const struct test *t, uint64_t byte)
{
	size_t i = 0;

	while (i < t->whole.packets.n && byte >= t->whole.packets.at[i])
		i++;
	return i;
}

static uint64_t begin_of(const struct test *t, size_t packet)
{
	return packet ? t->whole.packets.at[packet - 1] : 0;
}

/* The next event at or after *i that does not lie in [begin, end). Return: NULL when none. */
static const struct seen *next_outside(const struct reading *r, size_t *i, uint64_t begin,
				       uint64_t end)
{
	for (; *i < r->events.n; (*i)++) {
		const struct seen *e = &r->events.at[*i];

		if (e->packet < begin || e->packet >= end)
			return &r->events.at[(*i)++];
	}
	return NULL;
}

/*
 * Compares what was read outside of the bytes [begin, end) with what the whole trace gives there.
 */
static bool same_outside(const struct test *t, const struct reading *r, uint64_t begin,
			 uint64_t end)
{
	size_t i = 0, j = 0;

	for (;;) {
		const struct seen *a = next_outside(&t->whole, &i, begin, end);
		const struct seen *b = next_outside(r, &j, begin, end);

		if (!a || !b)
			return a == b;
		if (a->packet != b->packet || a->ns != b->ns || a->hash != b->hash)
			return false;
	}
}

static void check(struct test *t, const char *what, uint64_t byte, unsigned bit, bool to_end)
{
	struct reading r;
	size_t packet = packet_of(t, byte);
	uint64_t begin = begin_of(t, packet);
	uint64_t end =
		to_end || packet == t->whole.packets.n ? UINT64_MAX : t->whole.packets.at[packet];
	bool good = read_trace(t->dir, &r) && same_outside(t, &r, begin, end);

	if (!good) {
		t->failures++;
		printf("%s at byte %" PRIu64 " bit %u, of packet %zu at %" PRIu64
		       ": other packets differ\n",
		       what, byte, bit, packet, begin);
	}
	free_reading(&r);
}

static void flip(struct test *t, size_t byte, unsigned bit)
{
	t->stream.data[byte] ^= (uint8_t)(1u << bit);
	store(t, &t->stream, t->stream.n);
	t->stream.data[byte] ^= (uint8_t)(1u << bit);
	check(t, "flip", byte, bit, false);
}

static void cut(struct test *t, size_t at)
{
	store(t, &t->stream, at);
	check(t, "cut", at, 0, true);
}

static bool same_event(const struct seen *a, const struct seen *b)
{
	return a->packet == b->packet && a->ns == b->ns && a->hash == b->hash;
}

/* Return: whether what was read is all there is, but for events of one class. */
static bool same_but_one_class(const struct reading *whole, const struct reading *r)
{
	uint64_t touched = 0;
	bool has_touched = false;
	size_t k = 0;

	vec_each (e, &whole->events) {
		if (k < r->events.n && same_event(e, &r->events.at[k])) {
			k++;
			continue;
		}
		if (has_touched && e->id != touched)
			return false;
		touched = e->id;
		has_touched = true;
		/* It was read, but wrongly. */
		if (k < r->events.n && r->events.at[k].packet == e->packet &&
		    r->events.at[k].ns == e->ns)
			k++;
	}
	return k == r->events.n;
}

static bool same_all(const struct reading *whole, const struct reading *r)
{
	bool same = whole->events.n == r->events.n;

	for (size_t i = 0; same && i < r->events.n; i++)
		same = same_event(&whole->events.at[i], &r->events.at[i]);
	return same;
}

static void survive_metadata(struct test *t, bool is_flip)
{
	struct reading r;
	bool opened = read_trace(t->dir, &r);

	t->opened += opened;
	t->kept += is_flip && opened && same_but_one_class(&t->whole, &r);
	t->silent += is_flip && opened && !r.damage && !same_all(&t->whole, &r);
	free_reading(&r);
}

static void flip_metadata(struct test *t, size_t byte, uint8_t with)
{
	t->metadata.data[byte] ^= with;
	store(t, &t->metadata, t->metadata.n);
	t->metadata.data[byte] ^= with;
	t->flips++;
	survive_metadata(t, true);
}

static void cut_metadata(struct test *t, size_t at)
{
	t->cuts++;
	store(t, &t->metadata, at);
	survive_metadata(t, false);
}

static void damage_all(struct test *t)
{
	for (size_t i = 0; i < t->stream.n; i++) {
		cut(t, i);
		for (unsigned bit = 0; bit < 8; bit++)
			flip(t, i, bit);
	}
	store(t, &t->stream, t->stream.n);
	for (size_t i = 0; i < t->metadata.n; i += METADATA_STEP) {
		cut_metadata(t, i);
		flip_metadata(t, i, (uint8_t)(1u << (i & 7)));
	}
}

/* Half of the places are in the first bytes of packets, where their headers are. */
static size_t some_place(struct test *t, uint64_t *rng)
{
	if (random_below(rng, 2))
		return random_below(rng, t->stream.n);
	size_t at = begin_of(t, random_below(rng, t->whole.packets.n)) + random_below(rng, 100);

	return at < t->stream.n ? at : 0;
}

static void damage_some(struct test *t)
{
	uint64_t rng = 5;

	for (unsigned i = 0; i < SOME; i++) {
		flip(t, some_place(t, &rng), (unsigned)random_below(&rng, 8));
		if (i % 4 == 0)
			cut(t, some_place(t, &rng));
	}
	store(t, &t->stream, t->stream.n);
	for (unsigned i = 0; i < SOME / 4; i++) {
		flip_metadata(t, random_below(&rng, t->metadata.n),
			      (uint8_t)(1u << random_below(&rng, 8)));
		flip_metadata(t, random_below(&rng, t->metadata.n),
			      (uint8_t)(1 + random_below(&rng, 255)));
		if (i % 4 == 0)
			cut_metadata(t, random_below(&rng, t->metadata.n));
	}
}

/* The name of the trace's first stream file. Return: to be freed. */
static char *stream_name(const char *dir)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);
	char *name = NULL;

	for (int i = 0; i < n; i++) {
		const char *d = entries[i]->d_name;

		if (!name && d[0] != '.' && strcmp(d, "metadata") && strcmp(d, "index"))
			name = mem_strdup(d);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	if (!name)
		die(dir);
	return name;
}

/* Leaves the first packets only. */
static void slice(struct test *t)
{
	struct reading r;

	if (!read_trace(t->dir, &r) || r.packets.n < SLICE_PACKETS)
		die("slice");
	t->stream.n = r.packets.at[SLICE_PACKETS - 1];
	free_reading(&r);
	store(t, &t->stream, t->stream.n);
}

static void clean_up(struct test *t)
{
	const struct file *files[] = {&t->metadata, &t->stream};

	for (int i = 0; i < 2; i++) {
		char *path = mem_printf("%s/%s", t->dir, files[i]->name);

		unlink(path);
		free(path);
		free(files[i]->data);
	}
	rmdir(t->dir);
	free_reading(&t->whole);
}

int main(int argc, char **argv)
{
	struct test t = {.dir = "/tmp/vmscope-damage-XXXXXX"};

	if (argc != 3)
		return EXIT_FAILURE;
	bool all = !strcmp(argv[1], "all");
	char *name = stream_name(argv[2]);

	if (!mkdtemp(t.dir))
		die(t.dir);
	load(&t.metadata, argv[2], "metadata");
	load(&t.stream, argv[2], name);
	store(&t, &t.metadata, t.metadata.n);
	store(&t, &t.stream, t.stream.n);
	if (!all)
		slice(&t);
	if (!read_trace(t.dir, &t.whole) || !t.whole.events.n || t.whole.damage)
		die("the undamaged trace");
	if (all)
		damage_all(&t);
	else
		damage_some(&t);
	printf("%zu events in %zu packets; %u times other packets differed; of %u flipped and %u cut "
	       "metadata %u were read; after %u flips nothing was lost but one class, after %u something "
	       "was, which is not said\n",
	       t.whole.events.n, t.whole.packets.n, t.failures, t.flips, t.cuts, t.opened, t.kept,
	       t.silent);
	bool good = !t.failures && t.silent * 100 <= t.flips * SILENT_PERCENT &&
		    (all || t.kept * 100 >= t.flips * KEPT_PERCENT);

	clean_up(&t);
	free(name);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
