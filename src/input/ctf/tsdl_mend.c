/*
 * Damage is mostly one byte. So where a block cannot be read, the bytes around that place are
 * changed, one at a time; what can be read then is what the block may have been:
 *
 *	size = 3r; align = 8;	size = 32; align = 8;	seen elsewhere a thousand times
 *				size = 30; align = 8;	seen nowhere
 *
 * Metadata says the same few things over and over. A change is believed when every other change
 * that can be read means the same, or looks much less likely: less like other places of the text,
 * or not like a word of the language.
 */
#include "input/ctf/tsdl_parser.h"

#include <string.h>

enum {
	/* Around the token that does not fit: */
	FAR_BEFORE = 96, /* bytes of which changes of one bit are tried */
	FAR_BEHIND = 48,
	NEAR = 16, /* bytes of which any change is tried */
	NEAR_BEHIND = 6,

	/* Bounds: of the block, and of the bytes read in all attempts of one metadata, which are so
	 * many and so many more for each of its own. */
	MAX_BLOCK = 1 << 15,
	MIN_WORK = 1 << 20,
	TEXT_WORK = 512,
	MAX_WORK = 16 << 20,
	ATTEMPT_WORK = 256, /* what an attempt counts, whatever its length */
	NODE_WORK = 64,	    /* what a field counts */

	/* How likely a change is. */
	CONTEXT = 6,	   /* bytes on both sides that have to look familiar */
	WORD_SCORE = 64,   /* what being a word of the language counts */
	SCORE_WEIGHT = 32, /* what looking familiar once counts against being one of several changes
			      that mean the same */
	MUCH_LESS = 4,
};

/* What the block may have been, and the likeliest change that makes it that. */
struct reading {
	uint64_t shape;
	size_t at;
	char c;
	uint64_t score, votes; /* votes: changes that mean this */
};

struct mender {
	struct tsdl_parser *p;
	const struct tsdl_damage *d;
	char *block; /* a copy */
	size_t size;
	bool is_foreign; /* it has a byte that no text has: it is damaged for sure */
	VEC(struct reading) readings;
};

/* ---- what a block that was read means ---- */

static void mix(uint64_t *hash, uint64_t v)
{
	*hash = (*hash ^ v) * UINT64_C(0x100000001b3);
	*hash ^= *hash >> 29;
}

static void mix_text(uint64_t *hash, const char *s)
{
	for (; s && *s; s++)
		mix(hash, (unsigned char)*s);
	mix(hash, 0);
}

static bool is_language(const char *s, size_t n)
{
	static const char *const words[] = {
		"event",
		"trace",
		"env",
		"clock",
		"stream",
		"struct",
		"variant",
		"typealias",
		"typedef",
		"enum",
		"integer",
		"string",
		"size",
		"align",
		"signed",
		"byte_order",
		"encoding",
		"floating_point",
		"id",
		"name",
		"fields",
		"context",
		"header",
		"packet",
		"stream_id",
		"major",
		"minor",
		"uuid",
		"freq",
		"offset",
		"offset_s",
		"precision",
		"map",
		"value",
		"exp_dig",
		"mant_dig",
		"timestamp",
		"compact",
		"extended",
		"loglevel",
		"description",
		"magic",
		"timestamp_begin",
		"timestamp_end",
		"packet_size",
		"content_size",
		"events_discarded",
		"packet_seq_num",
		"cpu_id",
		"stream_instance_id",
		"_cpu_id",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strlen(words[i]) == n && !memcmp(words[i], s, n))
			return true;
	}
	return false;
}

