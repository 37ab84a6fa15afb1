"""Single changes to the code, one at a time: does a test notice?

What belongs here: making the changes, running the tests that may notice, and printing the changes
that none noticed. What does not: judging them. A survivor is a behaviour without a test, or a
change that changes nothing.

``make mutants`` takes the modules that the branch touches. ``python -m benchmarks.mutants --help``
says more. Nothing is changed in the checkout: the tests run in a copy of it.

Why not mutmut or cosmic-ray: both run the whole suite, or one command, for each change, where this
suite takes minutes and a line is mostly held by seconds of it; mutmut also wants its own layout of
the package, cosmic-ray a database and a session. What is needed of them is the list of changes
below. It leaves out what nobody tests on purpose: annotations, decorators and wording.
"""

import ast
import copy
import difflib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import click
from coverage import CoverageData

PACKAGE, TESTS = "tdnet_assets", "tdnet_assets_tests"
MEASURED = ".mutants"
"""Folder of the checkout for what was measured, by the state of the code; may be deleted."""
RECORDINGS = "shared"
"""Recorded pages and filings that some tests look for beside the checkout."""
_OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OTHER_OPERATORS: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_OTHER_CHOICES = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
_PASSED_BY = (ast.JoinedStr, ast.Raise, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)


Outcome = Literal["noticed", "SURVIVED", "OUT OF TIME"]
"""Of tests with a change: they failed, they passed, or nobody knows: the change may be a loop."""


class Change(NamedTuple):
    """One change of a module.

    Attributes:
        module: path within the checkout.
        first: first line of the statement that is changed, from 1.
        last: last line that the change touches.
        text: the module with the change.
    """

    module: Path
    first: int
    last: int
    text: str


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, in which a module can be changed and tests run."""

    source: Path
    root: Path

    def pytest(self, *arguments: str, seconds: float, processes: int = 0) -> Outcome:
        """What becomes of the tests, which are given so many seconds."""
        path = os.environ | {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        # The cache outlives the copy: some tests keep there what they have fetched.
        cache = self.source / MEASURED / "cache"
        command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-o", f"cache_dir={cache}"]
        with subprocess.Popen(  # noqa: S603 - pytest, in the copy
            [*command, "-n", str(processes), *arguments],
            cwd=self.root,
            env=path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # what the tests have started ends with them
        ) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return "OUT OF TIME"
        if process.returncode and "-x" not in arguments:
            click.echo(output)
        return "SURVIVED" if process.returncode in (0, 5) else "noticed"  # 5: there is no test


def changes_of(module: Path, text: str) -> list[Change]:
    """Every single change of a module, in the order of its statements; see :func:`is_change`."""
    content = text.encode()
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: dict[tuple[int, int, str], Change] = {}
    for statement, node, words in _replacements(ast.parse(text)):
        end_line = node.end_lineno or node.lineno
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[end_line - 1] + (node.end_col_offset or 0)
        changed = (content[:begin] + words.encode() + content[end:]).decode()
        found[begin, end, words] = Change(module, statement.lineno, end_line, changed)
    return list(found.values())


def is_change(change: Change, text: str) -> bool:
    """Whether it compiles, and to something else than the text."""
    try:
        return ast.dump(ast.parse(change.text)) != ast.dump(ast.parse(text))
    except SyntaxError:
        return False


_Node = ast.stmt | ast.expr


def _replacements(tree: ast.Module) -> Iterator[tuple[ast.stmt, _Node, str]]:
    """The statement, the part of it to be replaced, and the words to replace it with."""
    for statement in _statements(tree.body):
        yield from ((statement, statement, words) for words in _instead_of_statement(statement))
        if isinstance(statement, (ast.If, ast.While)):
            yield statement, statement.test, f"not ({ast.unparse(statement.test)})"
        for node in _expressions(statement):
            yield from ((statement, node, words) for words in _instead_of(node))


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) in (
            "TYPE_CHECKING",
            "__name__ == '__main__'",
        ):
            continue
        yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, name, ()))
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _statements(part.body)


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement itself, without annotations, decorators and wording."""
    waiting: list[ast.AST] = []
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        arguments = statement.args
        waiting += [*arguments.defaults, *(one for one in arguments.kw_defaults if one)]
    elif isinstance(statement, ast.AnnAssign):
        waiting += [statement.value] if statement.value else []
    elif not isinstance(statement, (*_PASSED_BY, ast.ClassDef)):
        waiting += [
            part for part in ast.iter_child_nodes(statement) if not isinstance(part, ast.stmt)
        ]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.JoinedStr, ast.ExceptHandler, ast.match_case)):
            continue
        if isinstance(node, ast.expr):
            yield node
        waiting += list(ast.iter_child_nodes(node))


