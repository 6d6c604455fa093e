#include "fleet/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "fleet/native.h"

/* ---- what the server has -------------------------------------------------------------------- */

struct schema_column {
	const char *table, *name, *type;
};

/* Columns of the server's database. */
struct schema_found {
	VEC(struct schema_column) columns;
	struct arena texts;
};

/* Cuts the line at `*atp` into three fields. Return: whether there was one. */
static bool schema_next_line(char **atp, const char *fields[3])
{
	char *line = strsep(atp, "\n");

	for (int i = 0; i < 3; i++)
		fields[i] = line ? strsep(&line, "\t") : NULL;
	return fields[2] != NULL;
}

/* In answers, what stands between quotes has them escaped. */
static void schema_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1] == '\'')
			from++;
		*to++ = *from;
	}
	*to = 0;
}

static int schema_find(struct schema_found *f, struct clickhouse *s, struct error *err)
{
	const char *answer, *fields[3];
	char *sql = mem_printf("SELECT table, name, type FROM system.columns WHERE database = '%s' "
			       "FORMAT TabSeparated",
			       clickhouse_database(s));
	int r = clickhouse_ask_anywhere(s, sql, &answer, err);

	free(sql);
	if (r)
		return r;
	char *at = arena_strdup(&f->texts, answer);

	schema_unescape(at);
	while (schema_next_line(&at, fields))
		*vec_push(&f->columns) = (struct schema_column){
			.table = fields[0], .name = fields[1], .type = fields[2]};
	return 0;
}

static void schema_found_deinit(struct schema_found *f)
{
	vec_deinit(&f->columns);
	arena_deinit(&f->texts);
}

static const struct schema_column *schema_get(const struct schema_found *f, const char *table,
					      const char *name)
{
	vec_each (c, &f->columns) {
		if (!strcmp(c->table, table) && (!name || !strcmp(c->name, name)))
			return c;
	}
	return NULL;
}

/* ---- comparing ------------------------------------------------------------------------------ */

/* Return: whether the server's type is ours with fewer states, so that ours may take its place. */
static bool schema_has_fewer_states(const char *has, const char *type)
{
	size_t n = strlen(has);

	return !strncmp(has, "Enum8(", 6) && n > 7 && !strncmp(has, type, n - 1) &&
	       strlen(type) > n;
}

/* Refuses columns that this version does not know, and types that are none of it. */
static int schema_compare(const struct schema_found *f, const struct fleet_table *t,
			  const char *name, struct error *err)
{
	vec_each (c, &f->columns) {
		int i = 0;

		if (strcmp(c->table, name) != 0)
			continue;
		while (i < t->n_columns && strcmp(t->columns[i].name, c->name) != 0)
			i++;
		if (i == t->n_columns)
			return error_set(err,
					 "table '%s' has a column '%s' that this version does "
					 "not know: use the version that made it, or another "
					 "database",
					 name, c->name);
		char *type = native_type(&t->columns[i]);
		bool good = !strcmp(type, c->type) || schema_has_fewer_states(c->type, type);

		if (!good)
			error_set(err,
				  "column '%s' of table '%s' is %s, not %s: use the version that "
				  "made it, or another database",
				  c->name, name, c->type, type);
		free(type);
		if (!good)
			return ERR;
	}
	return 0;
}

/* ---- making --------------------------------------------------------------------------------- */

struct schema_making {
	struct clickhouse *server;
	const char *cluster; /* or NULL */
	bool replicated;     /* and statements go to all servers of the cluster at once */
	struct schema_found found;
	schema_note_fn *note;
	void *ctx;
	struct error *err;
};

/* Return: "name type, name type, ..."; for free(). */
static char *schema_columns(const struct fleet_table *t)
{
	char *text = NULL;

	for (int i = 0; i < t->n_columns; i++) {
		char *type = native_type(&t->columns[i]);

		mem_append(&text, "%s`%s` %s", i ? ", " : "", t->columns[i].name, type);
		free(type);
	}
	return text;
}

char *schema_order(const struct fleet_table *t)
{
	char *text = mem_strdup("recording");

	for (int i = 0; i < fleet_table_n_keys(t); i++)
		mem_append(&text, ", `%s`", t->columns[FLEET_COL_FIRST + i].name);
	mem_append(&text, ", nth");
	return text;
}

