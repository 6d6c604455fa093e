#include "base/error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int error_set(struct error *err, const char *fmt, ...)
{
	va_list ap;

	free(err->text);
	va_start(ap, fmt);
	err->text = mem_vprintf(fmt, ap);
	va_end(ap);
	return ERR;
}

int error_errno(struct error *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *what = mem_vprintf(fmt, ap);
	va_end(ap);
	free(err->text);
	err->text = mem_printf("%s: %s", what, strerror(errnum));
	free(what);
	return ERR;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	va_list ap;
	char *cause = err->text;

	va_start(ap, fmt);
	char *what = mem_vprintf(fmt, ap);
	va_end(ap);
	err->text = cause ? mem_printf("%s: %s", what, cause) : mem_printf("%s", what);
	free(what);
	free(cause);
	return ERR;
}

void error_deinit(struct error *err)
{
	free(err->text);
	err->text = NULL;
}
