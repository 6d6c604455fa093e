/*
 * Formats of tracepoints: texts as kernels write them, and records made by hand in both byte
 * orders. What is shown and what the plan takes is held against the values that were put in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "input/ftrace/plan.h"

#define COMMON                                                                         \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"         \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"         \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const char kvm_entry[] = "name: kvm_entry\nID: 300\nformat:\n" COMMON
				"\tfield:unsigned int vcpu_id;\toffset:8;\tsize:4;\tsigned:0;\n"
				"\tfield:unsigned long rip;\toffset:16;\tsize:8;\tsigned:0;\n\n"
				"print fmt: \"field:int trap; offset:8;\", REC->vcpu_id\n";

static const char kvm_exit[] = "name: kvm_exit\nID: 301\nformat:\n" COMMON
			       "\tfield:unsigned int exit_reason;\toffset:8;\tsize:4;\tsigned:0;\n"
			       "\tfield:unsigned long guest_rip;\toffset:16;\tsize:8;\tsigned:0;\n"
			       "\tfield:u32 isa;\toffset:24;\tsize:4;\tsigned:0;\n"
			       "\tfield:unsigned int vcpu_id;\toffset:28;\tsize:4;\tsigned:0;\n";

static const char sched_switch[] = "name: sched_switch\nID: 302\nformat:\n" COMMON
				   "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
				   "\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
				   "\tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;\n"
				   "\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n"
				   "\tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n"
				   "\tfield:pid_t next_pid;\toffset:56;\tsize:4;\tsigned:1;\n";

static const char wakeup[] = "name: sched_wakeup\nID: 303\nformat:\n" COMMON
			     "\tfield:__data_loc char[] comm;\toffset:8;\tsize:4;\tsigned:0;\n"
			     "\tfield:short pid;\toffset:12;\tsize:2;\tsigned:1;\n"
			     "\tfield:u8 target_cpu;\toffset:14;\tsize:1;\tsigned:0;\n";

static const char all_kinds[] =
	"name: all_kinds\nID: 304\nformat:\n" COMMON
	"\tfield:bool yes;\toffset:8;\tsize:1;\tsigned:0;\n"
	"\tfield:__s8 low;\toffset:9;\tsize:1;\tsigned:1;\n"
	"\tfield:const void * where;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:u16 few[3];\toffset:24;\tsize:6;\tsigned:0;\n"
	"\tfield:struct odd rest;\toffset:30;\tsize:5;\tsigned:0;\n"
	"\tfield:__rel_loc char[] text;\toffset:36;\tsize:4;\tsigned:1;\n"
	"\tfield:__data_loc u32[] numbers;\toffset:40;\tsize:4;\tsigned:0;\n"
	"\tfield:nothing without offset;\tsize:4;\n"
	"\tfield:long deep[2][2];\toffset:44;\tsize:32;\tsigned:1;\n"
	"\tfield:char buf[];\toffset:76;\tsize:0;\tsigned:0;\n";

/* A record being made. */
struct record {
	bool big_endian;
	uint8_t at[256];
	size_t size;
};

static void put(struct record *r, size_t at, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		r->at[at + i] = (uint8_t)(value >> 8 * (r->big_endian ? size - 1 - i : i));
	if (r->size < at + size)
		r->size = at + size;
}

static void put_text(struct record *r, size_t at, const char *text, size_t size)
{
	memcpy(r->at + at, text, size);
	if (r->size < at + size)
		r->size = at + size;
}

static struct record record_of(const struct ftrace_formats *fs, uint16_t id, int32_t pid)
{
	struct record r = {.big_endian = fs->big_endian};

	memset(r.at, 0xee, sizeof(r.at));
	put(&r, 0, 2, id);
	put(&r, 2, 2, 0);
	put(&r, 4, 4, (uint32_t)pid);
	return r;
}

struct fixture {
	struct arena arena;
	struct ftrace_formats fs;
};

static void add(struct fixture *x, const char *system, const char *text)
{
	struct error err = {0};

	if (ftrace_formats_add(&x->fs, system, text, strlen(text), &err))
		fail_msg("%s", err.text);
}

