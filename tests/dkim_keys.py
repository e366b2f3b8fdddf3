"""Keys that sign the mails of tests. They are made for each run, so that no key stands in the project."""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def seed(key: ed25519.Ed25519PrivateKey) -> str:
    raw = serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    return base64.b64encode(key.private_bytes(*raw)).decode()


RSA_KEY = pem(rsa.generate_private_key(65537, 2048))
ED25519_KEY = seed(ed25519.Ed25519PrivateKey.generate())
