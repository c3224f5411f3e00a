"""What botocore's data says of partitions, so that none of their names is a literal of ours."""

from __future__ import annotations

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
