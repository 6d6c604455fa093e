/*
 * standin: a process that looks like a VM to its host: threads that are called as QEMU's vCPUs, and
 * do what vCPUs do, as far as the scheduler sees it.
 *
 *	qemu-system-standin -name NAME -smp VCPUS -seconds S -load busy|halting|switching
 *
 * standin_enter() and standin_exit() are where probes can be put, to stand in for kvm_entry and
 * kvm_exit. Each thread is pinned to CPU `its number modulo those there are`.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum load { BUSY, HALTING, SWITCHING };

enum { EXIT_INTERRUPT = 1, EXIT_HLT = 12, ISA_VMX = 1 };

struct vcpu {
	int number;
	enum load load;
	double until;
	int pipes[2][2]; /* SWITCHING: there and back, to its partner */
};

void standin_enter(int vcpu);
void standin_exit(int vcpu, int reason, int isa);

__attribute__((noinline)) void standin_enter(int vcpu)
{
	__asm__ volatile("" : : "r"(vcpu) : "memory");
}

__attribute__((noinline)) void standin_exit(int vcpu, int reason, int isa)
{
	__asm__ volatile("" : : "r"(vcpu), "r"(reason), "r"(isa) : "memory");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void spin(double seconds)
{
	for (double end = now() + seconds; now() < end;)
		;
}

static void pin(int number)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)(number % (int)n), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void halt(void)
{
	const struct timespec pause = {.tv_nsec = 200000};

	nanosleep(&pause, NULL);
}

static void *partner(void *arg)
{
	struct vcpu *v = arg;
	char c;

	pin(v->number);
	while (read(v->pipes[0][0], &c, 1) == 1 && write(v->pipes[1][1], &c, 1) == 1)
		;
	return NULL;
}

static void switch_over(struct vcpu *v)
{
	char c = 0;

	if (write(v->pipes[0][1], &c, 1) != 1 || read(v->pipes[1][0], &c, 1) != 1)
		exit(1);
}

static void run_once(struct vcpu *v, unsigned turn)
{
	bool halts = v->load == HALTING && turn % 4 == 0;

	if (v->load == SWITCHING) {
		switch_over(v);
		return;
	}
	standin_enter(v->number);
	spin(300e-6);
	standin_exit(v->number, halts ? EXIT_HLT : EXIT_INTERRUPT, ISA_VMX);
	if (halts)
		halt();
}

static void *run(void *arg)
{
	struct vcpu *v = arg;
	char name[16];

	snprintf(name, sizeof(name), "CPU %d/KVM", v->number);
	prctl(PR_SET_NAME, name);
	pin(v->number);
	for (unsigned turn = 0; now() < v->until; turn++)
		run_once(v, turn);
	close(v->pipes[0][1]);
	return NULL;
}

static const char *option(char **argv, const char *name, const char *otherwise)
{
	for (; *argv; argv++) {
		if (!strcmp(*argv, name) && argv[1])
			return argv[1];
	}
	return otherwise;
}

int main(int argc, char **argv)
{
	int n = atoi(option(argv, "-smp", "1"));
	double until = now() + atof(option(argv, "-seconds", "10"));
	const char *load = option(argv, "-load", "busy");
	pthread_t *threads = calloc((size_t)n * 2, sizeof(*threads));
	struct vcpu *vcpus = calloc((size_t)n, sizeof(*vcpus));

	(void)argc;
	for (int i = 0; i < n; i++) {
		vcpus[i].number = i;
		vcpus[i].until = until;
		vcpus[i].load = !strcmp(load, "switching") ? SWITCHING
				: !strcmp(load, "halting") ? HALTING
							   : BUSY;
		if (pipe(vcpus[i].pipes[0]) || pipe(vcpus[i].pipes[1]))
			return 1;
		if (vcpus[i].load == SWITCHING)
			pthread_create(&threads[n + i], NULL, partner, &vcpus[i]);
		pthread_create(&threads[i], NULL, run, &vcpus[i]);
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	free(vcpus);
	return 0;
}
