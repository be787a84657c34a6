"""How long, typed and tested our code is, beside five public code bases; `make check` prints it, nothing enforces."""

import ast
import statistics
import subprocess
import tokenize
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
MODELS = ("job-server", "healthchecks", "django-allauth", "pretix", "HackSoft")
# Measured in November 2026 on the public repositories, without tests and migrations.
FIGURES_OF_MODELS = {
    "lines per function, median / p90 / longest": (
        "9 / 33 / 173",
        "8 / 32 / 181",
        "6 / 18 / 166",
        "7 / 36 / 583",
        "8 / 28 / 79",
    ),
    "lines per file, median / p90": ("72 / 273", "42 / 158", "35 / 133", "116 / 731", "28 / 82"),
    "functions with annotations": ("1 %", "99 %", "50 %", "9 %", "22 %"),
    "comments per 100 lines": ("8.0", "5.6", "4.0", "11.6", "5.7"),
    "functions with a docstring": ("18 %", "10 %", "12 %", "9 %", "8 %"),
    "test lines per code line": ("1.41", "1.34", "0.65", "-", "0.31"),
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def listed() -> list[Path]:
    """The Python files that git knows or would add, without migrations."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"]
    names = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout.decode().split("\0")
    paths = (CHECKOUT / name for name in names if name and "/migrations/" not in name)
    return [path for path in paths if path.is_file()]


def is_test(path: Path) -> bool:
    """Whether the file belongs to the tests."""
    parts = path.relative_to(CHECKOUT).parts
    return bool({"tests", "e2e"} & set(parts)) or path.name == "conftest.py"


def p90(numbers: Sequence[int]) -> int:
    """The number that nine of ten do not exceed."""
    return sorted(numbers)[int(len(numbers) * 0.9)] if numbers else 0


def functions(paths: Iterable[Path]) -> list[Function]:
    """Every function and method of the files."""
    trees = (ast.parse(path.read_text()) for path in paths)
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]


def length(node: Function) -> int:
    """Lines from `def` to the end."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_annotated(node: Function) -> bool:
    """Whether the result and every argument but self and cls have a type."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return node.returns is not None and all(one.annotation or one.arg in {"self", "cls"} for one in arguments)


def comments(path: Path) -> int:
    """Comment tokens of a file."""
    with path.open("rb") as source:
        return sum(token.type == tokenize.COMMENT for token in tokenize.tokenize(source.readline))


def share(found: Sequence[Function], holds: Callable[[Function], object]) -> str:
    """The part of the functions for which something holds."""
    return f"{100 * sum(bool(holds(one)) for one in found) // max(1, len(found))} %"


def figures() -> dict[str, str]:
    """Our figures under the names of the models'."""
    paths = listed()
    code = [path for path in paths if not is_test(path)]
    sizes = {path: len(path.read_text().splitlines()) for path in paths}
    filled = [sizes[path] for path in code if sizes[path]]
    found = functions(code)
    lengths = [length(one) for one in found]
    lines = sum(sizes[path] for path in code)
    tests = sum(sizes[path] for path in paths if is_test(path))
    ours = (
        f"{statistics.median_low(lengths)} / {p90(lengths)} / {max(lengths)}",
        f"{statistics.median_low(filled)} / {p90(filled)}",
        share(found, is_annotated),
        f"{100 * sum(comments(path) for path in code) / lines:.1f}",
        share(found, ast.get_docstring),
        f"{tests / lines:.2f}",
    )
    return dict(zip(FIGURES_OF_MODELS, ours, strict=True))


def table() -> str:
    """Ours and theirs, a row a figure."""
    rows = [("", "here", *MODELS)]
    rows += [(name, mine, *FIGURES_OF_MODELS[name]) for name, mine in figures().items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


if __name__ == "__main__":
    print(table())