/* Only what decides how bytes are read: not the names, but for those that say what a field is. */
static void mix_fc(uint64_t *hash, const struct ctf_fc *fc)
{
	if (!fc) {
		mix(hash, 0);
		return;
	}
	mix(hash, 1 + (uint64_t)fc->kind);
	mix(hash, (uint64_t)fc->size << 32 | fc->align);
	mix(hash, (uint64_t)(fc->is_signed * 4 + fc->big_endian * 2 + fc->is_enum));
	mix(hash, fc->length);
	mix_text(hash, fc->clock ? fc->clock->name : NULL);
	for (uint32_t i = 0; i < fc->path.n_names; i++)
		mix_text(hash, fc->path.names[i]);
	mix_fc(hash, fc->elem);
	for (uint32_t i = 0; i < fc->n_members; i++) {
		const char *name = fc->members[i].name;

		mix(hash, is_language(name, strlen(name)));
		mix_fc(hash, fc->members[i].fc);
	}
	for (uint32_t i = 0; i < fc->n_options; i++) {
		mix_text(hash, fc->options[i].name);
		mix_fc(hash, fc->options[i].fc);
	}
	for (uint32_t i = 0; i < fc->n_labels; i++) {
		mix(hash, fc->labels[i].range.lo);
		mix(hash, fc->labels[i].range.hi);
	}
}

static void mix_classes(uint64_t *hash, const struct tsdl_parser *p, const struct tsdl_mark *m)
{
	for (size_t i = m->n_streams; i < p->result.streams.n; i++) {
		const struct ctf_stream_class *s = p->result.streams.at[i];

		mix(hash, s->id);
		mix_fc(hash, s->packet_context);
		mix_fc(hash, s->event_header);
		mix_fc(hash, s->event_common_context);
	}
	for (size_t i = m->n_events; i < p->result.events.n; i++) {
		const struct ctf_event_class *e = p->result.events.at[i];

		mix(hash, e->id);
		mix(hash, p->event_streams.at[i]);
		mix_fc(hash, e->specific_context);
		mix_fc(hash, e->payload);
	}
}

/* Return: a number that two readings of a block share when they mean the same. */
static uint64_t shape_of(const struct tsdl_parser *p, const struct tsdl_mark *m)
{
	uint64_t hash = 14695981039346656037u;

	mix_classes(&hash, p, m);
	for (size_t i = m->n_named; i < p->named.n; i++) {
		mix_text(&hash, p->named.at[i].name);
		mix_fc(&hash, p->named.at[i].fc);
	}
	for (size_t i = 0; i < p->result.clocks.n; i++) {
		const struct ctf_clock *c = p->result.clocks.at[i];

		mix(&hash, c->frequency);
		mix(&hash, (uint64_t)c->offset_s);
		mix(&hash, c->offset_cycles);
	}
	mix_fc(&hash, p->t->packet_header);
	mix(&hash, p->has_trace);
	return hash;
}

/* ---- trying ---- */

/* An id that another event of the stream has already cannot be this one's. */
static bool is_free(const struct tsdl_parser *p, const struct tsdl_mark *m)
{
	for (size_t i = m->n_events; i < p->result.events.n; i++) {
		for (size_t k = 0; k < m->n_events; k++) {
			const struct ctf_event_class *e = p->result.events.at[k];

			if (e && e->id == p->result.events.at[i]->id &&
			    p->event_streams.at[k] == p->event_streams.at[i])
				return false;
		}
	}
	return true;
}

static bool read_block(struct tsdl_parser *p, const struct mender *m)
{
	tsdl_lexer_go(&p->lx, m->block, m->block + m->size, m->d->line);
	while (p->lx.kind != TSDL_END) {
		if (!tsdl_accept(p, ';') && tsdl_parse_top(p))
			return false;
	}
	return true;
}

/* Clocks that were known before are the one thing that reading a block changes in its place. */
struct saved_clocks {
	VEC(struct ctf_clock) clocks;
	VEC(bool) defined;
};

static void save_clocks(const struct tsdl_parser *p, struct saved_clocks *s)
{
	for (size_t i = 0; i < p->result.clocks.n; i++) {
		*vec_push(&s->clocks) = *p->result.clocks.at[i];
		*vec_push(&s->defined) = p->clock_defined.at[i];
	}
}