static void begin(struct fixture *x, bool big_endian)
{
	*x = (struct fixture){.fs = {.big_endian = big_endian, .long_size = 8}};
	x->fs.arena = &x->arena;
	add(x, "kvm", kvm_entry);
	add(x, "kvm", kvm_exit);
	add(x, "sched", sched_switch);
	add(x, "sched", wakeup);
	add(x, "test", all_kinds);
}

static void end(struct fixture *x)
{
	ftrace_formats_deinit(&x->fs);
	arena_deinit(&x->arena);
}

static void test_format(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x, false);
	const struct ftrace_format *f = ftrace_format_of(&x.fs, 300);

	assert_string_equal(f->full_name, "kvm:kvm_entry");
	assert_string_equal(f->name, "kvm_entry");
	assert_int_equal(f->n_common, 4);
	assert_int_equal(f->n_fields, 6); /* what looks like a field in "print fmt" is none */
	assert_string_equal(f->fields[5].type, "unsigned long");
	assert_null(ftrace_format_of(&x.fs, 299));
	assert_null(ftrace_format_of(&x.fs, 100000));
	assert_int_equal(x.fs.common_pid.offset, 4);
	end(&x);
}

static void test_bad_formats(void **state)
{
	static const char *const bad[] = {
		"",
		"name: x\n",
		"name: x\nID: 5\n",
		"ID: 5\n\tfield:int a;\toffset:0;\tsize:4;\n",
		"name: x\nID: 70000\n\tfield:int a;\toffset:0;\tsize:4;\n",
		"name: x\nID: -1\n\tfield:int a;\toffset:0;\tsize:4;\n",
		"name: x\nID: 5\n\tfield:int a;\toffset:0;\tsize:2000000;\n",
		"name: x\nID: 5\n\tfield:int a;\toffset:1048576;\tsize:1;\n",
		"name: x\nID: 5\n\tfield:;\toffset:0;\tsize:1;\n",
		"name: x\nID: 5\n\tfield:int []];\toffset:0;\tsize:1;\n"};
	struct fixture x;

	(void)state;
	begin(&x, false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = {0};

		if (ftrace_formats_add(&x.fs, "bad", bad[i], strlen(bad[i]), &err) != ERR)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(err.text);
		error_deinit(&err);
	}
	assert_int_equal(x.fs.all.n, 5);
	end(&x);
}

/* Fields as one line of text. */
struct shown {
	char text[1024];
	size_t n;
};

