"""Does `click_series` have as many clicks and people in each quarter of an hour as there are rows?"""

from models.clicks.click import Scope
from models.reconcile.clicks import counter_of_clicks

CLICK_SERIES = [counter_of_clicks("click_series", scope, ("bucket",)) for scope in Scope]