static void restore_clocks(struct tsdl_parser *p, struct saved_clocks *s)
{
	for (size_t i = 0; i < s->clocks.n; i++) {
		*p->result.clocks.at[i] = s->clocks.at[i];
		p->clock_defined.at[i] = s->defined.at[i];
	}
	vec_deinit(&s->clocks);
	vec_deinit(&s->defined);
}

/* Reads the block for nothing but its shape. Return: whether it can be read. */
static bool try_block(struct mender *m, uint64_t *shapep)
{
	struct tsdl_parser *p = m->p;
	struct ctf_trace_type *t = p->t, scratch = *t;
	struct arena *arena = p->lx.arena;
	struct error *err = p->err, ignored = {0};
	struct saved_clocks clocks = {0};
	struct tsdl_mark mark;
	uint64_t n_nodes = p->n_nodes;

	save_clocks(p, &clocks);
	tsdl_mark(p, &mark);
	scratch.arena = (struct arena){0};
	p->t = &scratch;
	p->is_strict = true;
	p->lx.arena = &scratch.arena;
	p->err = p->lx.err = &ignored;
	bool good = read_block(p, m) && is_free(p, &mark);
	*shapep = good ? shape_of(p, &mark) : 0;
	p->t = t;
	p->is_strict = false;
	p->err = err;
	tsdl_rollback(p, &mark);
	p->lx.arena = arena;
	restore_clocks(p, &clocks);
	p->mend_work += ATTEMPT_WORK + m->size + (p->n_nodes - n_nodes) * NODE_WORK;
	p->n_nodes = n_nodes;
	p->is_other_version = false;
	arena_deinit(&scratch.arena);
	error_deinit(&ignored);
	return good;
}

/* ---- how likely a change is ---- */

