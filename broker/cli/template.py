"""`broker template`: the CloudFormation template, for whoever puts it into a bucket or reads it."""

from __future__ import annotations

import click

from broker.domain import onboarding


@click.command(epilog="Exit codes: 0 printed, 2 wrong usage.")
def template() -> None:
    """Print the CloudFormation template that customers create their stack from.

    The broker serves the same text at /onboarding/template.yaml. CloudFormation reads templates
    from S3 only, so put it into a bucket and name that in BROKER_TEMPLATE_URL:

    \b
      broker template > template.yaml
      aws s3 cp template.yaml s3://your-bucket/support-access.yaml
    """
    click.echo(onboarding.template(), nl=False)
