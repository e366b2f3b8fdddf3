"""Charts that the server draws as SVG: text at its own size, shapes stretched to the width that there is. Numbers are attributes,
because the pages allow no inline styles. Beside every chart its template shows the same numbers as a table."""

from console.charts.delay import delay
from console.charts.flow import flow
from console.charts.funnel import current
from console.charts.heat import heat
from console.charts.share import share, split
from console.charts.spark import spark
from console.charts.waterline import Interval, waterline
from console.charts.world import world

__all__ = ["Interval", "current", "delay", "flow", "heat", "share", "spark", "split", "waterline", "world"]
