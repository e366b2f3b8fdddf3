"""The words by which machines are known in a User-Agent, in lower case, and the few that people's agents share with them.

None of the words occurs in the agents of people's browsers, as far as lists of some hundred thousand of them show. Words that are
not certain belong to the verdict `suspect` and not to this list.
"""

from tracking.templates.literals import Signs, listed

PREVIEWERS = Signs(
    anywhere=listed("""
        facebookexternalhit, facebot, meta-external, facebookcatalog, facebookplatform, telegrambot, skypeuripreview,
        discordbot, twitterbot, linkedinbot, pinterestbot, redditbot, slackbot, slack-imgproxy, kakaotalk-scrap, vkshare,
        snapurlpreview, snap url preview, microsoftpreview, bingpreview, yahoo link preview, google web preview,
        google-pagerenderer, iframely, embedly, mastodon, bluesky cardyb, googleimageproxy, yahoomailproxy, ggpht.com,
        applemail, imessage, mattermostbot, mattermost-bot, rocket.chat, zulip, zalobot, zalo-preview, unfurl,
        linkpreview, link preview, link-preview, urlpreview, url preview, url-preview, pagepreview, page-preview,
        rich link, richlink, onebox, opengraph, flipboardproxy, flipboardrss, developers.google.com/+/web/snippet,
        (compatible; ms-office, ; microsoft outlook 1, line-poker, linebot, googlemessages
    """),
    regexes=[r"^(?:whatsapp/|viber|microsoft office/\d)", r"^synapse\b"],
)

SCANNERS = Signs(
    anywhere=listed("""
        barracuda, proofpoint, urldefense, mimecast, ironport, trendmicro, trend micro, symantec, messagelabs,
        mailcontrol, forcepoint, websense, fortiguard, fortinet, fortimail, sophos, safelinks, safe links,
        windows defender, microsoft defender, exchange online, paloaltonetworks, cortex-xpanse, cortex xpanse,
        a palo alto network, checkphish, netcraft, phish, virustotal, urlscan, safebrowsing, safe browsing, google-safety,
        virus, malware, clamav, cloudmark, spamhaus, mailguard, vadesecure, vade secure, darktrace, hornetsecurity,
        retarus, nessus, heimdall, assetnote, nikto, nmap, sqlmap, masscan, zgrab, censys, shodan, qualys, acunetix,
        openvas, wpscan, burpcollab, burp suite, netsparker, detectify, leakix, l9scan, l9explore, l9tcpid,
        internetmeasurement, internet-measurement, securitytrails, dirbuster, gobuster, zmeu, arachni, morfeus,
        checkpoint, mcafee web, mcafee site, mcafee url
    """),
    words=listed("fuzz, nuclei"),
)

LIBRARIES = Signs(
    words=listed("""
        curl, libcurl, wget, libwww, lwp-, lwp:, www-mechanize, mechanize, http_request, httprequest, http request,
        guzzle, pycurl, python, aiohttp, httpx, urllib, twisted, tornado/, scrapy, go-http, go http package, golang,
        fasthttp, resty, req/v, jakarta, apache-http, apachehttp, httpcomponents, httpclient, http_client, http client,
        http-client, okhttp, httpurlconnection, jersey, jetty, retrofit, unirest, axios, node-fetch, nodefetch, nodejs,
        node.js, undici, superagent, needle/, got/, got (, request.js, bun/, deno/, postman, insomnia, httpie, ruby/,
        faraday, typhoeus, rest-client, httparty, excon, perl/, perl-, http-tiny, httptiny, anyevent, dart/, dart:,
        cpp-httplib, libhttp, restsharp, .net framework, winhttp, wininet, powershell, windowspowershell, microsoft bits,
        indy library, reqwest, hyper/, urlgrabber, snoopy, http-get, httpget, httpunit, soap, xml-rpc, xmlrpc, lua-resty,
        lua resty, grequests, w3m/, ahc/, vert.x, ktor, google-http, aspose, poco/, hackney, apachebench
    """),
    regexes=[r"\bjava/[\d_]", r"^(?:java|ruby|perl|php)\b", r"\bphp(?:/|-curl| |$)", r"\blibwww"],
)

