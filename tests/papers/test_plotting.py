"""Figures of papers: legends that cover no curve, and the paper's own values marked as such."""

from pathlib import Path

from deepjscc.papers.plotting import describe, draw_reported, one_axes, row_of_axes, save, texts
from deepjscc.papers.reported import ReportedCurve


def test_the_legend_lies_outside_all_axes(tmp_path: Path) -> None:
    figure, places = row_of_axes(3, share_y=True)
    for axes in places:
        for number in range(9):
            axes.plot([0, 1], [number, number], label=f"a system with a rather long name, number {number}")
        describe(axes, "SNR [dB]", "title")
    save(figure, tmp_path, "figure")
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert not any(box.overlaps(axes.get_tightbbox()) for axes in places)
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert len(legend.get_texts()) == 9


def test_reported_values_are_marked_in_the_legend(tmp_path: Path) -> None:
    figure, axes = one_axes()
    draw_reported(axes, [ReportedCurve("figure-1", "deep JSCC", "read off the figure", (0.0, 1.0), (20.0, 21.0))])
    save(figure, tmp_path, "figure")
    assert "deep JSCC (read off the figure)" in texts(figure)
