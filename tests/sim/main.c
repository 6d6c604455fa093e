/*
 * vmscope-sim: writes simulated recordings of a KVM host and its guests, and the truth about
 * them.
 */
#include <stdio.h>

#include "sim.h"

int main(int argc, char **argv)
{
	struct options o;
	struct error err = {0};
	struct world w;

	int ret = options_parse(&o, argc, argv);
	if (ret)
		return ret < 0 ? 2 : 0;
	ret = world_init(&w, &o, &err);
	if (!ret) {
		world_run(&w);
		ret = world_finish(&w, &err);
	}
	world_deinit(&w);
	if (ret)
		fprintf(stderr, "vmscope-sim: %s\n", err.text);
	error_deinit(&err);
	return ret ? 1 : 0;
}
