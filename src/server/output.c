#include "server/output.h"

#include <string.h>

#include "base/member.h"

static const struct output outputs[OUTPUT_N] = {
	[OUTPUT_HISTOGRAM] =
		{"org.eclipse.tracecompass.internal.tmf.core.histogram.HistogramDataProvider",
		 "Histogram", "How often the states of CPUs changed", "histogram", OUTPUT_XY},
	[OUTPUT_VCPUS] = {"vmscope.vcpus", "Virtual CPUs",
			  "What each vCPU truly did, and who took its CPU", "vcpus",
			  OUTPUT_TIME_GRAPH},
	[OUTPUT_THREADS] =
		{"vmscope.threads", "Threads",
		 "The true state of each thread: when its vCPU had no CPU, it did not run",
		 "threads", OUTPUT_TIME_GRAPH},
	[OUTPUT_CPUS] = {"vmscope.cpus", "Physical CPUs",
			 "What each CPU of the host ran, down to the thread in the guest", "cpus",
			 OUTPUT_TIME_GRAPH},
	[OUTPUT_EXITS] = {"vmscope.exits", "VM exits by reason", "Exits per second", "exits",
			  OUTPUT_XY},
	[OUTPUT_STEAL] = {"vmscope.steal", "Steal time",
			  "Share of the time that a vCPU could run and had no CPU", "steal",
			  OUTPUT_XY},
	[OUTPUT_LATENCY] = {"vmscope.latency", "Wake-up latency",
			    "Longest time from being woken to running, of threads in guests",
			    "latency", OUTPUT_XY},
	[OUTPUT_STATS_VCPUS] = {"vmscope.stats.vcpus", "Statistics of vCPUs",
				"Time of each vCPU by state", "vcpus", OUTPUT_DATA},
	[OUTPUT_STATS_EXITS] = {"vmscope.stats.exits", "Statistics of VM exits",
				"Exits by vCPU and reason, and what they cost", "exits",
				OUTPUT_DATA},
	[OUTPUT_STATS_THREADS] = {"vmscope.stats.threads", "Statistics of threads",
				  "Time of each thread by true state", "threads", OUTPUT_DATA},
	[OUTPUT_STATS_CPUS] = {"vmscope.stats.cpus", "Statistics of physical CPUs",
			       "Time of each CPU by state", "cpus", OUTPUT_DATA},
	[OUTPUT_EVENTS] = {"vmscope.events", "Events",
			   "Exits and changes of the vCPUs' states, by time", "events",
			   OUTPUT_TABLE},
	[OUTPUT_RAW] = {"vmscope.recording", "Events of the recording",
			"Every event of all machines, with all its fields, by time", "recording",
			OUTPUT_TABLE},
};

const struct output *output_get(enum output_id id)
{
	return &outputs[id];
}

enum output_id output_find(const char *id)
{
	int i = 0;

	while (i < OUTPUT_N && strcmp(outputs[i].id, id) != 0)
		i++;
	return (enum output_id)i;
}

enum output_id output_find_word(const char *word, enum output_type type)
{
	int i = 0;

	while (i < OUTPUT_N && (outputs[i].type != type || strcmp(outputs[i].word, word) != 0))
		i++;
	return (enum output_id)i;
}

enum table_id output_states(enum output_id id)
{
	switch (id) {
	case OUTPUT_VCPUS:
		return TABLE_VCPU_STATE;
	case OUTPUT_THREADS:
		return TABLE_THREAD_STATE;
	case OUTPUT_CPUS:
		return TABLE_CPU_STATE;
	default:
		return TABLE_NONE;
	}
}

void output_write(struct jsonw *j, enum output_id id)
{
	static const char *const types[] = {
		[OUTPUT_TIME_GRAPH] = "TIME_GRAPH",
		[OUTPUT_XY] = "TREE_TIME_XY",
		[OUTPUT_DATA] = "DATA_TREE",
		[OUTPUT_TABLE] = "TABLE",
	};
	const struct output *o = &outputs[id];

	jsonw_object_begin(j);
	member_text(j, "id", o->id);
	member_text(j, "name", o->name);
	member_text(j, "description", o->description);
	member_text(j, "type", types[o->type]);
	member_object(j, "capabilities");
	member_bool(j, "canCreate", false);
	member_bool(j, "canDelete", false);
	jsonw_object_end(j);
	jsonw_object_end(j);
}
