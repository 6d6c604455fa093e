/*
 * credentials: who asks a server, and by which password: from a file or the environment, which
 * unlike a command line other users of the machine cannot read.
 */
#ifndef VMSCOPE_FLEET_CREDENTIALS_H
#define VMSCOPE_FLEET_CREDENTIALS_H

#include "base/error.h"

struct credentials {
	char *user, *password; /* owned; NULL: not given */
};

/*
 * file: lines `user=NAME` and `password=WORD`, which nobody but its owner may read; NULL: from
 * VMSCOPE_CLICKHOUSE_USER and VMSCOPE_CLICKHOUSE_PASSWORD. Return: 0, or ERR with err set;
 * deinitialize after 0.
 */
int credentials_init(struct credentials *c, const char *file, struct error *err);
void credentials_deinit(struct credentials *c);

#endif
