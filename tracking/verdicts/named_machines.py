"""The names of machines beside a complete browser agent, where an app's own name can stand as well: there, "HealthCheck/2.1" is
an app and "HeadlessChrome/126.0" is not. So words of everyday language are left out, whatever machines are called by them.

They are in lower case, and each is looked for in the whole agent. `tracking/verdicts/machines.py` has the words for all other
agents.
"""

from collections.abc import Mapping

from models.clicks.verdict import Reason
from tracking.templates.literals import Signs, listed

NAMED: Mapping[Reason, Signs] = {
    Reason.PREVIEWER: Signs(
        anywhere=listed("""
            facebookexternalhit, facebot, meta-external, facebookcatalog, facebookplatform, telegrambot, skypeuripreview,
            discordbot, twitterbot, linkedinbot, pinterestbot, redditbot, slackbot, slack-imgproxy, kakaotalk-scrap, vkshare,
            snapurlpreview, snap url preview, microsoftpreview, bingpreview, yahoo link preview, google web preview,
            google-pagerenderer, bluesky cardyb, googleimageproxy, yahoomailproxy, ggpht.com, mattermost-bot, linkpreview,
            link preview, link-preview, urlpreview, url preview, url-preview, flipboardproxy, developers.google.com/+/web/snippet,
            googlemessages
        """)
    ),
    Reason.SCANNER: Signs(
        anywhere=listed("""
            barracuda, proofpoint, urldefense, mimecast, ironport, messagelabs, mailcontrol, forcepoint, fortiguard, fortimail,
            safelinks, safe links, windows defender, microsoft defender, exchange online, paloaltonetworks, cortex-xpanse,
            cortex xpanse, checkphish, netcraft, virustotal, urlscan, safebrowsing, safe browsing, google-safety, cloudmark,
            spamhaus, vadesecure, vade secure, hornetsecurity, nessus, nikto, sqlmap, masscan, zgrab, acunetix, openvas, wpscan,
            netsparker, detectify, leakix, internetmeasurement
        """)
    ),
    Reason.AUTOMATION: Signs(
        anywhere=listed("""
            headless, phantomjs, slimerjs, casperjs, puppeteer, playwright, selenium, webdriver, htmlunit, jsdom,
            chrome-lighthouse, google page speed, pagespeed, gtmetrix, webpagetest, rendertron, browserless, testcafe,
            newrelicsynthetics, datadogsynthetics, dynatrace, catchpoint, ghostinspector, ghost inspector, dejaclick,
            browsershots, thumbshots, wkhtmlto, debugbear
        """),
        words=listed("ptst/, cypress/"),
        regexes=[r"\bsplash version/"],
    ),
    Reason.LIBRARY: Signs(
        words=listed(
            """
            python-requests, python-urllib, python-httpx, aiohttp/, scrapy/, go-http-client, apache-httpclient, libwww-,
            postmanruntime
        """
        ),
        regexes=[r"(?<![\w-])(?:curl|wget|python)/\d", r"\bwindowspowershell/"],
    ),
    Reason.CRAWLER: Signs(
        words=listed("adsbot, duplexweb, pingdom, ips-agent, hotjar, google-, google favicon"),
        regexes=[
            # A name with this ending belongs to a machine by convention; "irobot" and "spiderman" do not.
            r"(?<!ro)bot(?![a-z])|-robots/\d|spider(?![a-z ])|crawlers?(?![a-z])|scrapers?(?![a-z])|bot(?:link|master|net)",
            # What a machine says of itself: whose it is, and where to ask.
            r"(?:safari|chrome|firefox|gecko|version|mobile|trident)[^()]{0,60}[;(] ?compatible;(?! msie)",
            r"\bhttps?:/|\bwww\.|\+[a-z][\w-]*\.[a-z]|\(via ",
            r"@[\w-]{1,64}(?:\.[\w-]{1,64}){0,4}\.[a-z]{2}",
            r"\b(?:monitor|uptime|seo|scan) ?(?:agent|service)\b",
        ],
    ),
}

ON_DESKTOPS: Mapping[Reason, Signs] = {
    # What a person taps in WhatsApp opens with `WA4A/` or `[WAiOS/` on a phone, and in the browser on a desktop. So what its
    # desktop app itself asks for is a preview.
    Reason.PREVIEWER: Signs(regexes=[r"\bwhatsapp/[\d.]+ chrome/\S+ electron/"]),
    Reason.SCANNER: Signs(regexes=[r"(?<![\w.-])(?:trend ?micro|sophos|symantec|darktrace|nuclei)(?![\w-])"]),
    Reason.LIBRARY: Signs(words=["okhttp/"]),
}
"""Names that count only beside a desktop's browser. On phones the makers of scanners have apps with a browser for people, and
apps write the library that they also use into the agent of their web view. `Postman/` and `Zscaler` are in no list: one is an app
in which people read pages, the other a proxy that carries what people open."""

# Names of the list that are words, or browsers and apps of people. They count only in agents that are not a complete browser's.
NOT_BESIDE_A_BROWSER = frozenset(
    listed("""
        AHC, BW, BlogVault, Bloglines, Blogtrottr, Buck, Buttondown, Checkly, CommaFeed, Convera, Crazy Egg, Determ, Disqus,
        EZID, EasyCron, Ezgif, FastmailUA, FeedBurner, FeedFlow, Feedbin, Feeder, Feedly, Feedspot, Feedwind, Fetch, FreshRSS,
        Friendica, GoPay, GoogleDocs, Golfe, Grover, GroupHigh, Hatena, Hello World, HubSpot, Hype Machine, IFTTT,
        Integromat, Jetty, Klaviyo, Lemmy, LinkAce, MailChimp, Mastodon, Miniflux, Moreover, MuckRack, MxToolbox, NING, Netvibes,
        NewsBlur, NewsNow, NextCloud, Nuzzel, OneTrust, OpenRSS, PocketCasts, Protopage, Retool, Scoop.it, Shopify,
        SimplePie, Stape, TinEye, Trustly, Turnitin, Tweakers, TwilioProxy, Valve/Steam, Vigil, Webflow, WordPress, Zabbix,
        Zapier, ZoomInfo-, colly, convera, ds9, eright, feeder.co, httpx, inoreader, newspaper, outbrain, sitebulb,
        startmebot, upday, Swisscows, Omnisend, SparkPost, Teoma, Sysomos, Uptime-Kuma, RSSAPI, RSS.Social, Fetch
    """)
)