AUTOMATION = Signs(
    anywhere=listed("""
        headless, phantomjs, slimerjs, casperjs, puppeteer, playwright, selenium, webdriver, nightmare, zombie.js, jsdom,
        htmlunit, chrome-lighthouse, pagespeed, page speed, gtmetrix, webpagetest, prerender, rendertron, browserless,
        cypress, testcafe, synthetic, dynatrace, catchpoint, ghostinspector, ghost inspector, dejaclick, browsershots,
        screenshot, thumbshots, site-shot, wkhtmlto, debugbear, functionize, webkit2, websnap, web snap, webscreen,
        webthumb, imgsizer, observatory, iplabel
    """),
    words=listed("ptst, splash/, splash version, wpm"),
)

CRAWLERS = Signs(
    anywhere=listed("""
        crawl, spider, scrape, scraping, scrapy, slurp, archiv, harvest, webwalker, web walker, wanderer, fetch, feed,
        librss, syndicat, blog, newsgroup, newsgator, pubsub, hatena, monitor, uptime, validat, verif, pingdom, watchdog,
        scanner, analyze, analyse, analyzi, analysi, analytic, sniff, grab, extract, indexer, indexing, research, audit,
        inspector, inspecto, inspectio, inspect/, collect, hunter, digger, measurement, diagnos, sitemap, backlink,
        linkcheck, link check, link-check, linkwalk, linkfind, linkdex, link sleuth, search engine, searchengine,
        websearch, web search, website, web site, webindex, webcop, webzip, webcapture, webstrip, webreaper, webfetch,
        webmirror, web mirror, webcollage, imageproxy, image-proxy, mailproxy, camo-proxy, imgproxy, httpproxy,
        http-proxy, webproxy, web-proxy, web proxy, link-proxy, proxy/, offline, download ninja, download demon,
        download express, downloader, teleport, httrack, adsbot, adstxt, ads.txt, adscan, semantic, classif, categori,
        plagiar, copyright, brandverity, brandwatch, transcod, translat, thumbnail, healthcheck, health check,
        health-check, duplexweb, kimonolabs, nodemeter, cybaa, mixnode, 360jk, ms web services, httpmonitor, robot
    """),
    words=listed("""
        check, probe, survey, rss/, rss-, rss_, rss reader, rss feed, google-, google search, google pp, google favicon,
        www., http:/, https:/, statuscake, statuspage, health, atom feed, atom reader, webmon, whatweb, wordpress/
    """),
    regexes=[
        r"bot(?![a-z])|bot(?:link|master|net)",
        r"\breader\b|\bsubscribers?\b|\bworm\b|\bping\b|\bscan\b|\brss\b",
        r"\bseo(?!u)|(?<![a-z])seo\b",
        r"(?:safari|chrome|firefox|gecko|version|mobile|trident)[^()]{0,60}[;(] ?compatible;(?! msie)",
        r"khtml, like gecko;",
        r"\+[a-z][\w-]*\.[a-z]|\(via ",
        r"@[\w-]{1,64}(?:\.[\w-]{1,64}){0,4}\.[a-z]{2}",
        r" (?:at|\[at\]) [\w-]{1,64}(?:\.| dot | \[dot\] )[a-z]{2}",
    ],
)

# Strings in people's agents that only look like a machine: a string to see at a glance, and the pattern that is taken out before
# the words are looked for.
HARMLESS = (
    (" build/", r"(?<=; )[^;()]{0,60}(?= build/)"),  # the phone's model: CUBOT, Spider, Phantom, Butterfly
    ("android ", r"(?<=android )[\d.]{1,8}; [^;()]{0,40}(?:bot|spider|robt)\b[^;()]{0,40}(?=\) applewebkit/)"),
    ("cubot", r"\bcubot\w*"),
    ("sogoum", r"\bsogoum(?:se|obilebrowser)\S*"),
    ("google wap proxy", r"\(google wap proxy[^)]*\)"),
    ("bsalsa.com", r"https?://(?:www\.)?bsalsa\.com\S*"),
    ("com.", r"\bcom\.\w+\.\w+[\w.]*"),  # names of Android packages
    ("(via docs.google", r"\(via docs\.google\.com/viewer\)"),
    (";ref:", r";ref:\S*"),
    ("xiaoyuzhou/", r"\bxiaoyuzhou/.*"),
)

