"""From a matplotlib figure to SVG inside a page: same bytes for same data, no outside links."""

# matplotlib leaves its keyword arguments untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

INK = "#1a1a1a"
STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "qkd-hil",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 9,
    "axes.edgecolor": "#595959",
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.fontsize": 8,
    "legend.framealpha": 0.9,
}
_RASTER_DPI = 140


def draw_svg(
    name: str, label: str, width_in: float, height_in: float, draw: Callable[[Figure], None]
) -> Markup:
    """Let `draw` fill a figure and return it as an `<svg>` element; `label` tells what it shows."""
    # Slow to import, and only a report needs it; a Figure by itself leaves pyplot out.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    with rc_context(STYLE):
        figure = Figure(figsize=(width_in, height_in), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
        draw(figure)
        sink = StringIO()
        figure.savefig(sink, format="svg", dpi=_RASTER_DPI, metadata={"Date": None})
    # matplotlib escapes every text in it, and `_inline` the label.
    return Markup(_inline(sink.getvalue(), name, label))  # noqa: S704


def _inline(document: str, name: str, label: str) -> str:
    """Keep the element alone, without links to the maker, and with ids that no other figure has."""
    element = document[document.index("<svg ") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'(xlink:href="|url\()#', rf"\1#{name}-", element)
    # A style inside a figure would hold for the whole page.
    element = element.replace("*{stroke", f"#{name}-figure_1 *{{stroke")
    escaped = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return element.replace("<svg ", f'<svg role="img" aria-label="{escaped}" ', 1)
