#include "timeline/clock_compose.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

typedef VEC(struct clock_piece) pieces_t;

static int64_t add_errors(int64_t a, int64_t b)
{
	if (a == CLOCK_ERROR_UNKNOWN || b == CLOCK_ERROR_UNKNOWN)
		return CLOCK_ERROR_UNKNOWN;
	return a + b;
}

/* The part of `in` that lies in piece `out` of the outer map, as one piece. */
static void add_piece(pieces_t *pieces, const struct clock_piece *in, const struct clock_piece *out,
		      int64_t from, int64_t to)
{
	struct clock_piece *p = vec_push(pieces);

	*p = *in;
	p->from = from;
	p->to = to;
	p->offset = clock_piece_apply(out, clock_piece_apply(in, from)) - from;
	p->drift = (1 + in->drift) * (1 + out->drift) - 1;
	p->error = add_errors(in->error, out->error);
}

/* Machine time of piece `in` at which its image reaches `target`, at least from + 1. */
static int64_t reach(const struct clock_piece *in, int64_t from, int64_t target)
{
	int64_t image = clock_piece_apply(in, from);
	int64_t t = from + (int64_t)llround((double)(target - image) / (1 + in->drift));

	return t > from ? t : from + 1;
}

static void compose_piece(pieces_t *pieces, const struct clock_piece *in,
			  const struct clock_map *outer)
{
	int64_t from = in->from;
	const struct clock_piece *last = &outer->pieces[outer->n_pieces - 1];

	while (from < in->to) {
		const struct clock_piece *out = clock_map_piece(outer, clock_piece_apply(in, from));
		int64_t to = in->to;

		if (out != last && clock_piece_apply(in, to) > out->to) {
			to = reach(in, from, out->to);
			to = to < in->to ? to : in->to;
		}
		add_piece(pieces, in, out, from, to);
		from = to;
	}
}

void clock_map_init_compose(struct clock_map *m, const struct clock_map *inner,
			    const struct clock_map *outer)
{
	pieces_t pieces = {0};

	for (size_t i = 0; i < inner->n_pieces; i++)
		compose_piece(&pieces, &inner->pieces[i], outer);
	*m = (struct clock_map){.pieces = pieces.at, .n_pieces = pieces.n};
}