static void append(struct shown *s, const struct field *f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void append(struct shown *s, const struct field *f, const char *fmt, ...)
{
	va_list ap;

	if (f->name)
		s->n += (size_t)sprintf(s->text + s->n, "%s=", f->name);
	va_start(ap, fmt);
	s->n += (size_t)vsprintf(s->text + s->n, fmt, ap);
	va_end(ap);
}

static void show_open(void *ctx, const struct field *f)
{
	append(ctx, f, f->kind == FIELD_STRUCT ? "{ " : "[ ");
}

static void show_close(void *ctx, const struct field *f)
{
	struct field bare = {.kind = f->kind};

	append(ctx, &bare, f->kind == FIELD_STRUCT ? "}" : "] ");
}

static void show_int(void *ctx, const struct field *f, uint64_t value)
{
	const char *fmt = f->base == 16 ? "*%lx:%u " : f->is_signed ? "%ld:%u " : "%lu:%u ";

	append(ctx, f, f->is_bool ? "?%lu:%u " : fmt, value, f->size);
}

static void show_bytes(void *ctx, const struct field *f, const uint8_t *at, size_t n)
{
	append(ctx, f, "%s'%.*s' ", f->kind == FIELD_BLOB ? "blob" : "", (int)n, (const char *)at);
}

static const struct field_visitor shower = {show_open, show_close, show_int, NULL, show_bytes};

static void expect_shown(const struct ftrace_formats *fs, const struct record *r, uint32_t id,
			 enum field_scope scope, const char *expected)
{
	struct shown s = {0};

	ftrace_visit(fs, ftrace_format_of(fs, id), r->at, r->size, scope, &shower, &s);
	assert_string_equal(s.text, expected);
}

static struct record record_of_all_kinds(const struct ftrace_formats *fs)
{
	struct record r = record_of(fs, 304, -5);

	put(&r, 8, 1, 1);
	put(&r, 9, 1, (uint8_t)-7);
	put(&r, 16, 8, 0xffff888012345678);
	for (size_t i = 0; i < 3; i++)
		put(&r, 24 + 2 * i, 2, 1000 * (i + 1));
	put_text(&r, 30, "12345", 5);
	put(&r, 36, 4, 5 << 16 | (84 - 40));
	put(&r, 40, 4, 8 << 16 | 92);
	for (size_t i = 0; i < 4; i++)
		put(&r, 44 + 8 * i, 8, -i);
	put_text(&r, 76, "to end\0", 8);
	put_text(&r, 84, "abcd", 5);
	put(&r, 92, 4, 4000000000);
	put(&r, 96, 4, 7);
	return r;
}

static void test_visit(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct fixture x;

		begin(&x, big);
		struct record r = record_of_all_kinds(&x.fs);

		expect_shown(&x.fs, &r, 304, SCOPE_CONTEXT,
			     "{ common_flags=0:8 common_preempt_count=0:8 common_pid=-5:32 }");
		expect_shown(&x.fs, &r, 304, SCOPE_PAYLOAD,
			     "{ yes=?1:8 low=-7:8 where=*ffff888012345678:64 "
			     "few=[ 1000:16 2000:16 3000:16 ] rest=blob'12345' text='abcd' "
			     "numbers=[ 4000000000:32 7:32 ] deep=[ 0:64 -1:64 -2:64 -3:64 ] "
			     "buf='to end' }");
		end(&x);
	}
}

/*
 * What reaches past the record's end is not shown; nothing behind it is touched (valgrind, ASan).
 */
static void test_visit_short(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x, false);
	struct record r = record_of_all_kinds(&x.fs);

	for (size_t size = 0; size <= r.size; size++) {
		uint8_t *exact = mem_alloc(size + !size);
		struct shown s = {0};

		memcpy(exact, r.at, size);
		ftrace_visit(&x.fs, ftrace_format_of(&x.fs, 304), exact, size, SCOPE_PAYLOAD,
			     &shower, &s);
		free(exact);
		assert_true((strstr(s.text, "where=") != NULL) == (size >= 24));
		assert_true((strstr(s.text, "text=") != NULL) == (size >= 89));
	}
	end(&x);
}

static bool take(const struct ftrace_plan *plan, const struct record *r, bool *anyp,
		 struct event *e)
{
	uint8_t *exact = mem_alloc(r->size);
	bool taken;

	memset(e, 0x55, sizeof(*e));
	memcpy(exact, r->at, r->size);
	taken = ftrace_plan_take(plan, exact, r->size, 77, anyp, e);
	free(exact);
	return taken;
}

static void test_take(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct fixture x;
		struct event e;
		bool any = false;

		begin(&x, big);
		struct ftrace_plan *plan = ftrace_plan_new(&x.fs, event_set_all(), false);
		struct record r = record_of(&x.fs, 301, 1234);

		put(&r, 8, 4, 0x78);
		put(&r, 16, 8, 0xffffffff81000000);
		put(&r, 24, 4, 2);
		put(&r, 28, 4, 3);
		assert_true(take(plan, &r, &any, &e));
		assert_false(any);
		assert_int_equal(e.id, EV_KVM_EXIT);
		assert_int_equal(e.tid, 1234);
		assert_int_equal(e.kvm_exit.reason, 0x78);
		assert_int_equal((uint64_t)e.kvm_exit.rip, 0xffffffff81000000);
		assert_int_equal(e.kvm_exit.isa, 2);
		assert_int_equal(e.kvm_exit.vcpu_id, 3);
		assert_int_equal(e.kvm_exit.ret, NO_VALUE);
		assert_int_equal(e.pid, 77);
		r.size = 28; /* a record that ends before its last field */
		assert_true(take(plan, &r, &any, &e));
		assert_int_equal(e.kvm_exit.isa, 2);
		assert_int_equal(e.kvm_exit.vcpu_id, NO_VALUE);
		r.size = 4;
		assert_true(take(plan, &r, &any, &e));
		assert_int_equal(e.tid, NO_VALUE);
		ftrace_plan_free(plan);
		end(&x);
	}
}

