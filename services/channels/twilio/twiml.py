"""The answer to an inbound message, in Twilio's markup language: the text that Twilio sends back, or nothing."""

from xml.sax.saxutils import escape

MEDIA_TYPE = "text/xml"


def twiml(answer: str | None) -> str:
    message = f"<Message>{escape(answer)}</Message>" if answer else ""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>'