static uint64_t count_of(const struct tsdl_parser *p, const char *s, size_t n)
{
	const char *at = p->text, *end = p->text + p->size;
	uint64_t count = 0;

	while ((at = memmem(at, (size_t)(end - at), s, n))) {
		count++;
		at++;
	}
	return count;
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Return: whether the byte at `at` is in a word of the language. */
static bool in_language(const struct mender *m, size_t at)
{
	size_t begin = at, end = at;

	while (begin > 0 && is_word_char(m->block[begin - 1]))
		begin--;
	while (end < m->size && is_word_char(m->block[end]))
		end++;
	return end > begin && is_language(m->block + begin, end - begin);
}

static uint64_t score_of(struct mender *m, size_t at)
{
	size_t begin = at > CONTEXT ? at - CONTEXT : 0;
	size_t end = m->size - at > CONTEXT ? at + CONTEXT + 1 : m->size;

	m->p->mend_work += m->p->size / 8;
	return 4 * count_of(m->p, m->block + begin, end - begin) +
	       count_of(m->p, m->block + begin, at + 1 - begin) +
	       count_of(m->p, m->block + at, end - at) + (in_language(m, at) ? WORD_SCORE : 0);
}

static void note_reading(struct mender *m, const struct reading *new)
{
	vec_each (r, &m->readings) {
		if (r->shape != new->shape)
			continue;
		uint64_t votes = r->votes + 1;

		if (new->score > r->score)
			*r = *new;
		r->votes = votes;
		return;
	}
	*vec_push(&m->readings) = *new;
}

static bool has_work_left(const struct mender *m)
{
	uint64_t work = m->p->mend_work;

	return work < MAX_WORK && work < MIN_WORK + TEXT_WORK * (uint64_t)m->p->size;
}

static void try_change(struct mender *m, size_t at, char c)
{
	struct reading reading = {.at = at, .c = c, .votes = 1};
	char was = m->block[at];

	if (c == was || !has_work_left(m))
		return;
	m->block[at] = c;
	if (try_block(m, &reading.shape)) {
		reading.score = score_of(m, at);
		note_reading(m, &reading);
	}
	m->block[at] = was;
}

/* ---- which changes ---- */

static bool is_text(char c)
{
	return (c >= ' ' && c <= '~') || c == '\n' || c == '\t';
}

static void try_any(struct mender *m, size_t at)
{
	for (int c = ' '; c <= '~'; c++)
		try_change(m, at, (char)c);
	try_change(m, at, '\n');
	try_change(m, at, '\t');
}

static void try_bits(struct mender *m, size_t at)
{
	for (int bit = 0; bit < 8; bit++) {
		char c = (char)(m->block[at] ^ 1 << bit);

		if (is_text(c))
			try_change(m, at, (char)c);
	}
}

/* Return: the place of a byte that no text has, or the block's size. */
static size_t find_foreign(const struct mender *m)
{
	size_t at = 0;

	while (at < m->size && is_text(m->block[at]))
		at++;
	return at;
}

/* Return: the offset of a place in the block, moved by so many bytes as far as the block goes. */
static size_t offset(const struct mender *m, const char *at, ptrdiff_t by)
{
	ptrdiff_t o = at - m->d->begin + by;

	if (o < 0)
		return 0;
	return (size_t)o < m->size ? (size_t)o : m->size;
}

/* One bit is what mostly changes, and quickly tried. */
static void try_all(struct mender *m)
{
	const struct tsdl_damage *d = m->d;
	size_t foreign = find_foreign(m);

	m->is_foreign = foreign < m->size;
	if (m->is_foreign) {
		try_any(m, foreign);
		return;
	}
	size_t end = offset(m, d->at, FAR_BEHIND);
	for (size_t at = offset(m, d->at, -FAR_BEFORE); at < end; at++)
		try_bits(m, at);
	if (m->readings.n)
		return;
	size_t near = offset(m, d->before, 0), near_end = offset(m, d->at, NEAR_BEHIND);
	if (near + NEAR < near_end)
		near = near_end - NEAR;
	for (size_t at = near; at < near_end; at++)
		try_any(m, at);
}

static uint64_t weight_of(const struct reading *r)
{
	return r->score * SCORE_WEIGHT + r->votes;
}

/*
 * What looks like nothing else may as well be the writer's mistake, for which a message is better.
 * Return: the reading that is much likelier than all others, or NULL.
 */
static const struct reading *choose(const struct mender *m)
{
	const struct reading *best = NULL;
	uint64_t rival = 0;

	vec_each (r, &m->readings) {
		if (!best || weight_of(r) > weight_of(best)) {
			rival = best ? weight_of(best) : 0;
			best = r;
		} else if (weight_of(r) > rival) {
			rival = weight_of(r);
		}
	}
	if (!best || !has_work_left(m) || weight_of(best) < MUCH_LESS * rival)
		return NULL;
	return best->score || m->is_foreign ? best : NULL;
}

/* Reads what the block was, this time to stay. Return: whether it can be read. */
static bool read_as(struct mender *m, const struct reading *r)
{
	struct tsdl_parser *p = m->p;
	struct tsdl_mark mark;

	m->block[r->at] = r->c;
	tsdl_mark(p, &mark);
	bool good = read_block(p, m);
	if (good)
		p->lx = mark.lx;
	else
		tsdl_rollback(p, &mark);
	error_deinit(p->err);
	return good;
}

bool tsdl_mend(struct tsdl_parser *p, const struct tsdl_damage *d)
{
	struct mender m = {.p = p, .d = d, .size = (size_t)(d->end - d->begin)};

	/* Of a text that is cut nothing more can be told. */
	if (d->at == p->text + p->size)
		return false;
	if (m.size > MAX_BLOCK || !has_work_left(&m))
		return false;
	m.block = mem_strndup(d->begin, m.size);
	try_all(&m);
	const struct reading *r = choose(&m);
	bool good = r && read_as(&m, r);
	vec_deinit(&m.readings);
	free(m.block);
	return good;
}
