"""Does `click_by` have as many clicks and people for each country, city, device, browser and system as there are rows?"""

from models.clicks.click import Scope
from models.clicks.counters import VALUES
from models.reconcile.clicks import counter_of_clicks

CLICK_BY = [counter_of_clicks("click_by", scope, ("dimension", "value"), f"CROSS JOIN LATERAL {VALUES}") for scope in Scope]
