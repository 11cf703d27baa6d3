"""How many times as much others need, in the same run at the same size."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from samviz.bench.row import BOTH, Row
from samviz.bench.subjects import SPARSE


def time_ratios(rows: Sequence[Row]) -> Iterator[Row]:
    """For every sparse model and every other with a memory: its time per step over the sparse model's."""
    for sparse, dense in _pairs(row for row in rows if row.phase == BOTH and row.us_per_step):
        assert sparse.us_per_step
        assert dense.us_per_step
        yield _ratio(sparse, dense, dense.us_per_step / sparse.us_per_step, BOTH)


def memory_ratios(rows: Sequence[Row]) -> Iterator[Row]:
    """The same of the bytes above what exists once per slot, and of all bytes."""
    for sparse, dense in _pairs(row for row in rows if row.bytes and not row.ratio):
        if sparse.steps != dense.steps:
            continue
        assert sparse.bytes
        assert sparse.total_bytes
        yield _ratio(sparse, dense, (dense.bytes or 0) / sparse.bytes, "above")
        yield _ratio(sparse, dense, (dense.total_bytes or 0) / sparse.total_bytes, "total")


def index_ratios(rows: Sequence[Row]) -> Iterator[Row]:
    """For pages and each index of faiss on the same words: its times over theirs, and what both found."""
    for pages in rows:
        for other in rows:
            if pages.index != "pages" or not other.index.startswith("faiss"):
                continue
            assert pages.us_per_step
            assert other.us_per_step
            yield replace(
                _ratio(pages, other, other.us_per_step / pages.us_per_step, pages.phase),
                words=pages.words,
                against=other.index,
                recall=pages.recall,
                against_recall=other.recall,
                update_ratio=other.update_us / pages.update_us
                if other.update_us and pages.update_us
                else None,
            )


def _pairs(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Each row of a sparse model with each row of another model at the same size."""
    measured = list(rows)
    for sparse in measured:
        for dense in measured:
            same = (sparse.slots, sparse.batch) == (dense.slots, dense.batch)
            if same and sparse.model in SPARSE and dense.model not in (*SPARSE, "lstm"):
                yield sparse, dense


def _ratio(sparse: Row, dense: Row, ratio: float, phase: str) -> Row:
    return Row(
        bench=sparse.bench,
        model=sparse.model,
        index=sparse.index,
        slots=sparse.slots,
        batch=sparse.batch,
        steps=sparse.steps,
        phase=phase,
        against=dense.subject,
        ratio=ratio,
    )