static void expect_text(struct event_text t, const char *text)
{
	assert_non_null(t.at);
	assert_int_equal(t.n, strlen(text));
}

static void test_take_texts(void **state)
{
	struct fixture x;
	struct event e;
	bool any = false;

	(void)state;
	begin(&x, true);
	struct ftrace_plan *plan = ftrace_plan_new(&x.fs, event_set_all(), false);
	struct record r = record_of(&x.fs, 302, 1);

	put_text(&r, 8, "123456789\0rest...", 16);
	put(&r, 24, 4, 11);
	put(&r, 28, 4, 120);
	put(&r, 32, 8, (uint64_t)-2);
	put_text(&r, 40, "0123456789abcdef", 16);
	put(&r, 56, 4, (uint32_t)-1);
	assert_true(take(plan, &r, &any, &e));
	expect_text(e.sched_switch.prev_comm, "123456789");
	expect_text(e.sched_switch.next_comm, "0123456789abcdef");
	assert_int_equal(e.sched_switch.prev_state, -2);
	assert_int_equal(e.sched_switch.next_tid, -1);

	r = record_of(&x.fs, 303, 1);
	put(&r, 8, 4, 6 << 16 | 16);
	put(&r, 12, 2, (uint16_t)-3);
	put(&r, 14, 1, 200);
	put_text(&r, 16, "hello", 6);
	assert_true(take(plan, &r, &any, &e));
	expect_text(e.sched_wakeup.comm, "hello");
	assert_int_equal(e.sched_wakeup.tid, -3);
	assert_int_equal(e.sched_wakeup.target_cpu, 200);
	put(&r, 8, 4, 60000u << 16 | 16); /* reaches past the end */
	assert_true(take(plan, &r, &any, &e));
	assert_null(e.sched_wakeup.comm.at);
	ftrace_plan_free(plan);
	end(&x);
}

/* The event after an entry is delivered, whichever it is; an event without a format, too. */
static void test_take_any(void **state)
{
	struct fixture x;
	struct event e;
	bool any = false;

	(void)state;
	begin(&x, false);
	struct event_set set = event_set_of((enum event_id[]){EV_KVM_ENTRY}, 1);
	struct ftrace_plan *plan = ftrace_plan_new(&x.fs, set, false);
	struct ftrace_plan *every = ftrace_plan_new(&x.fs, set, true);
	struct record entry = record_of(&x.fs, 300, 5), other = record_of(&x.fs, 9999, 6);

	put(&entry, 8, 8, 0);
	put(&entry, 16, 8, 0);
	assert_false(take(plan, &other, &any, &e));
	assert_true(take(plan, &entry, &any, &e));
	assert_int_equal(e.id, EV_KVM_ENTRY);
	assert_true(any);
	assert_true(take(plan, &other, &any, &e));
	assert_int_equal(e.id, EV_OTHER);
	assert_int_equal(e.tid, 6);
	assert_false(take(plan, &other, &any, &e));
	assert_true(take(every, &other, &any, &e));
	assert_int_equal(e.id, EV_OTHER);
	ftrace_plan_free(plan);
	ftrace_plan_free(every);
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),	 cmocka_unit_test(test_bad_formats),
		cmocka_unit_test(test_visit),	 cmocka_unit_test(test_visit_short),
		cmocka_unit_test(test_take),	 cmocka_unit_test(test_take_texts),
		cmocka_unit_test(test_take_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
