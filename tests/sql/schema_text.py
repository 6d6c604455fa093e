"""schema_text: what `vmscope query` says of its tables, as the part of docs/sql.md that describes them.

Run as `schema_text.py VMSCOPE FILE.vms docs/sql.md` it brings the page up to date.
"""
import pathlib
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


def split(page):
    """Return: what stands before the tables, they themselves, what stands behind them."""
    begin, end = page.index("### meta\n"), page.index("## Views")
    return page[:begin], page[begin:end], page[end:]


def main():
    vmscope, file, path = sys.argv[1:4]
    page = pathlib.Path(path)
    before, _, behind = split(page.read_text())
    page.write_text(before + tables(vmscope, file) + behind)


if __name__ == "__main__":
    main()
