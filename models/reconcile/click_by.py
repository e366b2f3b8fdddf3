"""Does `click_by` have as many clicks and people for each value of each of its dimensions as there are rows?"""

from models.clicks.click import Scope
from models.clicks.counters import VALUES
from models.reconcile.clicks import counter_of_clicks
from models.reconcile.counter import Counter

CLICK_BY: dict[Scope, Counter] = {
    scope: counter_of_clicks("click_by", scope, ("dimension", "value"), values=f"CROSS JOIN LATERAL {VALUES}")
    for scope in Scope
    if scope is not Scope.ORGANIZATION
}
