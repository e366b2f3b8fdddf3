"""The stand-in for Twilio as a process of its own: `python -m drills.providers.twilio`."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from drills.providers.twilio_stand_in import TwilioSettings, TwilioStandIn


async def _run(settings: TwilioSettings) -> None:
    stand_in = TwilioStandIn(settings)
    print(await stand_in.start(), flush=True)
    await asyncio.Event().wait()


HELP = f"""A stand-in for Twilio. Its settings are a JSON object on the standard input:

  {json.dumps({"auth_token": "secret", "port": 8765})}

auth_token is required; the others, with what they are when they are left out:

  {json.dumps({name: value for name, value in asdict(TwilioSettings("")).items() if name != "auth_token"})}

It prints its address and runs until it is ended. /stand-in/messages shows what it has taken. With a POST of JSON,
/stand-in/webhook takes the address for inbound messages, /stand-in/write hands one over ({{"sender": …, "body": …}}),
/stand-in/outcomes and /stand-in/troubles make deliveries and requests fail, and /stand-in/finish waits for its queues.
"""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        "python -m drills.providers.twilio", description=HELP, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.parse_args(arguments)
    try:
        settings = TwilioSettings(**json.loads(sys.stdin.read()))
    except (ValueError, TypeError) as error:
        parser.error(f"the standard input has no settings ({error}): see --help")
    asyncio.run(_run(settings))


if __name__ == "__main__":
    main(sys.argv[1:])
