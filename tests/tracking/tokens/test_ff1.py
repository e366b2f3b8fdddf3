"""FF1 against the samples that NIST publishes with SP 800-38G (FF1samples.pdf, samples 1 to 9)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.tokens.ff1 import FF1

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
KEY_128 = "2B7E151628AED2A6ABF7158809CF4F3C"
KEY_192 = KEY_128 + "EF4359D8D580AA4F"
KEY_256 = KEY_192 + "7F036D6F04FC6A94"
NO_TWEAK = ""
TWEAK_10 = "39383736353433323130"
TWEAK_36 = "3737373770717273373737"

SAMPLES = [
    pytest.param(KEY_128, 10, NO_TWEAK, "0123456789", "2433477484", id="sample 1"),
    pytest.param(KEY_128, 10, TWEAK_10, "0123456789", "6124200773", id="sample 2"),
    pytest.param(KEY_128, 36, TWEAK_36, "0123456789abcdefghi", "a9tv40mll9kdu509eum", id="sample 3"),
    pytest.param(KEY_192, 10, NO_TWEAK, "0123456789", "2830668132", id="sample 4"),
    pytest.param(KEY_192, 10, TWEAK_10, "0123456789", "2496655549", id="sample 5"),
    pytest.param(KEY_192, 36, TWEAK_36, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr", id="sample 6"),
    pytest.param(KEY_256, 10, NO_TWEAK, "0123456789", "6657667009", id="sample 7"),
    pytest.param(KEY_256, 10, TWEAK_10, "0123456789", "1001623463", id="sample 8"),
    pytest.param(KEY_256, 36, TWEAK_36, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd", id="sample 9"),
]


def halves(text: str, radix: int) -> tuple[int, int]:
    middle = len(text) // 2
    return int(text[:middle], radix), int(text[middle:], radix)


def digits(value: int, radix: int, length: int) -> str:
    text = ""
    for _ in range(length):
        value, digit = divmod(value, radix)
        text = DIGITS[digit] + text
    return text


def join(parts: tuple[int, int], radix: int, length: int) -> str:
    left = length // 2
    return digits(parts[0], radix, left) + digits(parts[1], radix, length - left)


@pytest.mark.parametrize(("key", "radix", "tweak", "plain", "cipher"), SAMPLES)
def test_the_published_samples_encrypt_and_decrypt(key: str, radix: int, tweak: str, plain: str, cipher: str) -> None:
    ff1 = FF1(bytes.fromhex(key), radix, len(plain), bytes.fromhex(tweak))
    assert join(ff1.encrypt(halves(plain, radix)), radix, len(plain)) == cipher
    assert join(ff1.decrypt(halves(cipher, radix)), radix, len(plain)) == plain


@pytest.mark.parametrize("radix", [1, 0, -2, 63, 65536])
def test_a_radix_out_of_range_is_refused(radix: int) -> None:
    with pytest.raises(ValueError, match="radix"):
        FF1(bytes(16), radix, 10)


@pytest.mark.parametrize(("radix", "length"), [(2, 6), (10, 1), (62, 1), (10, 0)])
def test_a_text_too_short_to_be_safe_is_refused(radix: int, length: int) -> None:
    with pytest.raises(ValueError, match="too short"):
        FF1(bytes(16), radix, length)


def test_a_key_of_a_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="key size"):
        FF1(bytes(15), 10, 10)


@given(st.integers(2, 62), st.integers(7, 120), st.binary(max_size=40), st.data())
def test_decryption_undoes_encryption_for_any_radix_length_and_tweak(
    radix: int, length: int, tweak: bytes, data: st.DataObject
) -> None:
    left = length // 2
    plain = data.draw(st.integers(0, radix**left - 1)), data.draw(st.integers(0, radix ** (length - left) - 1))
    ff1 = FF1(bytes(range(32)), radix, length, tweak)
    a, b = ff1.encrypt(plain)
    assert 0 <= a < radix**left
    assert 0 <= b < radix ** (length - left)
    assert ff1.decrypt((a, b)) == plain
