"""embed_page.py DIR OUTPUT DEPFILE: the files below DIR as a table of site.c."""
import pathlib
import sys

directory, output, depfile = map(pathlib.Path, sys.argv[1:])
files = sorted(f for f in directory.rglob("*") if f.is_file() and not f.name.endswith(".map"))
with open(output, "w") as out:
    for number, file in enumerate(files):
        data = file.read_bytes()
        out.write(f"static const char file_{number}[] = {{")
        for i, byte in enumerate(data + b"\0"):
            out.write("\n" if i % 24 == 0 else "")
            out.write(f"{byte if byte < 128 else byte - 256},")
        out.write("\n};\n")
    out.write("static const struct site_file embedded[] = {\n")
    for number, file in enumerate(files):
        name = file.relative_to(directory).as_posix().replace("\\", "\\\\").replace('"', '\\"')
        out.write(f'\t{{"{name}", file_{number}, sizeof(file_{number}) - 1}},\n')
    out.write("};\n")
depfile.write_text(f"{output}: " + " ".join(str(f).replace(" ", "\\ ") for f in files) + "\n")