static char *schema_on_cluster(const struct schema_making *m)
{
	return m->replicated ? mem_printf(" ON CLUSTER `%s`", m->cluster) : mem_strdup("");
}

/* Return: the table that holds rows, of which there is one per server; for free(). */
static char *schema_local_name(const struct schema_making *m, const struct fleet_table *t)
{
	return m->cluster ? mem_printf("%s_local", t->name) : mem_strdup(t->name);
}

static int schema_run(const struct schema_making *m, char *sql)
{
	int r = clickhouse_do(m->server, sql, m->err);

	free(sql);
	return r;
}

static int schema_create_local(const struct schema_making *m, const struct fleet_table *t,
			       const char *name)
{
	char *columns = schema_columns(t), *order = schema_order(t), *on = schema_on_cluster(m);
	char *engine = m->replicated
			       ? mem_printf("ReplicatedReplacingMergeTree("
					    "'/clickhouse/tables/{shard}/%s/%s', '{replica}')",
					    clickhouse_database(m->server), t->name)
			       : mem_strdup("ReplacingMergeTree()");
	int r = schema_run(m, mem_printf("CREATE TABLE IF NOT EXISTS `%s`.`%s`%s (%s) ENGINE = %s "
					 "PARTITION BY toYYYYMM(day) ORDER BY (%s)",
					 clickhouse_database(m->server), name, on, columns, engine,
					 order));

	free(columns);
	free(order);
	free(on);
	free(engine);
	return r;
}

static int schema_create_distributed(const struct schema_making *m, const struct fleet_table *t,
				     const char *local)
{
	char *columns = schema_columns(t), *on = schema_on_cluster(m);
	int r = schema_run(m, mem_printf("CREATE TABLE IF NOT EXISTS `%s`.`%s`%s (%s) ENGINE = "
					 "Distributed(`%s`, `%s`, `%s`, cityHash64(recording))",
					 clickhouse_database(m->server), t->name, on, columns,
					 m->cluster, clickhouse_database(m->server), local));

	free(columns);
	free(on);
	return r;
}

/* Adds what is missing in a table that is there, columns and states. */
static int schema_alter(const struct schema_making *m, const struct fleet_table *t,
			const char *name)
{
	char *on = schema_on_cluster(m);
	int r = 0;

	for (int i = 0; !r && i < t->n_columns; i++) {
		const struct schema_column *has = schema_get(&m->found, name, t->columns[i].name);
		char *type = native_type(&t->columns[i]);

		if (!has || strcmp(has->type, type) != 0)
			r = schema_run(m, mem_printf("ALTER TABLE `%s`.`%s`%s %s COLUMN `%s` %s",
						     clickhouse_database(m->server), name, on,
						     has ? "MODIFY" : "ADD", t->columns[i].name,
						     type));
		if (!r && !has && m->note) {
			char *text =
				mem_printf("added column %s to table %s", t->columns[i].name, name);

			m->note(m->ctx, text);
			free(text);
		}
		free(type);
	}
	free(on);
	return r;
}

static int schema_make_table(const struct schema_making *m, const struct fleet_table *t)
{
	char *local = schema_local_name(m, t);
	int r = schema_get(&m->found, local, NULL) ? schema_alter(m, t, local)
						   : schema_create_local(m, t, local);

	if (!r && m->cluster)
		r = schema_get(&m->found, t->name, NULL) ? schema_alter(m, t, t->name)
							 : schema_create_distributed(m, t, local);
	free(local);
	return r;
}

/* A cluster's tables on one server alone, and the other way around, would not fit together. */
static int schema_compare_all(const struct schema_making *m, const struct fleet_table *tables)
{
	bool clustered = schema_get(&m->found, "recording_local", NULL) != NULL;

	if (schema_get(&m->found, "recording", NULL) && clustered != !!m->cluster)
		return error_set(
			m->err, "%s",
			clustered ? "the tables there are those of a cluster: --cluster NAME"
				  : "the tables there are those of one server, not of a cluster: "
				    "use another database");
	for (int i = 0; i < FLEET_N; i++) {
		char *local = schema_local_name(m, &tables[i]);
		int r = schema_compare(&m->found, &tables[i], local, m->err);

		free(local);
		if (r || schema_compare(&m->found, &tables[i], tables[i].name, m->err))
			return ERR;
	}
	return 0;
}

