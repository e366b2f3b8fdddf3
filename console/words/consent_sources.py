"""How somebody said that they want messages, or that they want none."""

SOURCES = {
    "unsubscribe_link": "by the link for unsubscribing",
    "preference_page": "on the preference page",
    "sms_word": "by a word such as STOP",
    "held_refusal": "in a text that somebody judged",
    "provider": "at the provider",
    "complaint": "by a complaint",
    "api": "recorded by hand or by the API",
    "import": "from a file",
}
