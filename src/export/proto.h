/*
 * proto: messages of protocol buffers, written field by field.
 *
 *	proto_begin(&p, 11);
 *	proto_uint(&p, 9, 1);
 *	proto_end(&p);
 *	proto_write(&p, 1, out);
 *
 * A message is put together in memory and written when it is complete, as a field of what the file
 *is. There is no description of messages and no tree of them: whoever writes knows field numbers
 *and types.
 */
#ifndef VMSCOPE_EXPORT_PROTO_H
#define VMSCOPE_EXPORT_PROTO_H

#include "base/out.h"
#include "base/bytes.h"

enum { PROTO_MAX_DEPTH = 4 };

/* All zeros at first. */
struct proto {
	struct bytes bytes; /* owned; what is there so far */
	struct {
		unsigned field;
		size_t begin; /* of its content */
	} open[PROTO_MAX_DEPTH];
	int depth;
};

void proto_uint(struct proto *p, unsigned field, uint64_t value);
void proto_int(struct proto *p, unsigned field, int64_t value);
void proto_fixed64(struct proto *p, unsigned field, uint64_t value);
void proto_double(struct proto *p, unsigned field, double value);
void proto_text(struct proto *p, unsigned field, const char *text); /* made valid UTF-8 */

/* What comes until proto_end() is a message in this field. */
void proto_begin(struct proto *p, unsigned field);
void proto_end(struct proto *p);

/* Appends all of another one as a message. */
void proto_message(struct proto *p, unsigned field, const struct proto *message);

/* Writes what is there as a message in this field, and is empty again. */
void proto_write(struct proto *p, unsigned field, struct out *out);

void proto_deinit(struct proto *p);

#endif
