"""FF1 format-preserving encryption, NIST SP 800-38G (algorithms 7 and 8), for one text length and tweak.

It encrypts a string of `length` digits in base `radix` into another one of the same length and base. Both sides are handed over
as the two halves of the string, each as one integer: the halves are what the standard's ten rounds work on, so no digit is looked
at on the way.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ROUNDS = 10
BLOCK = 16

Halves = tuple[int, int]


class FF1:
    """One key, radix, text length and tweak. Everything that does not depend on the text is computed once.

    `key` has 16, 24 or 32 bytes. `radix` is 2 to 62. `length` is a number of digits with radix**length >= 100 (the standard of
    2016; its revision asks for 1,000,000, which tokens exceed by far). Raises ValueError otherwise. It can be shared between
    threads, because an encryptor in ECB mode keeps nothing between whole blocks.
    """

    def __init__(self, key: bytes, radix: int, length: int, tweak: bytes = b"") -> None:
        if not 2 <= radix <= 62:
            raise ValueError("the radix must be from 2 to 62")
        if length < 2 or radix**length < 100:
            raise ValueError("the text is too short for this radix")
        # ECB on single blocks is the standard's own building block CIPH; the feedback is in `_prf`.
        self._aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305
        left = length // 2
        right = length - left
        self.split = radix**right  # a number of `length` digits is left * split + right
        self._moduli = (radix**left, radix**right)
        self._numeral_bytes = ((radix**right - 1).bit_length() + 7) // 8
        self._mask_bytes = 4 * -(-self._numeral_bytes // 4) + 4
        header = bytes([1, 2, 1]) + radix.to_bytes(3) + bytes([10, left % 256]) + length.to_bytes(4) + len(tweak).to_bytes(4)
        padding = bytes((-len(tweak) - self._numeral_bytes - 1) % BLOCK)
        self._rounds = self._chain(header + tweak + padding)
        # For texts as short as a token, a round is one AES block, and the mask is its first bytes.
        self._short = self._open_bytes == BLOCK and self._mask_bytes <= BLOCK
        self._spare_bits = 8 * (BLOCK - self._mask_bytes)
        self._pairs = [(self._rounds[i + 1], self._rounds[i]) for i in range(ROUNDS - 2, -1, -2)]

    def encrypt(self, halves: Halves) -> Halves:
        a, b = halves
        even, odd = self._moduli
        mask = self._mask
        for i in range(0, ROUNDS, 2):
            a, b = b, (a + mask(i, b)) % even
            a, b = b, (a + mask(i + 1, b)) % odd
        return a, b

    def decrypt(self, halves: Halves) -> Halves:
        if self._short:
            return self._decrypt_short(halves)
        a, b = halves
        even, odd = self._moduli
        mask = self._mask
        for i in range(ROUNDS - 2, -1, -2):
            a, b = (b - mask(i + 1, a)) % odd, a
            a, b = (b - mask(i, a)) % even, a
        return a, b

    def _decrypt_short(self, halves: Halves) -> Halves:
        """Does what `decrypt` with `_mask` would do, written out in half the time, because every click waits for it."""
        (a, b), (even, odd) = halves, self._moduli
        aes, spare, number = self._aes, self._spare_bits, int.from_bytes
        for of_odd, of_even in self._pairs:
            b = (b - (number(aes((of_odd ^ a).to_bytes(BLOCK))) >> spare)) % odd
            a = (a - (number(aes((of_even ^ b).to_bytes(BLOCK))) >> spare)) % even
        return a, b

    def _chain(self, fixed: bytes) -> list[int]:
        """Returns, for each round, the CBC-MAC input up to the round's number as one integer. Only the half remains to be
        added."""
        whole = len(fixed) - len(fixed) % BLOCK
        state = int.from_bytes(self._mac(bytes(BLOCK), fixed[:whole]))
        self._open_bytes = len(fixed) - whole + 1 + self._numeral_bytes
        tail = int.from_bytes(fixed[whole:]) << 8
        numeral_bits = 8 * self._numeral_bytes
        return [(state << 8 * (self._open_bytes - BLOCK)) ^ ((tail | i) << numeral_bits) for i in range(ROUNDS)]

    def _mac(self, state: bytes, data: bytes) -> bytes:
        for start in range(0, len(data), BLOCK):
            mixed = int.from_bytes(state) ^ int.from_bytes(data[start : start + BLOCK])
            state = self._aes(mixed.to_bytes(BLOCK))
        return state

    def _mask(self, i: int, half: int) -> int:
        """Computes the integer y of step 6: a pseudo-random function of the round and one half."""
        data = (self._rounds[i] ^ half).to_bytes(self._open_bytes)
        block = self._aes(data) if self._open_bytes == BLOCK else self._mac(bytes(BLOCK), data)
        if self._mask_bytes <= BLOCK:
            return int.from_bytes(block[: self._mask_bytes])
        return int.from_bytes(self._stretch(block)[: self._mask_bytes])

    def _stretch(self, block: bytes) -> bytes:
        first = int.from_bytes(block)
        counters = range(1, -(-self._mask_bytes // BLOCK))
        return block + b"".join(self._aes((first ^ j).to_bytes(BLOCK)) for j in counters)
