#include "cli/prompt.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <editline/readline.h>

#include "base/mem.h"
#include "cli/common.h"
#include "sql/describe.h"

enum { STEPS_BETWEEN_LOOKS = 10000, MAX_HISTORY = 1000 };

struct prompt {
	const struct command *cmd;
	sqlite3 *db;
	struct sql_output output;
	bool person;
	char *statement; /* owned; what was read of an unfinished one */
	bool failed, quit;
};

/* --- history --- */

/* Return: owned by the caller; NULL: there is no place for it. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && *state)
		return mem_printf("%s/vmscope_history", state);
	return home && *home ? mem_printf("%s/.local/state/vmscope_history", home) : NULL;
}

static void begin_history(void)
{
	char *path = history_path();

	using_history();
	stifle_history(MAX_HISTORY);
	if (path)
		read_history(path);
	free(path);
}

static void end_history(void)
{
	char *path = history_path();

	if (path)
		write_history(path);
	free(path);
	clear_history();
}

/* --- statements --- */

static void set_interrupt(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(how, &set, NULL);
}

/* While a statement runs, SIGINT is blocked and looked for here. Return: whether it came. */
static int look_for_interrupt(void *unused)
{
	const struct timespec now = {0};
	sigset_t set;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	return sigtimedwait(&set, NULL, &now) == SIGINT;
}

static void run_statement(struct prompt *p)
{
	struct error err = {0};

	if (p->person)
		set_interrupt(SIG_BLOCK);
	if (sql_run(p->db, p->statement, &p->output, &err)) {
		fflush(p->output.file);
		cli_failed(p->cmd, &err);
		p->failed = true;
	}
	fflush(p->output.file);
	if (p->person) {
		look_for_interrupt(NULL);
		set_interrupt(SIG_UNBLOCK);
	}
	free(p->statement);
	p->statement = NULL;
}

static void add_line(struct prompt *p, const char *line)
{
	mem_append(&p->statement, "%s\n", line);
	if (sqlite3_complete(p->statement))
		run_statement(p);
}

/* --- dot commands --- */

static void print_help(FILE *f)
{
	fputs("SQL statements end with a semicolon. Besides them:\n"
	      "  .tables          tables and views, and what they are\n"
	      "  .schema [TABLE]  columns of a table, or how a view is made\n"
	      "  .format FORMAT   table, csv or json\n"
	      "  .help            this\n"
	      "  .quit            or end of file\n",
	      f);
}

static void set_format(struct prompt *p, const char *name)
{
	for (int i = 0; i < SQL_N_FORMATS; i++) {
		if (!strcmp(name, sql_format_names[i])) {
			p->output.format = (enum sql_format)i;
			return;
		}
	}
	fprintf(stderr, "vmscope %s: .format takes table, csv or json, not '%s'\n", p->cmd->name,
		name);
	p->failed = true;
}

static void run_dot(struct prompt *p, char *line)
{
	char *rest = NULL, *word = strtok_r(line, " \t;", &rest),
	     *arg = strtok_r(NULL, " \t;", &rest);

	if (!strcmp(word, ".tables")) {
		sql_describe_tables(p->output.file);
	} else if (!strcmp(word, ".schema")) {
		if (!sql_describe(p->output.file, arg)) {
			fprintf(stderr, "vmscope %s: there is no table '%s'\n", p->cmd->name, arg);
			p->failed = true;
		}
	} else if (!strcmp(word, ".format")) {
		set_format(p, arg ? arg : "");
	} else if (!strcmp(word, ".help")) {
		print_help(p->output.file);
	} else if (!strcmp(word, ".quit") || !strcmp(word, ".exit")) {
		p->quit = true;
	} else {
		fprintf(stderr, "vmscope %s: there is no command '%s'; .help lists them\n",
			p->cmd->name, word);
		p->failed = true;
	}
	fflush(p->output.file);
}

/* --- lines --- */

/* Return: the next line without its end, owned by the caller; NULL at the end. */
static char *read_line(const struct prompt *p)
{
	char *line = NULL;
	size_t size = 0;

	if (p->person)
		return readline(p->statement ? "    ...> " : "vmscope> ");
	ssize_t n = getline(&line, &size, stdin);

	if (n < 0) {
		free(line);
		return NULL;
	}
	if (n && line[n - 1] == '\n')
		line[n - 1] = 0;
	return line;
}

static bool is_blank(const char *line)
{
	return !line[strspn(line, " \t\r")];
}

static void take_line(struct prompt *p, char *line)
{
	if (!p->statement && is_blank(line))
		return;
	if (p->person)
		add_history(line);
	if (!p->statement && *line == '.')
		run_dot(p, line);
	else
		add_line(p, line);
}

int cli_prompt(const struct command *cmd, sqlite3 *db, struct sql_output output)
{
	struct prompt p = {
		.cmd = cmd,
		.db = db,
		.output = output,
		.person = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
	};
	char *line;

	if (p.person) {
		begin_history();
		sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, look_for_interrupt, NULL);
		puts("SQL, ended by a semicolon; .tables lists the tables, .help says more.");
	}
	while (!p.quit && (p.person || !p.failed) && (line = read_line(&p))) {
		take_line(&p, line);
		free(line);
	}
	if (p.statement && (p.person || !p.failed))
		run_statement(&p); /* the last semicolon may be missing */
	if (p.person)
		end_history();
	free(p.statement);
	return p.failed && !p.person ? CLI_FAILED : CLI_OK;
}
