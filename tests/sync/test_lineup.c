#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vcpu_maker.h"
#include "sync/lineup.h"

#define EPOCH  INT64_C(1795396653061998529)
#define SECOND INT64_C(1000000000)

enum { N_VMS = 16, N_VCPUS = 2, N = N_VMS * N_VCPUS };

/* VMs of the same kind, each with its clock; thread i is CPU i % N_VCPUS of VM i / N_VCPUS. */
struct farm {
	struct clock_map truth[N_VMS];
	struct made_vcpu vcpus[N];
	struct sync_thread threads[N];
	int64_t process_of_thread[N];
};

static void farm_init(struct farm *f, uint64_t seed)
{
	for (int i = 0; i < N; i++) {
		int vm = i / N_VCPUS;

		if (i % N_VCPUS == 0)
			clock_map_init_offset(&f->truth[vm], random_in(&seed, -SECOND, SECOND),
					      10e-6, EPOCH, 0);
		struct vcpu_options o = {
			EPOCH, EPOCH + 3 * SECOND, EPOCH, EPOCH + 3 * SECOND, &f->truth[vm], 0, 0};
		f->vcpus[i] = make_vcpu(seed + 100 * (uint64_t)i, &o);
		f->threads[i] = made_thread(&f->vcpus[i]);
		f->process_of_thread[i] = 1000 + vm;
	}
}

static void farm_deinit(struct farm *f)
{
	for (int i = 0; i < N; i++)
		made_deinit(&f->vcpus[i]);
	for (int i = 0; i < N_VMS; i++)
		clock_map_deinit(&f->truth[i]);
}

static void identify(const struct farm *f, const struct sync_cpu *cpus,
		     const uint32_t *guest_of_cpu, size_t n_guests, size_t n_cpus, size_t n_threads,
		     struct sync_identity *id, int64_t *thread_of_cpu)
{
	struct sync_score *scores = calloc(n_cpus * n_threads, sizeof(*scores));
	struct sync_lineup l = {scores, guest_of_cpu, f->process_of_thread,
				n_cpus, n_threads,    n_guests};

	sync_claims_search(cpus, n_cpus, f->threads, n_threads, SYNC_COARSE, scores);
	sync_identify(&l, id, thread_of_cpu);
	free(scores);
}

/* Guest traces come in any order, and so do their CPUs: a permutation of 0 .. N - 1. */
static size_t shuffled(size_t i)
{
	return (i * 13 + 7) % N_VMS;
}

static void test_sixteen_identical_vms(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct farm *f = calloc(1, sizeof(*f));
		struct sync_cpu cpus[N];
		uint32_t guest_of_cpu[N];
		struct sync_identity id[N_VMS];
		int64_t thread_of_cpu[N];

		farm_init(f, seed);
		for (size_t g = 0; g < N_VMS; g++) {
			for (size_t k = 0; k < N_VCPUS; k++) {
				cpus[g * N_VCPUS + k] = made_cpu(
					&f->vcpus[shuffled(g) * N_VCPUS + (N_VCPUS - 1 - k)]);
				guest_of_cpu[g * N_VCPUS + k] = (uint32_t)g;
			}
		}
		identify(f, cpus, guest_of_cpu, N_VMS, N, N, id, thread_of_cpu);
		for (size_t g = 0; g < N_VMS; g++) {
			assert_int_equal(id[g].verdict, SYNC_FOUND);
			assert_int_equal(id[g].process, 1000 + shuffled(g));
			assert_int_equal(thread_of_cpu[g * N_VCPUS], shuffled(g) * N_VCPUS + 1);
			assert_int_equal(thread_of_cpu[g * N_VCPUS + 1], shuffled(g) * N_VCPUS);
			assert_in_range(
				llabs(id[g].difference - f->truth[shuffled(g)].pieces->offset), 0,
				1000000);
		}
		farm_deinit(f);
		free(f);
	}
}

static void test_guest_of_no_vm_here(void **state)
{
	struct farm *f = calloc(1, sizeof(*f));
	struct sync_identity id[2];
	uint32_t guest_of_cpu[2] = {0, 1};
	int64_t thread_of_cpu[2];

	(void)state;
	farm_init(f, 5);
	struct sync_cpu cpus[2] = {made_cpu(&f->vcpus[N - 1]), made_cpu(&f->vcpus[0])};
	identify(f, cpus, guest_of_cpu, 2, 2, 6, id, thread_of_cpu);
	assert_int_equal(id[0].verdict, SYNC_FOREIGN);
	assert_int_equal(id[0].process, SYNC_NOBODY);
	assert_int_equal(thread_of_cpu[0], SYNC_NOBODY);
	assert_int_equal(id[1].verdict, SYNC_FOUND);
	assert_int_equal(thread_of_cpu[1], 0);
	farm_deinit(f);
	free(f);
}

/* Two processes with the same windows (a copy of a trace) are not guessed apart. */
static void test_twins_are_ambiguous(void **state)
{
	struct farm *f = calloc(1, sizeof(*f));
	struct sync_identity id[2];
	uint32_t guest_of_cpu[2] = {0, 1};
	int64_t thread_of_cpu[2];

	(void)state;
	farm_init(f, 6);
	f->threads[4] = f->threads[0];
	struct sync_cpu cpus[2] = {made_cpu(&f->vcpus[0]), made_cpu(&f->vcpus[2])};
	identify(f, cpus, guest_of_cpu, 2, 2, 6, id, thread_of_cpu);
	assert_int_equal(id[0].verdict, SYNC_AMBIGUOUS);
	assert_int_equal(id[1].verdict, SYNC_FOUND);

	/* and the same guest given twice has one process too few */
	cpus[0] = cpus[1];
	identify(f, cpus, guest_of_cpu, 2, 2, 4, id, thread_of_cpu);
	assert_int_equal(id[0].verdict, SYNC_AMBIGUOUS);
	assert_int_equal(id[1].verdict, SYNC_AMBIGUOUS);
	farm_deinit(f);
	free(f);
}

static void test_empty(void **state)
{
	struct sync_cpu cpu = {NULL, 0};
	struct sync_lineup l = {NULL, (uint32_t[]){0}, NULL, 1, 0, 1};
	struct sync_identity id;
	int64_t thread;

	(void)state;
	sync_claims_search(&cpu, 1, NULL, 0, SYNC_FINE, NULL);
	sync_identify(&l, &id, &thread);
	assert_int_equal(id.verdict, SYNC_FOREIGN);
	assert_int_equal(thread, SYNC_NOBODY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sixteen_identical_vms),
		cmocka_unit_test(test_guest_of_no_vm_here),
		cmocka_unit_test(test_twins_are_ambiguous),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
