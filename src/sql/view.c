#include "sql/view.h"

static const struct sql_view views[] = {
#include "sql/view.inc"
};

const struct sql_view *sql_views(size_t *np)
{
	*np = sizeof(views) / sizeof(views[0]);
	return views;
}