/* Whether the cluster is known there, and how its statements and tables reach all its servers. */
static int schema_look_at_cluster(struct schema_making *m)
{
	const char *answer;
	char *sql =
		mem_printf("SELECT count(), (SELECT count() FROM system.tables WHERE database = "
			   "'system' AND name = 'zookeeper') FROM system.clusters WHERE cluster "
			   "= '%s' FORMAT TabSeparated",
			   m->cluster);
	unsigned hosts = 0, zookeeper = 0;
	int r = clickhouse_ask_anywhere(m->server, sql, &answer, m->err);

	free(sql);
	if (r)
		return r;
	if (sscanf(answer, "%u\t%u", &hosts, &zookeeper) != 2 || !hosts)
		return error_set(m->err, "%s knows no cluster '%s': see its remote_servers",
				 clickhouse_url(m->server), m->cluster);
	m->replicated = zookeeper > 0;
	return 0;
}

static int schema_make_database(const struct schema_making *m)
{
	char *on = schema_on_cluster(m);
	char *sql = mem_printf("CREATE DATABASE IF NOT EXISTS `%s`%s",
			       clickhouse_database(m->server), on);
	int r = clickhouse_do_anywhere(m->server, sql, m->err);

	free(sql);
	free(on);
	return r;
}

static int schema_make_all(struct schema_making *m, const struct fleet_table *tables)
{
	if (m->cluster && schema_look_at_cluster(m))
		return ERR;
	if (schema_make_database(m) || schema_find(&m->found, m->server, m->err) ||
	    schema_compare_all(m, tables))
		return ERR;
	for (int i = 0; i < FLEET_N; i++) {
		if (schema_make_table(m, &tables[i]))
			return ERR;
	}
	return 0;
}

int schema_make(struct clickhouse *s, const struct fleet_table *tables, const char *cluster,
		schema_note_fn *note, void *ctx, struct error *err)
{
	struct schema_making m = {
		.server = s, .cluster = cluster, .note = note, .ctx = ctx, .err = err};
	int r = 0;

	if (cluster && strpbrk(cluster, "`'\\"))
		r = error_set(err, "'%s' is no name of a cluster", cluster);
	else
		r = schema_make_all(&m, tables);
	schema_found_deinit(&m.found);
	return r;
}

static int schema_check_all(const struct schema_found *f, const struct clickhouse *s,
			    const struct fleet_table *tables, struct error *err)
{
	for (int i = 0; i < FLEET_N; i++) {
		const struct fleet_table *t = &tables[i];

		if (schema_compare(f, t, t->name, err))
			return ERR;
		for (int k = 0; k < t->n_columns; k++) {
			const struct schema_column *has =
				schema_get(f, t->name, t->columns[k].name);
			char *type = native_type(&t->columns[k]);
			bool good = has && !strcmp(has->type, type);

			free(type);
			if (!good)
				return error_set(
					err,
					"database '%s' has no column '%s' of this version in a table '%s': run "
					"vmscope fleet init %s first",
					clickhouse_database(s), t->columns[k].name, t->name,
					clickhouse_url(s));
		}
	}
	return 0;
}

int schema_check(struct clickhouse *s, const struct fleet_table *tables, struct error *err)
{
	struct schema_found f = {0};
	int r = schema_find(&f, s, err);

	if (!r)
		r = schema_check_all(&f, s, tables, err);
	schema_found_deinit(&f);
	return r;
}

int schema_find_cluster(struct clickhouse *s, char **clusterp, struct error *err)
{
	const char *answer;
	/* Later versions put the arguments between quotes. */
	char *sql = mem_printf("SELECT extract(engine_full, '^Distributed.([^, ]+),') FROM "
			       "system.tables WHERE database = '%s' AND name = 'recording' FORMAT "
			       "TabSeparated",
			       clickhouse_database(s));
	int r = clickhouse_ask(s, sql, &answer, err);

	free(sql);
	*clusterp = NULL;
	if (r)
		return r;
	answer += strspn(answer, "\\'\"`");
	size_t n = strcspn(answer, "\\'\"`\n");

	if (n)
		*clusterp = mem_strndup(answer, n);
	return 0;
}
