"""The people of the demo: their browsers, where they are, and who clicks how often. Fixed, so that every run is the same."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

CONTACTS = 200
CLICKERS = 60
TWICE = 10
CRAWLED = 5
ENROLLED = 40
SEQUENCE_CLICKERS = 25
WELCOMED = 20
MOVED = 8

# Addresses of real networks and where the demo geo database of December 2019 places them.
PLACES = (
    ("84.191.134.32", "DE", "Berlin"),
    ("141.39.176.50", "DE", "Munich"),
    ("138.37.177.211", "GB", "London"),
    ("88.165.121.20", "FR", "Paris"),
    ("176.104.75.102", "ES", "Madrid"),
    ("194.151.91.77", "NL", "Amsterdam"),
    ("69.86.198.244", "US", "New York"),
    ("191.233.147.140", "US", "Chicago"),
    ("168.144.71.169", "CA", "Toronto"),
    ("177.141.92.177", "BR", "São Paulo"),
    ("42.109.21.219", "IN", "Mumbai"),
    ("13.112.202.148", "JP", "Tokyo"),
    ("59.100.5.145", "AU", "Sydney"),
)

BROWSERS = (
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.1 Mobile/15E148 Safari/604.1",
        "phone",
    ),
    (
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
        "phone",
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
        "phone",
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.6 Mobile/15E148 Safari/604.1",
        "tablet",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        "desktop",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
        "desktop",
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "desktop"),
)

CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@dataclass(frozen=True)
class Visit:
    """One click of one contact, by the contact's number."""

    contact: int
    address: str
    country: str
    city: str
    user_agent: str
    device: str


def visit(contact: int) -> Visit:
    """A contact always has the same browser and location."""
    address, country, city = PLACES[contact % len(PLACES)]
    user_agent, device = BROWSERS[contact % len(BROWSERS)]
    return Visit(contact, address, country, city, user_agent, device)


def campaign_visits() -> list[Visit]:
    """Returns the clicks of 60 people, the first 10 of whom click twice."""
    return [visit(contact) for contact in [*range(CLICKERS), *range(TWICE)]]


def crawler_visits() -> list[Visit]:
    """A crawler follows the links of five contacts who did not click."""
    return [Visit(contact, "66.249.66.1", "US", "", CRAWLER, "bot") for contact in range(CONTACTS - CRAWLED, CONTACTS)]


def contact_row(contact: int) -> dict[str, object]:
    return {
        "external_id": f"demo-{contact:03d}",
        "first_name": FIRST_NAMES[contact % len(FIRST_NAMES)],
        "phone": f"+1202555{contact:04d}",
        "email": f"person{contact:03d}@example.com",
        "tags": ["demo"],
    }


FIRST_NAMES = ("Ada", "Alan", "Barbara", "Dennis", "Edsger", "Frances", "Grace", "Hedy", "John", "Katherine", "Ken", "Radia")


def counts(values: Sequence[str]) -> dict[str, int]:
    """Returns counts, most frequent first, then by name, as the tables show them."""
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))
