#include "api/api_error.h"

#include "base/mem.h"

struct vms_error {
	struct error error;
};

int api_fail(struct vms_error **error, struct error *err)
{
	if (!error) {
		error_deinit(err);
		return -1;
	}
	*error = mem_zalloc(1, sizeof(**error));
	(*error)->error = *err;
	*err = (struct error){0};
	return -1;
}

const char *vms_error_text(const struct vms_error *error)
{
	return error && error->error.text ? error->error.text : "no error";
}

void vms_error_free(struct vms_error *error)
{
	if (!error)
		return;
	error_deinit(&error->error);
	free(error);
}

const char *vms_version(void)
{
	return VMSCOPE_VERSION;
}
