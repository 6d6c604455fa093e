/*
 * names: what machines, vCPUs and threads are called where people read it.
 */
#ifndef VMSCOPE_EXPORT_NAMES_H
#define VMSCOPE_EXPORT_NAMES_H

#include <stdint.h>

#include "base/error.h"
#include "sql/sqlite.h"

struct names {
	sqlite3_stmt *machine, *vcpu, *thread, *guest_thread; /* owned */
};

/* db must outlive it. Return: 0, or ERR with err set; deinitialize in every case. */
int names_init(struct names *n, sqlite3 *db, struct error *err);
void names_deinit(struct names *n);

/* Each returns a text, owned by the caller; one that says the id when nothing else is known. */
char *names_machine(struct names *n, int64_t id); /* g1 */
char *names_vcpu(struct names *n, int64_t id);	  /* g1 vCPU 0 */
char *names_thread(struct names *n, int64_t id);  /* bash (290); one that runs a vCPU: its name */
char *names_guest_thread(struct names *n, int64_t id); /* g1 bash (290) */

#endif