def _instead_of_statement(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Expr(value=ast.Constant() | ast.Yield() | ast.YieldFrom()):
            return
        case ast.Return(value=value) if value is not None and ast.unparse(value) != "None":
            yield "return None"
        case (
            ast.Expr()
            | ast.Raise()
            | ast.AugAssign()
            | ast.Continue()
            | ast.Break()
            | ast.Assign(targets=[ast.Attribute() | ast.Subscript()])
            | ast.Delete()
        ):
            yield "pass"


def _instead_of(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _OPPOSITES:
            yield _with(node, ops=[_OPPOSITES[type(operator)]()])
        case ast.BoolOp(op=operator, values=values):
            other = ast.And() if isinstance(operator, ast.Or) else ast.Or()
            yield _with(node, op=other)
            for at in range(len(values)):
                rest = values[:at] + values[at + 1 :]
                yield f"({ast.unparse(rest[0])})" if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield f"({ast.unparse(operand)})"
        case ast.BinOp(op=operator) if type(operator) in _OTHER_OPERATORS:
            yield _with(node, op=_OTHER_OPERATORS[type(operator)]())
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() | float() as value):
            yield from (f"({value + 1})", f"({value - 1})")
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(op=ast.Not(), operand=test))
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            yield from _without_conditions(node)
        case ast.Slice(lower=lower, upper=upper) if lower and upper:
            yield from (f"{ast.unparse(lower)}:", f":{ast.unparse(upper)}")
        case ast.Call():
            yield from _instead_of_call(node)


def _without_conditions(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
) -> Iterator[str]:
    """The comprehension without one of its conditions."""
    for at, generator in enumerate(node.generators):
        for which in range(len(generator.ifs)):
            fewer = copy.deepcopy(node)
            del fewer.generators[at].ifs[which]
            yield ast.unparse(fewer)


def _instead_of_call(node: ast.Call) -> Iterator[str]:
    arguments = node.args
    starred = any(isinstance(argument, ast.Starred) for argument in arguments)
    if len(arguments) > 1 and not starred:
        yield _with(node, args=[arguments[1], arguments[0], *arguments[2:]])
    for at, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            yield _with(node, keywords=node.keywords[:at] + node.keywords[at + 1 :])
    if isinstance(node.func, ast.Name) and node.func.id in _OTHER_CHOICES:
        yield _with(node, func=ast.Name(_OTHER_CHOICES[node.func.id]))
    # A guard that hands on what it was given: check(value), value.strip().
    if len(arguments) == 1 and not node.keywords and not starred:
        yield f"({ast.unparse(arguments[0])})"
    if isinstance(node.func, ast.Attribute) and not arguments and not node.keywords:
        yield f"({ast.unparse(node.func.value)})"


def _with(node: ast.expr, **parts: object) -> str:
    other = copy.copy(node)
    for name, part in parts.items():
        setattr(other, name, part)
    words = ast.unparse(ast.fix_missing_locations(other))
    return words if isinstance(node, ast.Call) else f"({words})"


def touched(checkout: Path, base: str) -> list[Path]:
    """The package's modules that differ from where the branch left the base, changes included."""
    fork = _git(checkout, "merge-base", base, "HEAD").strip()
    names = _git(checkout, "diff", "--name-only", "--diff-filter=d", fork, "--", PACKAGE)
    return [Path(name) for name in names.splitlines() if name.endswith(".py")]


def _git(checkout: Path, *arguments: str) -> str:
    return subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=checkout,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def copied(checkout: Path, folder: Path) -> Checkout:
    """A copy of all files that are, or could be, committed."""
    root = folder / "checkout"
    names = _git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, names.split("\0")):
        if (checkout / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkout / name, root / name)
    if (checkout.parent / RECORDINGS).exists():
        (folder / RECORDINGS).symlink_to((checkout.parent / RECORDINGS).resolve())
    return Checkout(checkout, root)


def mirrored(checkout: Path, module: Path) -> tuple[Path, Path | None]:
    """The folder of tests that mirrors a module's, as deep as there is one; and its own file."""
    folder = Path(TESTS, *module.parent.parts[1:])
    while not any((checkout / folder).glob("test_*.py")) and folder != Path(TESTS):
        folder = folder.parent
    file = Path(TESTS, *module.parent.parts[1:], f"test_{module.name}")
    return folder, file if (checkout / file).exists() else None


