"""What can go wrong with a signing key: one tree, told apart by what the caller may do next.

Every message may be logged: it holds no key material and no ARN. The cause is chained.
"""


class KeyProviderError(Exception):
    """Root of everything this package raises on purpose."""


class KeyUnavailable(KeyProviderError):
    """The provider cannot be reached, fails or throttles: the same call may succeed later."""


class KeyNotUsable(KeyProviderError):
    """The key is disabled, on its way to deletion or gone: another key must be used."""


class ProviderRefused(KeyProviderError):
    """The provider refuses the call itself (permissions, quotas): an operator has to act."""


class SigningInputTooLarge(KeyProviderError):
    """More than 4,096 bytes to sign, which is the most that KMS takes as RAW."""


class InvalidKey(KeyProviderError, ValueError):
    """A key is not of the form that its algorithm demands, or not the key it is said to be.

    A ValueError too, so that a record read back with such a key fails its validation.
    """


class InvalidSignature(KeyProviderError):
    """The provider's answer is not a signature of the form that the algorithm demands."""


class UnsafeKeyFile(KeyProviderError):
    """A key file or folder is a link, is open to others or unencrypted: it is not used."""


class UnreadableKeyFile(KeyProviderError):
    """A key file cannot be decrypted: it has another passphrase, or it is damaged."""


class NoActiveKey(KeyProviderError):
    """An account has no key that signs, or more than one."""
