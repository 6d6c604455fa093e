#!/usr/bin/python3
"""embed_views.py VIEWS OUTPUT: the views of an SQL file as initializers of struct sql_view."""
import json
import re
import sys


def main():
    with open(sys.argv[1], encoding="ascii") as f:
        parts = re.split(r"^--- (\w+): (.*)\n", f.read(), flags=re.M)[1:]
    with open(sys.argv[2], "w", encoding="ascii") as out:
        for name, text, select in zip(parts[::3], parts[1::3], parts[2::3]):
            words = json.dumps(name), json.dumps(text), json.dumps(select.strip().rstrip(";"))
            out.write("{%s, %s, %s},\n" % words)


main()
