"""Does `click_series` have as many clicks and people in each quarter of an hour as there are rows, and the times of the first and
the last click?"""

from models.clicks.click import Scope
from models.reconcile.clicks import TIMES, counter_of_clicks

CLICK_SERIES = {scope: counter_of_clicks("click_series", scope, ("bucket",), more=TIMES) for scope in Scope}
