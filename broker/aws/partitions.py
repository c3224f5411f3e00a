"""What botocore's data says of partitions, so that none of their names is a literal of ours."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import UnknownRegionError
from botocore.session import get_session


def dns_suffix(region: str) -> str:
    """The domain that AWS's hosts of this Region end in, like `amazonaws.com`.

    Raises ValueError for what is no Region.
    """
    session = get_session()
    try:
        partition = session.get_partition_for_region(region)
    except UnknownRegionError as e:
        raise ValueError(f"{region} is not a Region of AWS") from e
    described = session.get_data("endpoints")["partitions"]
    return next(str(each["dnsSuffix"]) for each in described if each["partition"] == partition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """The Regions of a partition in which CloudTrail is, in the order of their names.

    `of_global_services` is where what IAM does is recorded; None where a partition has no such
    place.
    """

    all: tuple[str, ...]
    of_global_services: str | None


def regions_beside(region: str) -> Regions:
    """The Regions of the partition that `region` belongs to.

    Raises UnknownRegionError for what is no Region.
    """
    session = get_session()
    partition = session.get_partition_for_region(region)
    described = session.get_data("endpoints")["partitions"]
    services = next(each["services"] for each in described if each["partition"] == partition)
    of_iam = services.get("iam", {}).get("endpoints", {}).get(f"{partition}-global", {})
    return Regions(
        all=tuple(session.get_available_regions("cloudtrail", partition_name=partition)),
        of_global_services=of_iam.get("credentialScope", {}).get("region"),
    )


def every_region_beside(region: str) -> frozenset[str]:
    """The names of all Regions in the partition that `region` belongs to.

    Raises UnknownRegionError for what is no Region.
    """
    session = get_session()
    partition = session.get_partition_for_region(region)
    described = session.get_data("endpoints")["partitions"]
    regions = next(each["regions"] for each in described if each["partition"] == partition)
    return frozenset(map(str, regions))


def home_region(service: str, *, beside: str) -> str:
    """The Region of a service that a partition has once, in the partition that `beside` is in.

    Raises ValueError where botocore's data knows of none.
    """
    session = get_session()
    partition = session.get_partition_for_region(beside)
    described = session.get_data("endpoints")["partitions"]
    services = next(each["services"] for each in described if each["partition"] == partition)
    place = services.get(service, {}).get("endpoints", {}).get(f"{partition}-global", {})
    if "credentialScope" not in place:
        raise ValueError(f"{service} has no one place in {partition}")
    return str(place["credentialScope"]["region"])
