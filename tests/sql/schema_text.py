"""schema_text: what `vmscope query` says of its tables, as the part of docs/sql.md that describes them.

Run as `schema_text.py VMSCOPE FILE.vms` it prints that part.
"""
import re
import subprocess
import sys


def describe(vmscope, file):
    done = subprocess.run([vmscope, "query", file], input=".schema\n", text=True, check=True,
                          stdout=subprocess.PIPE)
    return done.stdout


def tables(vmscope, file):
    lines = []
    for line in describe(vmscope, file).splitlines():
        head = re.match(r"(\w+): (.*)", line)
        column = re.match(r"  (\w+) +([A-Z]+) +(.*)", line)
        if head and head[1].endswith("_summary"):
            break
        if head:
            lines += [f"### {head[1]}", "", head[2][0].upper() + head[2][1:] + ".", "",
                      "| column | type | |", "|---|---|---|"]
        elif column:
            lines.append(f"| `{column[1]}` | {column[2]} | {column[3]} |")
    text = "\n".join(lines)
    return re.sub(r"\n### ", r"\n\n### ", text) + "\n\n"


if __name__ == "__main__":
    print(tables(*sys.argv[1:3]), end="")
