"""build_page.py SOURCE DIR STAMP DEPFILE [FALLBACK]: build the page of SOURCE in DIR; it ends up in DIR/dist.

npm and vite write beside what they read, so a copy is built and the source tree stays as it is. What
npm installs is kept until the lock file changes. With FALLBACK, a directory, a page that cannot be
built (no network for npm, say) is that directory's: a program without its page is still a program.
"""
import hashlib
import pathlib
import shutil
import subprocess
import sys

NPM_CI = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--fetch-retries=1"]
# What is beside them: the page's source, and its unit tests, which are compiled with what npm installs.
DIRECTORIES = ["src", "public", "test/unit"]
CONFIG = ["package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "index.html"]


def run(command, directory, log):
    """Return: whether it exited with 0; what it printed is added to `log`."""
    with open(log, "a") as out:
        out.write(f"$ {' '.join(command)}\n")
        out.flush()
        return subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT).returncode == 0


def sources(source):
    files = [source / name for name in CONFIG]
    files += sorted(f for name in DIRECTORIES for f in (source / name).rglob("*"))
    return [f for f in files if f.is_file()]


def copy(source, directory):
    for name in DIRECTORIES:
        shutil.rmtree(directory / name, ignore_errors=True)
    for file in sources(source):
        target = directory / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def install(directory, log):
    """Install what the lock file names, unless it is there. Return: whether it is there now."""
    wanted = hashlib.sha256((directory / "package-lock.json").read_bytes()).hexdigest()
    installed = directory / "node_modules" / ".installed"
    if installed.exists() and installed.read_text() == wanted:
        return True
    if not run(NPM_CI, directory, log):
        return False
    installed.write_text(wanted)
    return True


def build(source, directory):
    """Return: None, or what could not be done."""
    log = directory / "build.log"
    directory.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    copy(source, directory)
    if not install(directory, log):
        return f"npm could not install what the page is built with (see {log})"
    if not run(["npm", "run", "build"], directory, log):
        return f"the page could not be built (see {log})"
    return None


def main():
    source, directory, stamp, depfile = map(pathlib.Path, sys.argv[1:5])
    problem = build(source, directory)
    if problem and len(sys.argv) < 6:
        sys.exit(f"build_page: {problem}; -Dweb=disabled builds without it")
    if problem:
        print(f"build_page: {problem}; a plain list of the experiments takes its place", file=sys.stderr)
        shutil.rmtree(directory / "dist", ignore_errors=True)
        shutil.copytree(sys.argv[5], directory / "dist")
    stamp.write_text("")
    depends = sources(source) + [p for p in (source / "src").rglob("*") if p.is_dir()]
    depfile.write_text(f"{stamp}: " + " ".join(str(f).replace(" ", "\\ ") for f in depends) + "\n")


main()
