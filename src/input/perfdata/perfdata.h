/*
 * perfdata: a recording by `perf record`, opened.
 *
 * It is one file, or a directory with several (`perf record --threads`), and each is one stretch of
 * records (record.h), once it is decompressed. Opening reads the headers of all of them once and
 * keeps where each CPU's are (index.h), so that a stream can be read in the order of time, which is
 * not that of the file (cursor.h).
 *
 *	file:	"PERFILE2", u64 size of this header, u64 size of an attribute with its section of ids,
 *		sections (u64 offset, u64 size) of attributes, data, event types; 256 bits, one per feature;
 *		behind the data a section per feature that has its bit set
 *	pipe:	"PERFILE2", u64 16, then only records; attributes and features are records, too
 *
 * In the other byte order the magic number is "2ELIFREP". "PERFFILE" is version 1, of Linux before
 * 2.6.36. Times are counts of ns of perf's clock until a reader or walk tells them.
 */
#ifndef VMSCOPE_PERFDATA_PERFDATA_H
#define VMSCOPE_PERFDATA_PERFDATA_H

#include "base/file.h"
#include "input/format.h"
#include "input/ftrace/format.h"
#include "input/perfdata/attr.h"

/* A stretch of records. */
struct perfdata_source {
	const char *path; /* of the file they are from */
	int fd;		  /* of what is mapped; -1: nothing is */
	struct file_map map;
	/* owned; a small stretch that was decompressed lies here and not in `map` */
	uint8_t *memory;
	const uint8_t *at; /* borrowed from one of them */
	uint64_t size;	   /* bytes */
	bool is_cut;	   /* there was more of it, which is missing */
};

enum { PERFDATA_SMALL = 8 << 20 };

/*
 * A small file stays mapped from the scan on. Parts of a larger one are mapped or copied only while
 * they are read, so that memory does not grow with it.
 */
static inline bool perfdata_is_copied(const struct perfdata_source *source)
{
	return source->map.size > PERFDATA_SMALL;
}

/* A stretch of a source in which a stream has records; those of others can stand between them. */
struct perfdata_segment {
	uint64_t offset;     /* of its first record, in the source */
	int64_t first, last; /* the smallest and the largest time */
	uint32_t size;	     /* bytes, up to the end of its last record */
	uint32_t n;	     /* records of the stream */
	uint32_t rounds;     /* of perf's writing that begin in it */
	uint16_t source;
	bool follows_damage; /* records may be missing before it */
	bool is_sorted;	     /* its records are in the order of time */
};

/* What is there of one CPU, or of none. */
struct perfdata_lane {
	uint32_t cpu;
	bool has_cpu;
	VEC(struct perfdata_segment) segments; /* by time, then place */
	bool ends_in_damage;
	/*
	 * Events that were lost after the last record that tells of a loss; of others, that are no
	 * tracepoints.
	 */
	uint64_t lost_late, lost_others;
};

/* A thread that was made during the recording. */
struct perfdata_birth {
	int64_t time;
	int32_t tid, pid;
	struct event_text comm; /* its parent's at that time */
	int64_t pid_ns;		/* number of its PID namespace, or NO_VALUE */
};

struct perfdata {
	struct recording base;
	bool big_endian, is_pipe;
	struct perfdata_attrs attrs;
	struct ftrace_formats formats;
	/* owned; by format's index: in recording.events, or PERFDATA_NO_EVENT */
	uint32_t *event_of_format;
	VEC(struct perfdata_source) sources;
	VEC(struct perfdata_lane) lanes;   /* one per recording.streams */
	VEC(struct perfdata_birth) births; /* by tid, then time */
	struct map cpu_of_id; /* where an attribute's instance is, if it is on one CPU */
	int64_t begin;	      /* the time of the first record of all streams; 0: there is none */
	int64_t offset_ns;    /* of its clock */
	/* Whether tracepoints tell that a thread begins, and ends. */
	bool has_fork, has_exit;
	/* What features say besides. */
	bool has_wall_clock, has_time_conv;
	uint32_t wall_clock; /* clockid_t */
	int64_t wall_offset_ns;
};

static inline const struct perfdata *perfdata_of(const struct recording *r)
{
	return (const struct perfdata *)r;
}

static inline int64_t perfdata_ns(const struct perfdata *p, int64_t time)
{
	int64_t ns;

	return __builtin_add_overflow(time, p->offset_ns, &ns) ? INT64_MAX : ns;
}

/* Closes the file of a source. */
void perfdata_unmap(struct perfdata_source *source);

/* Counts damage that opening met at `at` in a source. */
void perfdata_note(struct perfdata *p, enum diag_id id, uint64_t count,
		   const struct perfdata_source *source, const uint8_t *at);

/*
 * There is no record at `at` in a source, by what perfdata_record_read() returned: counts that.
 * Return: bytes to where records go on, or to the end.
 */
uint64_t perfdata_skip(struct perfdata *p, const struct perfdata_source *source, int result,
		       const uint8_t *at);

/* What recording_ops has, but for opening: reader.c, walk.c. */
struct input_plan *perfdata_plan_new(const struct recording *r, struct event_set wanted,
				     bool every);
void perfdata_plan_free(struct input_plan *plan);
struct reader *perfdata_reader_new(const struct recording *r, size_t stream,
				   const struct input_plan *plan, int64_t skip_before_ns);
void perfdata_reader_fill(struct reader *r);
void perfdata_reader_free(struct reader *r);
struct walk *perfdata_walk_new(const struct recording *r, size_t stream, int64_t from_ns);
int perfdata_walk_next(struct walk *w);
void perfdata_walk_visit(const struct walk *w, enum field_scope scope,
			 const struct field_visitor *v, void *ctx);
void perfdata_walk_free(struct walk *w);

#endif
