"""A file on its way from its preview to its import: the page carries it, because no process keeps anything between two requests.

A browser does not keep a chosen file when a page answers with another one, asking for it again could import another file than was
looked at, and a store on the server would have to be shared by all processes and emptied again. So the preview's form holds the
file itself, compressed, in a hidden field: 20 MB of CSV are a few.
"""

import base64
import binascii
import csv
import zlib
from dataclasses import dataclass

from models.contacts.csv_file import csv_rows, decode_csv, find_delimiter
from models.errors import Invalid

MOST_BYTES = 20 * 2**20
"""What an import takes."""
MOST_CARRIED = 20 * 2**20
"""What the form of a preview takes with its other fields."""
TOO_LARGE = "A file may have 20 MB. Split it, and import one part after the other."
NOT_CARRIED = "This file does not get smaller when it is compressed, so it is hardly a table. Import it by the API, or split it."


class CannotBeCarried(Exception):
    """Says what to do instead."""


@dataclass(frozen=True)
class CarriedFile:
    """What was chosen, as it was."""

    name: str
    content: bytes

    def packed(self) -> str:
        """Raises CannotBeCarried when the page would be too large."""
        if len(self.content) > MOST_BYTES:
            raise CannotBeCarried(TOO_LARGE)
        text = base64.urlsafe_b64encode(zlib.compress(self.content, 6)).decode()
        if len(text) > MOST_CARRIED:
            raise CannotBeCarried(NOT_CARRIED)
        return text

    def lines(self, most: int) -> dict[int, list[str]]:
        """Returns the cells of the first `most` rows that say something, as they are in the file, by the line in which each
        begins."""
        found = dict[int, list[str]]()
        try:
            text, _ = decode_csv(self.content)
            reader = csv_rows(text, find_delimiter(text))
            next(reader, None)
            line = reader.line_num + 1
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    found[line] = cells
                if len(found) >= most:
                    break
                line = reader.line_num + 1
        except (Invalid, csv.Error):
            pass
        return found

    def headers(self) -> list[str]:
        """The names of its columns as far as they can be read."""
        try:
            text, _ = decode_csv(self.content)
            return [str(each) for each in next(csv_rows(text, find_delimiter(text)), [])]
        except (Invalid, csv.Error):
            return []


def unpacked(name: str, text: str) -> CarriedFile:
    """Raises CannotBeCarried for what was not packed here. A small text that would become endless is cut off by the limit."""
    try:
        packed = base64.urlsafe_b64decode(text.encode())
        reading = zlib.decompressobj()
        content = reading.decompress(packed, MOST_BYTES + 1)
    except (ValueError, binascii.Error, zlib.error):
        raise CannotBeCarried("The file was lost on its way. Choose it again.") from None
    if len(content) > MOST_BYTES:
        raise CannotBeCarried(TOO_LARGE)
    if not reading.eof:
        raise CannotBeCarried("The file was lost on its way. Choose it again.")
    return CarriedFile(name, content)
