#include "host/cmdline.h"

#include <string.h>

static const char *cmdline_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "qemu-system-x86_64", "qemu-kvm" and "kvm" are all QEMU. */
static const char *cmdline_monitor(const char *program)
{
	const char *base = cmdline_base(program);

	if (!strncmp(base, "qemu", 4) || !strcmp(base, "kvm"))
		return "qemu";
	return base;
}

/* -name takes "web1", or "guest=web1,debug-threads=on"; a comma in a name is doubled. */
static char *cmdline_qemu_name(const char *value)
{
	const char *at = !strncmp(value, "guest=", 6) ? value + 6 : strstr(value, ",guest=");

	if (!at)
		at = strchr(value, '=') && strchr(value, '=') < strchrnul(value, ',') ? NULL
										      : value;
	else if (*at == ',')
		at += 7;
	if (!at)
		return NULL;
	char *name = mem_alloc(strlen(at) + 1), *to = name;

	for (; *at && !(*at == ',' && at[1] != ','); at++) {
		at += *at == ',';
		*to++ = *at;
	}
	*to = '\0';
	return name;
}

/* The name of a socket without its directory and ending. */
static char *cmdline_socket_name(const char *value)
{
	const char *base = cmdline_base(!strncmp(value, "path=", 5) ? value + 5 : value);

	return mem_strndup(base, strcspn(base, ".,"));
}

/* Sets a text that is not known yet, and takes it. */
static void cmdline_set(char **to, char *text)
{
	if (*to || !text || !*text)
		free(text);
	else
		*to = text;
}

/* Return: the value of option `name`, which is in `arg` ("--id=x") or is `next`, or NULL. */
static const char *cmdline_value(const char *arg, const char *next, const char *name)
{
	size_t n = strlen(name);
	const char *dashed = arg + (arg[0] == '-' ? 1 : 0);

	dashed += dashed[0] == '-';
	if (dashed == arg || strncmp(dashed, name, n) != 0)
		return NULL;
	return dashed[n] == '=' ? dashed + n + 1 : dashed[n] ? NULL : next;
}

static void cmdline_take(struct host_vm *vm, const char *arg, const char *next, char **socketp)
{
	const char *value;

	if (!strcmp(vm->monitor, "qemu")) {
		if ((value = cmdline_value(arg, next, "name")))
			cmdline_set(&vm->name, cmdline_qemu_name(value));
		if ((value = cmdline_value(arg, next, "uuid")))
			cmdline_set(&vm->uuid, mem_strdup(value));
		return;
	}
	if ((value = cmdline_value(arg, next, "id")) || (value = cmdline_value(arg, next, "name")))
		cmdline_set(&vm->name, mem_strdup(value));
	if ((value = cmdline_value(arg, next, "api-sock")) ||
	    (value = cmdline_value(arg, next, "api-socket")))
		cmdline_set(socketp, cmdline_socket_name(value));
}

void cmdline_read(struct host_vm *vm, const char *text, size_t n)
{
	const char *end = text + n;
	char *socket_name = NULL;

	vm->monitor = mem_strdup(cmdline_monitor(text));
	for (const char *arg = text; arg < end;) {
		const char *next = arg + strlen(arg) + 1;

		cmdline_take(vm, arg, next < end ? next : NULL, &socket_name);
		arg = next;
	}
	cmdline_set(&vm->name, socket_name);
}