class Reached:
    """Which tests reach a line: one measured run of the given tests, kept for each state of code.

    Raises:
        click.ClickException: the tests fail without any change, so that they would notice all.
    """

    def __init__(self, checkout: Checkout, tests: Iterable[Path]) -> None:
        paths = sorted(map(str, tests))
        state = hashlib.sha256("\0".join(paths).encode())
        for arguments in (("rev-parse", "HEAD"), ("diff", "HEAD"), ("status", "--porcelain")):
            state.update(_git(checkout.source, *arguments).encode())
        kept = checkout.source / MEASURED / state.hexdigest()[:16]
        if not kept.exists():
            click.echo(f"measuring which tests of {', '.join(paths)} reach which line …")
            measured = checkout.root / ".coverage"
            options = (
                f"--cov={PACKAGE}",
                "--cov-context=test",
                "--cov-report=",
                "--cov-fail-under=0",
            )
            if checkout.pytest(*options, *paths, seconds=3600, processes=2) != "SURVIVED":
                raise click.ClickException("the tests fail without a change: mend them first")
            kept.parent.mkdir(exist_ok=True)
            shutil.copy2(measured, kept)
        data = CoverageData(str(kept))
        data.read()
        self._contexts = {
            Path(*Path(name).parts[-len(module.parts) :]): data.contexts_by_lineno(name)
            for name in data.measured_files()
            for module in [Path(PACKAGE, *Path(name).parts[_package_at(name) + 1 :])]
        }

    def tests(self, change: Change) -> list[str]:
        """The tests that reach the changed lines, those of the module's own file first."""
        lines = self._contexts.get(change.module, {})
        contexts = {
            context.split("[")[0].split("|")[0]
            for line in range(change.first, change.last + 1)
            for context in lines.get(line, ())
            if context
        }
        own = f"test_{change.module.name}"
        return sorted(contexts, key=lambda test: (own not in test, test))


def _package_at(name: str) -> int:
    parts = Path(name).parts
    return len(parts) - 1 - parts[::-1].index(PACKAGE)


def tried(change: Change, checkout: Checkout, reached: Reached, seconds: float) -> Outcome:
    """Whether the tests that reach the change notice it, or else the rest of their folder."""
    folder, file = mirrored(checkout.root, change.module)
    tests = reached.tests(change) or ([str(file)] if file else [])
    place = checkout.root / change.module
    unchanged = place.read_bytes()
    place.write_text(change.text, encoding="utf-8")
    try:
        limits = ("-x", "-o", f"timeout={seconds}")
        quick = (*limits, "--hypothesis-profile", "check")
        if tests and (outcome := checkout.pytest(*quick, *tests, seconds=seconds)) != "SURVIVED":
            return outcome
        return checkout.pytest(*limits, str(folder), seconds=5 * seconds, processes=2)
    finally:
        place.write_bytes(unchanged)


def difference(change: Change, text: str) -> str:
    """The change as a diff with two lines around it."""
    lines = difflib.unified_diff(
        text.splitlines(),
        change.text.splitlines(),
        str(change.module),
        "changed",
        n=2,
        lineterm="",
    )
    return "\n".join(lines)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--base", default="main", show_default=True, help="What the branch started from.")
@click.option("--sample", default=40, show_default=True, help="How many changes to try.")
@click.option("--seed", default=1, show_default=True, help="Of the sample.")
@click.option("--seconds", default=120.0, show_default=True, help="For the tests of one change.")
@click.option(
    "--tests",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Tests to measure beside the mirror folders, where others hold a behaviour as well.",
)
def main(  # noqa: PLR0917 - options
    paths: tuple[Path, ...],
    base: str,
    sample: int,
    seed: int,
    seconds: float,
    tests: tuple[Path, ...],
) -> None:
    """Try single changes in the modules of PATHS, or of those that the branch touches."""
    here = Path.cwd()
    modules = [
        module
        for path in paths or touched(here, base)
        for module in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]
    texts = {module: module.read_text(encoding="utf-8") for module in modules}
    changes = [change for module, text in texts.items() for change in changes_of(module, text)]
    random.Random(seed).shuffle(changes)  # noqa: S311 - a sample, no secret
    chosen = list(islice((one for one in changes if is_change(one, texts[one.module])), sample))
    click.echo(f"{len(chosen)} of {len(changes)} changes in {len(modules)} modules")
    if not chosen:
        return
    folders = {mirrored(here, change.module)[0] for change in chosen}
    outcomes: Counter[Outcome] = Counter()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        checkout = copied(here, Path(folder))
        reached = Reached(checkout, {*folders, *tests})
        for number, change in enumerate(chosen, start=1):
            begun = time.monotonic()
            outcome = tried(change, checkout, reached, seconds)
            outcomes[outcome] += 1
            took = time.monotonic() - begun
            click.echo(f"{number:4} {outcome} {change.module}:{change.first} {took:.0f} s")
            if outcome != "noticed":
                click.echo(difference(change, texts[change.module]))
    share = 100 * outcomes["noticed"] / len(chosen)
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    click.echo(f"\n{told}: {share:.0f} % of {len(chosen)} noticed")


if __name__ == "__main__":
    main()
