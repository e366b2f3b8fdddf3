"""Browsers of people inside apps: what apps are called, and where in an agent their names stand."""

from tests.clicks import IPHONE
from tracking.templates.literals import listed

# Words by which machines are known elsewhere, each as apps have them: alone, in front, inside, behind.
WORDS = listed("""
    Blog, Shop, Search, Check, Health, Survey, Scan, Feed, Verify, Translate, Subscriber, Monitor, Reader, Research,
    Audit, Fetch, Grab, Extract, Collect, Harvest, Archive, Analyze, Analytics, Inspector, Hunter, Digger, Website,
    Offline, Downloader, Semantic, Category, Copyright, Thumbnail, Probe, Ping, Worm, Seo, Rss, Uptime, Validate,
    Diagnosis, Measurement, Sniff, Indexer, Sitemap, Backlink, Proxy, Library, Virus, Phish, Malware, Checkpoint,
    Screenshot, Synthetic, Nightmare, Observatory, Jersey, Snoopy, Insomnia, Soap, Needle, Postman, Robot, Spiderman,
    Crawling, Scraping, Mastodon, Zulip, Newsgroup, Teleport, Watchdog, Classified, Pubsub, Prerender, Curling,
    Feedly
""")
NAMES = [
    name
    for word in WORDS
    for name in (
        word,
        word.lower(),
        f"My{word}",
        f"{word}App",
        f"Daily{word}Plus",
        f"{word}-Now",
        f"The {word} Company",
        word.upper(),
    )
]
NAMES += [
    "HealthCheck",
    "SurveyMonkey",
    "QRScanner",
    "BarcodeScanner",
    "NewsFeed",
    "Blogger",
    "Shopee",
    "GoogleTranslate",
    "iRobot",
]
NAMES += ["VerifyMe", "Verifone", "CheckMyTrip", "SearchHistory", "TranslatorPro", "JerseyMikes", "LivePhish", "SpiderSolitaire"]

IPHONE_APP = IPHONE.partition(" Version/")[0] + " Mobile/15E148"
ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-S921B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
ANDROID_APP = f"{ANDROID} Chrome/126.0.6478.122 Mobile Safari/537.36"
FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0"
MAC_APP = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
CHROMEBOOK = "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

PLACES = {
    "behind an iPhone's": IPHONE_APP + " {}/3.1.4",
    "behind an iPhone's, without a version": IPHONE_APP + " {}",
    "behind an iPhone's, with details": IPHONE_APP + " {}/3.1.4 (iPhone14,5; iOS 17_5; de_DE; scale=3.00)",
    "in brackets behind an iPhone's": IPHONE_APP + " [{}/iOS;3.1.4]",
    "in parentheses behind an iPhone's": IPHONE_APP + " ({}; 3.1.4; build 22)",
    "like an app of a portal": IPHONE_APP + " {}(inapp; search; 2000; 12.5.1; 14PRO)",
    "inside an iPad's": IPHONE.replace("(iPhone; CPU iPhone OS", "(iPad; CPU OS").replace(" Version/", " {}/2.0 Version/"),
    "behind an Android phone's": ANDROID_APP + " {}/3.1.4",
    "behind an Android phone's, without a version": ANDROID_APP + " {}",
    "in brackets behind an Android phone's": ANDROID_APP + "[{}/3.1.4;de_DE]",
    "inside an Android phone's": ANDROID + " {}/5.0 Chrome/126.0.6478.122 Mobile Safari/537.36",
    "behind Firefox for Android": FIREFOX + " {}/3.1",
    "behind a HarmonyOS phone's": "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile {}/1.0",
    "behind a television's": "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0 {}/1",
    "behind a Mac's web view": MAC_APP + " {}/3.1.4",
    "in an Electron app for Windows": WINDOWS + " {}/1.2.3 Chrome/124.0.6367.243 Electron/30.1.2 Safari/537.36",
    "behind Edge's web view": WINDOWS + " Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0 {}/2.1",
    "behind a Chromebook's": CHROMEBOOK + " {}/1.0",
}
