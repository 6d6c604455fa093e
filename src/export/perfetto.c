#include "export/perfetto.h"

enum { SEQUENCE = 1 };

void perfetto_begin_packet(struct perfetto *p, int64_t t)
{
	proto_int(&p->packet, PACKET_TIMESTAMP, t);
	proto_uint(&p->packet, PACKET_SEQUENCE_ID, SEQUENCE);
}

void perfetto_end_packet(struct perfetto *p)
{
	if (p->interned.fresh.bytes.n)
		proto_message(&p->packet, PACKET_INTERNED_DATA, &p->interned.fresh);
	p->interned.fresh.bytes.n = 0;
	proto_write(&p->packet, TRACE_PACKET, &p->out);
}
