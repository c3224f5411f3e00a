"""IAM's OpenID Connect providers as AWS keeps them, in place of moto's.

moto lacks AddClientID and RemoveClientID, takes almost any URL, folds the case of tag keys and
never contacts the issuer. Unconfirmed: every answer that is not about a URL with query or
fragment, the number of thumbprints, or a provider that does not exist; and which thumbprint AWS
stores if none was given (here: none). The text of EntityAlreadyExists is a guess.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import IAMBackend, OpenIDConnectProvider, iam_backends
from moto.iam.responses import IamResponse

from broker.sandbox.issuers.issuer_url import IssuerUrl
from broker.sandbox.issuers.openid_fetch import (
    DocumentRefusedError,
    IssuerClient,
    IssuerUnreachableError,
)

MAX_PROVIDERS: Final = 100
MAX_CLIENT_IDS: Final = 100
MAX_THUMBPRINTS: Final = 5
MAX_TAGS: Final = 50
URL_LENGTHS: Final = range(1, 255 + 1)
CLIENT_ID_LENGTHS: Final = range(1, 255 + 1)
THUMBPRINT_LENGTHS: Final = range(40, 40 + 1)
TAG_KEY_LENGTHS: Final = range(1, 128 + 1)
TAG_VALUE_LENGTHS: Final = range(256 + 1)

Parameters = Mapping[str, Any]
Result = Mapping[str, Any] | None
Tags = Iterable[Mapping[str, str]]
"""IAM's shape of tags: `Key` and `Value`."""


class IamRefusal(ServiceException):
    """IAM refuses the call; moto takes the HTTP status from the API model."""


def find_provider(arn: str) -> OpenIDConnectProvider | None:
    """The provider with exactly this ARN, in whichever account; asking creates no account."""
    _, partition, _, _, account_id, _ = arn.split(":", 5)
    backend = dict(dict(iam_backends).get(account_id, {})).get(partition)
    return backend.open_id_providers.get(arn) if backend else None


class IdentityProviderActions:
    """The operations, each from an account's IAM and the call's parameters to the answer."""

    def __init__(self, issuers: IssuerClient) -> None:
        self._issuers = issuers

    def create(self, iam: IAMBackend, call: Parameters) -> Result:
        """CreateOpenIDConnectProvider; contacts the issuer if no thumbprint was given."""
        url = _provider_url(call["Url"])
        thumbprints = _thumbprints(call.get("ThumbprintList", []))
        client_ids = _client_ids(call.get("ClientIDList", []))
        tags = _tags(call.get("Tags", []))
        provider = OpenIDConnectProvider(
            account_id=iam.account_id,
            region_name=iam.region_name,
            url=url.canonical,
            thumbprint_list=thumbprints,
            client_id_list=client_ids,
            tags=tags,
        )
        if provider.arn in iam.open_id_providers:
            raise IamRefusal(
                "EntityAlreadyExists", f"Provider with url {url.canonical} already exists."
            )
        if len(iam.open_id_providers) >= MAX_PROVIDERS:
            raise _limit_exceeded("OpenIdConnectProvidersPerAccount", MAX_PROVIDERS)
        if not thumbprints:
            self._require_reachable(url)
        iam.open_id_providers[provider.arn] = provider
        return {"OpenIDConnectProviderArn": provider.arn, "Tags": list(tags.values())}

    def get(self, iam: IAMBackend, call: Parameters) -> Result:
        """GetOpenIDConnectProvider."""
        provider = _existing(iam, call)
        return {
            "Url": provider.url,
            "ClientIDList": provider.client_id_list,
            "ThumbprintList": provider.thumbprint_list,
            "CreateDate": provider.create_date,
            "Tags": _sorted_tags(provider),
        }

    def delete(self, iam: IAMBackend, call: Parameters) -> Result:
        """DeleteOpenIDConnectProvider: not idempotent, whatever its documentation says."""
        if iam.open_id_providers.pop(call["OpenIDConnectProviderArn"], None) is None:
            raise IamRefusal("NoSuchEntity", "OpenId connect Provider ARN cannot be found.")
        return None

    def add_client_id(self, iam: IAMBackend, call: Parameters) -> Result:
        """AddClientIDToOpenIDConnectProvider; one that is there already is no error."""
        provider = _existing(iam, call)
        provider.client_id_list = _client_ids([*provider.client_id_list, call["ClientID"]])
        return None

    def remove_client_id(self, iam: IAMBackend, call: Parameters) -> Result:
        """RemoveClientIDFromOpenIDConnectProvider; one that is not there is no error."""
        provider = _existing(iam, call)
        provider.client_id_list = [
            each for each in provider.client_id_list if each != call["ClientID"]
        ]
        return None

    def update_thumbprints(self, iam: IAMBackend, call: Parameters) -> Result:
        """UpdateOpenIDConnectProviderThumbprint: replaces the list."""
        provider = _existing(iam, call)
        thumbprints = call.get("ThumbprintList", [])
        if not thumbprints:
            raise _invalid_input("Thumbprint list must contain at least one entry.")
        provider.thumbprint_list = _thumbprints(thumbprints)
        return None

    def tag(self, iam: IAMBackend, call: Parameters) -> Result:
        """TagOpenIDConnectProvider: adds tags, and replaces those of the same key."""
        provider = _existing(iam, call)
        given = _tags(call.get("Tags", []))
        provider.tags = _tags({**provider.tags, **given}.values())
        return None

    def untag(self, iam: IAMBackend, call: Parameters) -> Result:
        """UntagOpenIDConnectProvider."""
        provider = _existing(iam, call)
        for key in call.get("TagKeys", []):
            provider.tags.pop(key, None)
        return None

    def list_tags(self, iam: IAMBackend, call: Parameters) -> Result:
        """ListOpenIDConnectProviderTags: all of them at once, there are never more than 50."""
        return {"Tags": _sorted_tags(_existing(iam, call)), "IsTruncated": False}

    def _require_reachable(self, url: IssuerUrl) -> None:
        try:
            self._issuers.keys(self._issuers.discovery(url.canonical))
        except (IssuerUnreachableError, DocumentRefusedError) as error:
            raise IamRefusal(
                "OpenIdIdpCommunicationError",
                f"Unable to reach or use the OpenID configuration of {url.canonical}",
            ) from error