# Patterns of the list that also match phones, browsers and apps of people. Their machines are found by the words above.
TOO_BROAD = frozenset(
    {
        r"AP3A\.240617\.008",
        r"Sogou",
        r"Sonic",
        r"Butterfly",
        r"Viber",
        r"WhatsApp",
        r"Blackboard",
        r"008\/",
        r"Fever",
        r"Fluid",
        r"Code\/1\.",
        r"Expanse",
        r"Podimo",
        r"speedy",
        r"Yeti",
        r"linko",
        r"Devin",
        r"Charlotte",
        r"Magellan",
        r"Adventurer",
        r"Trove",
        r"RED\/",
        r"Make\/",
        r"Readable\/",
        r"Tumblr\/",
        r"PayPal\/",
        r"Bluesky\/",
        r"Notion\/",
        r"Daum\/",
        r"YaK\/",
        r"Grammarly\/",
        r"Trae\/",
        r"Instapaper\/",
        r"Salesforce\.com",
        r"Synapse",
        r"Goodreads",
        r"Stripe\/",
        r"Jumio",
        r"fluffy",
        r"ichiro",
        r"Overcast\/",
        r"Pcore-HTTP",
        r"Operator\/",
        r"Dlc\/",
        r"mail\.ru",
        r"Bugsnag",
        r"Watchful",
        r"Odin;",
        r"Splunk",
        r"Optimizer\)",
        r"Rigor\)",
        r"Verity\/",
        r"Nitro-",
        r"Novellum",
        r"Potions\/",
        r"upday",
        r"Uptime\/",
        r"Asana\/",
        r"MetaIAB Facebook",
    }
)

# What people browse with names an engine, or is a phone from before there were engines.
ENGINES = Signs(
    anywhere=listed("""
        applewebkit, gecko/, goanna/, presto/, trident/, khtml, opera, servo/, netfront, obigo, teleca, up.browser,
        up.link, openwave, ucweb, cweb/, ucbrowser, uc browser, dolfin, dolphin, polaris, jasmine, skyfire, .browser/,
        wapbrowser, wap browser, midp, cldc, symbian, series60, series40, series 60, blackberry, maui, profile/, j2me,
        docomo, kddi, softbank, vodafone, j-phone, nokia, sonyericsson, samsung, philips, alcatel, huawei, pantech, sagem,
        tianyu, _browser/, playstation, nintendo, xbox, amiga, netscape, lynx/, links (, elinks, dillo, konqueror, icab,
        omniweb, ibrowse, netpositive, windows ce, palmos, danger, maemo, hbbtv, smart-tv, smarttv
    """),
    words=listed(
        "chrome/, firefox/, safari/, msie, brew, mtk, wap, sec-, sie-, lg-, lg/, lge, mot-, zte, palm, planetweb, jig browser"
    ),
    regexes=[
        r"\brv:\d[\d.]*[^)]*\) gecko\b",
        r"^mozilla/[2-4]\.\d+\S* (?:\[\w+\] )?(?:\(c\) )?\((?:x11|win|macintosh|os/2)",
        r"\brelease/.*\bbrowser/|\bandroid\b.*\bbrowser\b",
    ],
)

# An agent with a system or a device of people, but no engine, is the network code of an app.
APPS = Signs(
    anywhere=listed("""
        cfnetwork/, dalvik/, darwin/, android, iphone, ipad, ipod, watch os, watchos, mac os, macos, osx/, fban/, fbav/,
        dlnadoc, sonos/, win32, win64, winnt, win10, libvlc/, netflix
    """),
    words=listed("ios, tvos, ipados, windows, scale/, vizio, aft, roku, xbmc, kodi/, vlc/, linux;, hybridcast, kepler/"),
)
