"""Device types over whole families: browsers, apps and apps' own network code on each kind of system."""

import pytest

from services.clicks.device_types import DeviceType
from services.clicks.devices import read_device
from tests.clicks import IPHONE

WEB = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
VIEW = "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0"
MAC_VIEW = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
ELECTRON = "AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.38.125 Chrome/124.0.6367.243 Electron/30.1.2 Safari/537.36"

PHONES = [
    IPHONE,
    IPHONE.partition(" Version/")[0] + " Mobile/15E148 HealthCheck/2.0",
    IPHONE.replace("(iPhone; CPU iPhone OS", "(iPod touch; CPU iPhone OS"),
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; SM-S921B; wv) {VIEW} Mobile",
    f"Mozilla/5.0 (Linux; Android 14; SM-S921B; wv) {VIEW} Mobile ShopApp/3.1",
    f"Mozilla/5.0 (Linux; Android 11; moto g(50)) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36 Pluto TV/5.1",
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36 TabletHotels/1.0",
    "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    "Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A.220624.014)",
    "MyApp/3.1 (Android 14; Pixel 8)",
    f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {CHROME} Safari/537.36 ArkWeb/4.1.6.1 Mobile",
    f"Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) {CHROME} Mobile Safari/537.36 Edge/15.15254",
    "Mozilla/5.0 (BB10; Touch) AppleWebKit/537.35+ (KHTML, like Gecko) Version/10.3.2.2639 Mobile Safari/537.35+",
    "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
    "NokiaX2-00/5.0 (04.90) Profile/MIDP-2.1 Configuration/CLDC-1.1 Mozilla/5.0 AppleWebKit/420+ (KHTML, like Gecko) Safari/420+",
]
TABLETS = [
    IPHONE.replace("(iPhone; CPU iPhone OS", "(iPad; CPU OS"),
    f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {MAC_VIEW} Mobile/15E148 [FBAN/FBIOS;FBDV/iPad13,1]",
    "Mozilla/5.0 (Android 14; Tablet; rv:128.0) Gecko/128.0 Firefox/128.0",
    f"Mozilla/5.0 (Linux; Android 14; SM-X710) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; SM-T870) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; Lenovo TB-X606F; wv) {VIEW} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; Pixel Tablet) {CHROME} Safari/537.36",
    "Dalvik/2.1.0 (Linux; U; Android 13; SM-T870 Build/TP1A.220624.014)",
    f"Mozilla/5.0 (Linux; Android 11; KFTRWI) {WEB} Silk/122.3.3 like Chrome/122.0.6261.139 Safari/537.36",
    "Mozilla/5.0 (X11; U; Linux armv7l like Android; en-us) AppleWebKit/531.2+ (KHTML, like Gecko) Kindle/3.0+",
    f"Mozilla/5.0 (Tablet; OpenHarmony 5.0) {CHROME} Safari/537.36 ArkWeb/4.1.6.1",
    "Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0; en-US) AppleWebKit/536.2+ (KHTML, like Gecko) Version/7.2.1.0 Safari/536.2+",
]
DESKTOPS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; Touch; Tablet PC 2.0; rv:11.0) like Gecko",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {ELECTRON}",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/126.0.0.0 HealthCheck/1.0",
    "MyApp/1.2 (Windows NT 10.0; Win64; x64)",
    "MyApp/1.2 (Windows 11; x64)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17126; Pro)",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {MAC_VIEW} Version/17.4.1 Safari/605.1.15",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {MAC_VIEW}",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {MAC_VIEW} SurveyApp/3.1",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {ELECTRON}",
    "MyApp/1.2 (Macintosh; OS X 14.5.0)",
    "MyApp/1.2 (macOS 14.5; arm64)",
    "MyApp/1.2 (Mac OS X Version 14.5 (Build 23F79))",
    "MyApp/12 CFNetwork/1333.0.4 Darwin/21.5.0 (x86_64)",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (X11; CrOS aarch64 14541.0.0) {CHROME} Safari/537.36 MyApp/1.0",
    f"Mozilla/5.0 (Linux; Android 11; asuka Build/R120-15662.0.0; wv) {VIEW} Safari/537.36",
    "Dalvik/2.1.0 (Linux; U; Android 9; Google Pixelbook Build/R91-13904.0.0)",
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (X11; Linux x86_64) {ELECTRON}",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (X11; FreeBSD amd64; rv:128.0) Gecko/20100101 Firefox/128.0",
    f"Mozilla/5.0 (PC; OpenHarmony 5.0) {CHROME} Safari/537.36 ArkWeb/4.1.6.1",
]
OTHERS = [
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEB} Chrome/94.0.4606.128 Safari/537.36 WebAppManager",
    f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.5) {WEB} SamsungBrowser/4.0 Chrome/85.0.4183.93 TV Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 12; BRAVIA 4K VH2) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 12; Chromecast) {CHROME} Safari/537.36 CrKey/1.56.500000",
    f"Mozilla/5.0 (Linux; Android 9; AFTKA) {WEB} Silk/110.6.4 like Chrome/110.0.5481.154 Safari/537.36",
    "AppleTV11,1/11.1",
    "Roku4640X/DVP-7.70 (297.70E04154A)",
    "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15",
    "Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 (KHTML, like Gecko) NintendoBrowser/5.1.0.22474",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {CHROME} Safari/537.36 Edge/44.18363.8131",
    "Mozilla/5.0 (Apple Watch; CPU Watch OS 10_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "server-bag [Watch OS,10.5,21T576,Watch6,2]",
    f"Mozilla/5.0 (Linux; Tizen 4.0; SAMSUNG SM-R800) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (X11; GNU/Linux) {CHROME} Safari/537.36 Tesla/2019.40.50.7-ad132c7b057e",
    f"Mozilla/5.0 (Linux; Android 10; Quest 2) {WEB} OculusBrowser/18.1 Chrome/95.0 Mobile VR Safari/537.36",
]
TABLE = [
    (kind, agent)
    for kind, agents in (
        (DeviceType.PHONE, PHONES),
        (DeviceType.TABLET, TABLETS),
        (DeviceType.DESKTOP, DESKTOPS),
        (DeviceType.OTHER, OTHERS),
    )
    for agent in agents
]


@pytest.mark.parametrize(("kind", "agent"), TABLE, ids=[agent for _, agent in TABLE])
def test_a_device_is_known_by_the_system_that_its_agent_names(kind: DeviceType, agent: str) -> None:
    assert read_device(agent).type == kind


@pytest.mark.parametrize("name", ["SpiderSolitaire/5.1", "NewsCrawl/2.0", "FeedReader/1.0"])
def test_an_app_that_is_called_like_a_machine_runs_on_a_persons_device(name: str) -> None:
    assert read_device(f"{IPHONE.partition(' Version/')[0]} Mobile/15E148 {name}").type == DeviceType.PHONE