def install(issuers: IssuerClient) -> None:
    """Let moto's IAM answer for OpenID Connect providers through this module."""
    actions = IdentityProviderActions(issuers)
    operations = {
        "create_open_id_connect_provider": actions.create,
        "get_open_id_connect_provider": actions.get,
        "delete_open_id_connect_provider": actions.delete,
        "add_client_id_to_open_id_connect_provider": actions.add_client_id,
        "remove_client_id_from_open_id_connect_provider": actions.remove_client_id,
        "update_open_id_connect_provider_thumbprint": actions.update_thumbprints,
        "tag_open_id_connect_provider": actions.tag,
        "untag_open_id_connect_provider": actions.untag,
        "list_open_id_connect_provider_tags": actions.list_tags,
    }
    for name, operation in operations.items():
        setattr(IamResponse, name, _endpoint(operation))


def _endpoint(
    operation: Callable[[IAMBackend, Parameters], Result],
) -> Callable[[IamResponse], ActionResult]:
    def endpoint(self: IamResponse) -> ActionResult:
        result = operation(self.backend, cast("Parameters", self.params))
        return EmptyResult() if result is None else ActionResult(result)

    return endpoint


def _existing(iam: IAMBackend, call: Parameters) -> OpenIDConnectProvider:
    arn = call["OpenIDConnectProviderArn"]
    provider = iam.open_id_providers.get(arn)
    if provider is None:
        raise IamRefusal("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    return provider


def _provider_url(text: str) -> IssuerUrl:
    _require_lengths("url", [text], URL_LENGTHS)
    try:
        return IssuerUrl.parse(text)
    except ValueError as error:
        raise _invalid_input("Unknown") from error


def _thumbprints(given: list[str]) -> list[str]:
    """In lower case; neither repeated entries nor other characters than hex digits matter."""
    _require_lengths("thumbprintList", given, THUMBPRINT_LENGTHS)
    if len(given) > MAX_THUMBPRINTS:
        raise _invalid_input("Thumbprint list must contain fewer than 5 entries.")
    return [thumbprint.lower() for thumbprint in given]


def _client_ids(given: list[str]) -> list[str]:
    """Each once, in the order given."""
    _require_lengths("clientIDList", given, CLIENT_ID_LENGTHS)
    distinct = list(dict.fromkeys(given))
    if len(distinct) > MAX_CLIENT_IDS:
        raise _limit_exceeded("ClientIdsPerOpenIdConnectProvider", MAX_CLIENT_IDS)
    return distinct


def _tags(given: Tags) -> dict[str, dict[str, str]]:
    """By key, in the order given; unlike elsewhere in IAM, letter case tells keys apart."""
    listed = [dict(tag) for tag in given]
    _require_lengths("tags.member.key", [tag["Key"] for tag in listed], TAG_KEY_LENGTHS)
    _require_lengths("tags.member.value", [tag["Value"] for tag in listed], TAG_VALUE_LENGTHS)
    by_key = {tag["Key"]: tag for tag in listed}
    if len(by_key) < len(listed):
        raise _invalid_input("Duplicate tag keys found.")
    if len(by_key) > MAX_TAGS:
        raise _limit_exceeded("TagsPerOpenIdConnectProvider", MAX_TAGS)
    return by_key


def _sorted_tags(provider: OpenIDConnectProvider) -> list[dict[str, str]]:
    return [provider.tags[key] for key in sorted(provider.tags)]


def _require_lengths(parameter: str, values: Iterable[str], lengths: range) -> None:
    if any(len(value) not in lengths for value in values):
        raise IamRefusal(
            "ValidationError",
            f"1 validation error detected: Value at '{parameter}' failed to satisfy constraint: "
            f"Member must have length between {lengths.start} and {lengths.stop - 1}",
        )


def _invalid_input(text: str) -> IamRefusal:
    return IamRefusal("InvalidInput", text)


def _limit_exceeded(quota: str, limit: int) -> IamRefusal:
    return IamRefusal("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}")
