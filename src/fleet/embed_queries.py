#!/usr/bin/python3
"""embed_queries.py OUTPUT FILE...: SQL files as initializers of struct fleet_query. Each begins with `-- name: what it answers`."""
import json
import pathlib
import re
import sys

with open(sys.argv[1], "w", encoding="ascii") as out:
    for path in sorted(map(pathlib.Path, sys.argv[2:])):
        sql = path.read_text(encoding="ascii")
        head = re.match(r"-- (\w+): (.*)\n", sql)
        if not head or head[1] != path.stem:
            sys.exit(f"{path} does not begin with -- {path.stem}: what it answers")
        out.write("{%s, %s, %s},\n" % (json.dumps(head[1]), json.dumps(head[2]), json.dumps(sql[head.end():])))
