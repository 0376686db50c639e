"""The table of ``docs/safety.md``: each protection, what it protects, and the test that fails without it.

``python -m tests.mutations.page`` writes it into the page anew; a test holds the page to it.
"""

from collections.abc import Sequence

from tests.mutations.mutation import Mutation
from tests.project.tree import ROOT

PAGE = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- mutations -->\n", "<!-- end -->\n"


def table(mutations: Sequence[Mutation]) -> str:
    """The table as Markdown, by the first row that a mutation names: laws first, then failures."""
    lines = ["| protects | taken out | in | noticed by |", "|---|---|---|---|"]
    for m in sorted(mutations, key=lambda m: (_place(m.rows[0]), m.name)):
        lines.append(f"| {', '.join(m.rows)} | {m.name} | `{m.file}` | `{m.test}` |")
    return "\n".join(lines) + "\n"


def with_table(page: str, mutations: Sequence[Mutation]) -> str:
    """The page with its table as it should be."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table(mutations)}\n{END}{tail}"


def _place(row: str) -> tuple[bool, int]:
    return not row.startswith("L"), int(row.removeprefix("L"))


if __name__ == "__main__":
    from tests.mutations.test_mutations import ALL

    PAGE.write_text(with_table(PAGE.read_text(), ALL))
