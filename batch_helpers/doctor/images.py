"""What an image's name says of where it is: pure.

https://github.com/distribution/reference/blob/main/reference.go
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws|on)\.[a-z.]+/(?P<rest>.+)"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?"
_NAME = re.compile(
    rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)


@dataclass(frozen=True, slots=True)
class ECRImage:
    """A private image of ECR. tag: `latest` where none is named; digest: instead of a tag."""

    account: str
    region: str
    repository: str
    tag: str = "latest"
    digest: str | None = None

    @property
    def identifier(self) -> dict[str, str]:
        """As DescribeImages takes it."""
        return {"imageDigest": self.digest} if self.digest else {"imageTag": self.tag}


def well_formed(name: str) -> bool:
    """Whether a registry could have an image of this name."""
    return _NAME.fullmatch(name) is not None


def registry_of(name: str) -> str:
    """The host that the image is pulled from; a name without one is Docker Hub's."""
    first, slash, _ = name.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def pinned(name: str) -> bool:
    """Whether the name says which of the repository's images it is."""
    return "@" in name or ":" in name.rpartition("/")[2]


def ecr_image(name: str) -> ECRImage | None:
    """The image in ECR that this names, or None."""
    match = _ECR.fullmatch(name)
    if match is None:
        return None
    rest, _, digest = match["rest"].partition("@")
    repository, _, tag = rest.partition(":")
    return ECRImage(match["account"], match["region"], repository, tag or "latest", digest or None)
