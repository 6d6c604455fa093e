#include "sql/files.h"

#include <stdlib.h>
#include <string.h>

static struct sql_file *files_add(struct sql_files *files, const char *path, const struct store *s)
{
	struct sql_file *f = mem_zalloc(1, sizeof(*f));

	f->path = mem_strdup(path);
	f->store = s;
	f->users = 1;
	*vec_push(&files->open) = f;
	return f;
}

int sql_files_open(struct sql_files *files, const char *path, struct sql_file **fp,
		   struct error *err)
{
	vec_each (f, &files->open) {
		if (!strcmp((*f)->path, path)) {
			(*f)->users++;
			*fp = *f;
			return 0;
		}
	}
	struct store *store;

	if (store_open(&store, path, err))
		return ERR;
	*fp = files_add(files, path, store);
	(*fp)->owned = store;
	return 0;
}

struct sql_file *sql_files_lend(struct sql_files *files, const struct store *s)
{
	return files_add(files, s->name, s);
}

static void file_free(struct sql_file *f)
{
	for (int i = 0; i < TABLE_N; i++)
		sql_rows_deinit(&f->rows[i]);
	store_free(f->owned);
	free(f->path);
	free(f);
}

void sql_files_release(struct sql_files *files, struct sql_file *f)
{
	if (--f->users)
		return;
	for (size_t i = 0; i < files->open.n; i++) {
		if (files->open.at[i] == f) {
			files->open.at[i] = files->open.at[--files->open.n];
			break;
		}
	}
	file_free(f);
}

struct sql_files *sql_files_use(struct sql_files *files)
{
	files->users++;
	return files;
}

void sql_files_unuse(void *aux)
{
	struct sql_files *files = aux;

	if (--files->users)
		return;
	vec_deinit(&files->open);
	free(files);
}
