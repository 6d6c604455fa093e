#!/usr/bin/python3
"""
test_shells.py BASH_COMPLETION VMSCOPE ZSH_COMPLETION FISH_COMPLETION: the completions know the options that --help tells of, and no
others, and those of zsh and fish offer them. As TAP.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from tap import Skip, run  # noqa: E402 pylint: disable=wrong-import-position

BASH, VMSCOPE, ZSH, FISH = (pathlib.Path(path).resolve() for path in sys.argv[1:])


def output_of(*command, **more):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, **more).stdout


def bash(code):
    return output_of("bash", "-c", f"source '{BASH}'; {code}").split()


def helped_commands():
    return re.findall(r"^  (\w+) {2,}\w", output_of(VMSCOPE, "--help"), re.M)


def helped_options(command):
    """{option: whether a value follows it, None: perhaps}, by --help: of a line that begins with options those before the text."""
    found = {}
    for line in output_of(VMSCOPE, "help", command).splitlines():
        head = re.split(r" {2,}", line[2:])[0] if line.startswith("  -") else ""
        for option in re.finditer(r"(?:^|, )(--[\w-]+)(\[=)?( [^\s,]+)?", head):
            found[option[1]] = None if option[2] else bool(option[3])
    return found


def test_the_commands_are_those_of_the_help():
    assert bash("_vmscope_commands") == helped_commands(), helped_commands()


def test_the_options_are_those_of_the_help():
    for command in helped_commands():
        assert set(bash(f"_vmscope_options {command}")) >= {o for o in helped_options(command)} - {"--clock-gmt"}, command
        assert set(bash(f"_vmscope_options {command}")) <= set(helped_options(command)) | {"--clock-gmt"}, command


def test_values_follow_where_the_help_says_so():
    for command in helped_commands():
        for option, valued in helped_options(command).items():
            code = f"_vmscope_takes_path {option} || _vmscope_values {command} {option} >/dev/null && echo yes"
            assert valued in (None, bool(bash(code + " || true"))), (command, option)


def test_fish_offers_them():
    if not shutil.which("fish"):
        raise Skip("there is no fish")
    with tempfile.TemporaryDirectory() as home:
        def offered(line):
            text = output_of("fish", "--no-config", "-c", f"source '{FISH}'; complete -C '{line}'",
                             env={"HOME": home, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, cwd=home)
            return {entry.split("\t")[0] for entry in text.splitlines()}
        assert offered("vmscope ") == set(helped_commands())
        for command in helped_commands():
            assert offered(f"vmscope {command} --") == set(bash(f"_vmscope_options {command}")), command
        assert offered("vmscope analyze --sync ") == set(bash("_vmscope_values analyze --sync"))
        pathlib.Path(home, "run.vms").touch()
        assert "run.vms" in offered("vmscope query ")


def test_zsh_offers_them():
    """What it tells _arguments, which is zsh's own."""
    if not shutil.which("zsh"):
        raise Skip("there is no zsh")
    stub = "_arguments() { print -rl -- \"$@\" }; compadd() { print -rl -- \"$@\" };"

    def told(*words):
        return output_of("zsh", "-f", "-c", f"{stub} words=({' '.join(words)} ''); CURRENT=$#words; source '{ZSH}'").splitlines()
    assert told("vmscope")[1:] == helped_commands() + ["--help", "--version"]
    for command in helped_commands():
        specs = [line for line in told("vmscope", command)[1:] if line.startswith("*--")]
        assert {re.match(r"\*(--[\w-]+)", s)[1] for s in specs} == set(bash(f"_vmscope_options {command}")), command
        helped = helped_options(command)
        assert all(helped.get(re.match(r"\*(--[\w-]+)", s)[1], False) in (None, "=:" in s) for s in specs), specs
    assert "*--sync=:sync:(auto vmsync containment tsc agent none)" in told("vmscope", "analyze")
    assert '*:file:_files -g "*.(dat|data)(-.)"' in told("vmscope", "info")


run(globals())
