/*
 * options: what to simulate.
 */
#ifndef VMSCOPE_SIM_OPTIONS_H
#define VMSCOPE_SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *out;
	uint64_t seed;
	unsigned pcpus, vms, vcpus, untraced, load;
	int64_t duration; /* ns; 0: until events or size is reached */
	uint64_t events;  /* 0: no limit */
	uint64_t size;	  /* bytes, 0: no limit */
	uint64_t packet_size;
	int64_t warmup;	   /* ns simulated before tracing begins */
	int64_t halt_poll; /* ns, 0: none */
	int64_t calm;	   /* ns that workloads rest after every bit of work, 0: none */
	double slow;
	double lost_events, lost_packets;  /* percent */
	double vmsync_decoys, vmsync_lost; /* percent */
	int64_t vmsync_every;		   /* ns, about */
	double clock_offset;		   /* s, the most by which guests' clocks are off */
	double drift_ppm, slew_ppm;
	int64_t slew_every;
	unsigned steps;
	int64_t step_ns;
	int64_t odd_cpu_ns; /* by which the clock of guests' CPU odd_cpu is ahead of the others' */
	double odd_cpu_ppm; /* and by which it goes faster */
	unsigned odd_cpu;
	bool vmx, compact, old_names, statedump, ioctl, identical, contention, late_guests,
		late_tracing, vmsync, stock_probe, tsc_clock, tsc_scale, tsc2nsec, containers,
		truth, channels, wall_clock, agent, poll_events, timer_events, late_quota;
	uint32_t causes;	     /* bits of enum cause */
	uint8_t format, compression; /* enum out_format, enum out_compression */
	unsigned saved_names;
	int64_t agent_error; /* ns */
};

/*
 * Return: 0; 1 if the program is to end with success (help was asked for); ERR if the arguments are
 * wrong, which was said on stderr.
 */
int options_parse(struct options *o, int argc, char **argv);

#endif
