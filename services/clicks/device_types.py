"""Decides between phone, tablet, desktop and other, by the system that an agent names and not by the program.

Families of devices are asked in a fixed order. A browser names its system in the first comment, and the text behind it is chosen
by an app; other agents name the system anywhere. An iPad that asks for desktop pages says that it is a Mac, word for word, and
cannot be told from one.
"""

import re
from enum import StrEnum


class DeviceType(StrEnum):
    PHONE = "phone"
    TABLET = "tablet"
    DESKTOP = "desktop"
    BOT = "bot"
    OTHER = "other"


_COMMENT = re.compile(r"mozilla/\d\.\d \(((?:[^()]|\([^()]*\))*)\)")
_MOBILE = re.compile(r"\bmobile\b|opera mini")
_ENGINE = re.compile(r"applewebkit/|gecko/|presto/")

# Televisions, consoles, watches, cars and headsets.
_OTHER = re.compile(
    r"smart-?tv|\b(?:android|apple|google) ?tv|\btv\b|hbbtv|web0s|netcast|viera|bravia|\baft[a-z]|crkey|roku|tvos|vizio|mitv|"
    r"playstation|nintendo|\bxbox|watch ?os|apple ?watch|\bwatch\d|wear ?os|\bsm-r\d|oculus|\bquest\b|qtcarbrowser"
)
_TV_BROWSER = re.compile(r"smart-?tv|\btv safari|hbbtv|crkey/|dtv |tesla/|oculusbrowser|\bvr safari")
# Models of tablets whose browsers say `Mobile`, or whose apps name no system.
_TABLET_MODEL = re.compile(
    r"\btablet\b|\bsm-[tpx]\d|\bgt-[pn][578]\d|\bkf[a-z]{3,6}\b|\b(?:media|mate|mi|redmi|honor|oppo|oneplus|vivo|realme) ?pad\b|"
    r"\bpad\b|\btab\b|\blenovo (?:tab|tb|yt)|\btb-?[\dx]|\bnexus (?:7|9|10)\b|\bpixel c\b|\bxoom\b|ideatab|iconia|\bkindle\b"
)
_CHROMEBOOK = re.compile(r"\bcros\b|chromebook|pixelbook|\bbuild/r\d+-")
_PHONE = re.compile(
    r"windows phone|iemobile|\bmobile\b|\bphone\b|midp|blackberry|bb10|symb|series ?[46]0|kaios|opera mini|opera mobi|ucweb"
)
_TABLET = re.compile(r"\btablet\b(?! pc)|playbook|touchpad|\bkindle\b|silk/")
_DESKTOP = re.compile(
    r"windows|\bwin(?:32|64|nt|10)|macintosh|\bmac ?os\b|\bos ?x\b|\bmacos|\(mac\b|\bdarwin/[^ ]* \((?:x86_64|i386)|"
    r"\bcros\b|x11|wayland|linux (?:x86_64|i[3-6]86|aarch64)|linux\b.*\belectron/|ubuntu|fedora|debian|bsd\b|\bpc;"
)


def device_type(agent: str) -> DeviceType:
    """Returns the type of an agent that is not a machine's. An agent that names no system is of type other."""
    lower = agent.lower()
    comment = _COMMENT.match(lower)
    system = comment[1] if comment else lower
    if re.search(r"\bip(?:hone|od)", system):
        return DeviceType.PHONE
    if "ipad" in system:
        return DeviceType.TABLET
    if _OTHER.search(system) or _TV_BROWSER.search(lower):
        return DeviceType.OTHER
    if "android" in system and "windows phone" not in system:
        return _android(lower, system)
    families = ((_TABLET, DeviceType.TABLET), (_PHONE, DeviceType.PHONE), (_DESKTOP, DeviceType.DESKTOP))
    return next((kind for pattern, kind in families if pattern.search(system)), DeviceType.OTHER)


def _android(lower: str, system: str) -> DeviceType:
    if _CHROMEBOOK.search(system):
        return DeviceType.DESKTOP
    if _TABLET_MODEL.search(system):
        return DeviceType.TABLET
    # Browsers of phones say `Mobile`, anywhere. An app's own network code never does, and there are more phones.
    return DeviceType.PHONE if _MOBILE.search(lower) or not _ENGINE.search(lower) else DeviceType.TABLET
